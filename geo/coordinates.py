"""Positions and boxes on the globe, in degrees on WGS 84."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A little less than the shortest degree of a meridian, so that what is reckoned with it is wide.
METRES_PER_DEGREE = 110_000

# Less than a millionth of a metre; PostgreSQL refuses to reckon with what is far smaller still.
_NOTHING_DEG = 1e-12


class ImpossiblePosition(ValueError):
    """The numbers are no place on Earth; `axis` names the one that is wrong."""

    def __init__(self, axis: str) -> None:
        super().__init__(axis)
        self.axis = axis


@dataclass(frozen=True, slots=True)
class Position:
    """A place: latitude -90 to 90, longitude -180 to 180, both finite; next to nothing is 0."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.latitude) or abs(self.latitude) > 90:
            raise ImpossiblePosition("latitude")
        if not math.isfinite(self.longitude) or abs(self.longitude) > 180:
            raise ImpossiblePosition("longitude")
        for axis in ("latitude", "longitude"):
            if abs(getattr(self, axis)) < _NOTHING_DEG:
                object.__setattr__(self, axis, 0.0)

    def swapped(self) -> Position | None:
        """Return the place with the two numbers exchanged, or None where that is no place."""
        if abs(self.longitude) > 90:
            return None
        return Position(latitude=self.longitude, longitude=self.latitude)


def centre(places: Sequence[Position]) -> Position:
    """Return the middle of places, of which there is one at least."""
    longitudes = _unrolled(places)
    return Position(
        latitude=sum(place.latitude for place in places) / len(places),
        longitude=_rolled(sum(longitudes) / len(places)),
    )


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

    @classmethod
    def holding(cls, places: Sequence[Position]) -> Box:
        """Return the smallest box that holds the places, of which there is one at least."""
        latitudes, longitudes = [place.latitude for place in places], _unrolled(places)
        west, east = _rolled(min(longitudes)), _rolled(max(longitudes))
        return cls(west, min(latitudes), east, max(latitudes))

    @classmethod
    def around(cls, centre: Position, metres: float) -> Box:
        """Return a box that holds every place at most so many metres from the centre."""
        reach_deg = metres / METRES_PER_DEGREE
        south = max(-90.0, centre.latitude - reach_deg)
        north = min(90.0, centre.latitude + reach_deg)
        narrowest = math.cos(math.radians(max(abs(south), abs(north))))
        if reach_deg >= 180 * narrowest:
            return cls(-180, south, 180, north)
        west, east = (centre.longitude + side * reach_deg / narrowest for side in (-1, 1))
        return cls(
            west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north
        )

    def stretches(self) -> list[tuple[float, float]]:
        """Return the stretches of longitude, west to east, that the box is made of.

        180 and -180 are one meridian: a box that ends at the one begins at the other as well.
        """
        if self.west > self.east:
            return [(self.west, 180.0), (-180.0, self.east)]
        found = [(self.west, self.east)]
        if self.east == 180 and self.west > -180:
            found.append((-180.0, -180.0))
        if self.west == -180 and self.east < 180:
            found.append((180.0, 180.0))
        return found


def _unrolled(places: Sequence[Position]) -> list[float]:
    """Return longitudes beyond 180 behind the antimeridian, where it lies between the places."""
    longitudes = [place.longitude for place in places]
    if max(longitudes) - min(longitudes) <= 180:
        return longitudes
    return [longitude + 360 if longitude < 0 else longitude for longitude in longitudes]


def _rolled(longitude: float) -> float:
    return longitude - 360 if longitude > 180 else longitude
