"""A city with as many districts as there are French communes, whose sides meander."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from math import sin
from pathlib import Path

from shapely import MultiPolygon, Polygon
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.features import Feature
from geo.models import Layer, LayerRole
from tests.city.towns import document, load, polygon, rectangle, write

COLUMNS, ROWS = 200, 175
CELL_DEG = 0.005
WEST, SOUTH = 20.0, -34.0
# Every side of a district is shared with its neighbour, and drawn with so many corners.
CORNERS = 12


def draw() -> Iterator[Feature]:
    """Yield 35,000 districts of 48 corners, which share every side with a neighbour."""
    for column in range(COLUMNS):
        for row in range(ROWS):
            code = f"d{column:03}-{row:03}"
            shape = MultiPolygon([Polygon(_ring(column, row))])
            yield Feature(code=code, name=code.upper(), shape=shape, repaired=False)


def _ring(column: int, row: int) -> list[tuple[float, float]]:
    """Return the ring of a cell, whose sides meander as its neighbours' do."""
    steps = [number / CORNERS for number in range(CORNERS)]
    return [
        *(_corner(column + step, row) for step in steps),
        *(_corner(column + 1, row + step) for step in steps),
        *(_corner(column + 1 - step, row + 1) for step in steps),
        *(_corner(column, row + 1 - step) for step in steps),
        _corner(column, row),
    ]


def _corner(across: float, up: float) -> tuple[float, float]:
    across, up = round(across * CORNERS) / CORNERS, round(up * CORNERS) / CORNERS
    bend = 0.06 * sin(7 * across + 3 * up)
    return WEST + (across + bend) * CELL_DEG, SOUTH + (up + 0.06 * sin(5 * up - across)) * CELL_DEG


def found_grid_city(session: Session) -> int:
    """Found the city whose boundary holds them all, and return its service layer's id."""
    margin = 2 * CELL_DEG
    outline = rectangle(
        WEST - margin,
        SOUTH - margin,
        WEST + COLUMNS * CELL_DEG + margin,
        SOUTH + ROWS * CELL_DEG + margin,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "g", document("grid", rules=[]), boundary=polygon(outline))
        load(session, path)
    found = select(Layer.id).where(Layer.role == LayerRole.SERVICE.value).order_by(Layer.id.desc())
    return session.scalars(found).first() or 0
