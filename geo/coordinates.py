"""Positions and boxes on the globe, in degrees on WGS 84."""

from __future__ import annotations

import math
from dataclasses import dataclass


class ImpossiblePosition(ValueError):
    """The numbers are no place on Earth; `axis` names the one that is wrong."""

    def __init__(self, axis: str) -> None:
        super().__init__(axis)
        self.axis = axis


@dataclass(frozen=True, slots=True)
class Position:
    """A place: latitude -90 to 90, longitude -180 to 180, both finite."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.latitude) or abs(self.latitude) > 90:
            raise ImpossiblePosition("latitude")
        if not math.isfinite(self.longitude) or abs(self.longitude) > 180:
            raise ImpossiblePosition("longitude")

    def swapped(self) -> Position | None:
        """Return the place with the two numbers exchanged, or None where that is no place."""
        if abs(self.longitude) > 90:
            return None
        return Position(latitude=self.longitude, longitude=self.latitude)


@dataclass(frozen=True, slots=True)
class Box:
    """A box in degrees; one that crosses the antimeridian has its west greater than its east."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        Position(self.south, self.west)
        Position(self.north, self.east)
        if self.south > self.north:
            raise ImpossiblePosition("latitude")
