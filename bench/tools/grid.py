"""Maps of districts whose sides meander, each side shared with a neighbour, and a city for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import sin
from pathlib import Path

from shapely import MultiPolygon, Polygon
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.features import Feature
from geo.models import Layer, LayerRole
from tests.city.towns import document, load, polygon, rectangle, write

Corner = tuple[float, float]


@dataclass(frozen=True)
class Grid:
    """Where a map begins, how large its cells are in degrees, how many there are.

    Each side of a district is drawn with so many corners. Of another `phase`, the sides bend
    elsewhere.
    """

    west: float
    south: float
    wide: float
    high: float
    columns: int
    rows: int
    corners: int
    phase: float = 0.0

    def draw(self) -> Iterator[Feature]:
        """Yield the districts."""
        for column in range(self.columns):
            for row in range(self.rows):
                code = f"d{column:03}-{row:03}"
                shape = MultiPolygon([Polygon(self._ring(column, row))])
                yield Feature(code=code, name=code.upper(), shape=shape, repaired=False)

    def _ring(self, column: int, row: int) -> list[Corner]:
        steps = [number / self.corners for number in range(self.corners)]
        return [
            *(self._corner(column + step, row) for step in steps),
            *(self._corner(column + 1, row + step) for step in steps),
            *(self._corner(column + 1 - step, row + 1) for step in steps),
            *(self._corner(column, row + 1 - step) for step in steps),
            self._corner(column, row),
        ]

    def _corner(self, across: float, up: float) -> Corner:
        across = round(across * self.corners) / self.corners
        up = round(up * self.corners) / self.corners
        bend = 0.06 * sin(7 * across + 3 * up + self.phase)
        lift = 0.06 * sin(5 * up - across + self.phase)
        return self.west + (across + bend) * self.wide, self.south + (up + lift) * self.high


COUNTRY = Grid(20.0, -34.0, 0.005, 0.005, columns=200, rows=175, corners=12)
"""As many districts as there are French communes, of 48 corners each."""


def found_grid_city(session: Session) -> int:
    """Found the city whose boundary holds COUNTRY, and return its service layer's id."""
    margin = 2 * COUNTRY.wide
    outline = rectangle(
        COUNTRY.west - margin,
        COUNTRY.south - margin,
        COUNTRY.west + COUNTRY.columns * COUNTRY.wide + margin,
        COUNTRY.south + COUNTRY.rows * COUNTRY.high + margin,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "g", document("grid", rules=[]), boundary=polygon(outline))
        load(session, path)
    found = select(Layer.id).where(Layer.role == LayerRole.SERVICE.value).order_by(Layer.id.desc())
    return session.scalars(found).first() or 0
