"""Maps drawn by luck, and what exact arithmetic says of them.

Districts are made of the cells of a crooked grid, so that they share their borders corner by
corner and have several parts, holes and enclaves; some cells belong to none. Others lie across
them, and some corners have slipped by next to nothing, which leaves slivers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import cos, radians, sin
from random import Random
from typing import Any

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon

Map = Mapping[str, MultiPolygon]
Place = tuple[float, float]
"""Longitude and latitude."""

STEPS_PER_SIDE = 6
# Next to nought a number has digits for far less than an atom, in which PostGIS rounds.
DIGITS = 15
SLIPS_DEG = (1e-10, 1e-8, 1e-6)


@dataclass(frozen=True)
class Sheet:
    """How a map is to be drawn: of how much, where, how large, and by what luck."""

    columns: int
    rows: int
    districts: int
    overlays: int
    slips: int
    west: float
    south: float
    cell_deg: float
    seed: int


def draw(sheet: Sheet) -> Map:
    """Return the valid shapes of a map's districts, by code."""
    luck = Random(sheet.seed)
    parts: dict[str, list[Polygon]] = {}
    for cell in _cells(sheet, luck):
        # The last of them is nobody's.
        parts.setdefault(f"d{luck.randrange(sheet.districts + 1)}", []).append(cell)
    if len(parts) > 1:
        parts.pop(f"d{sheet.districts}", None)
    drawn: dict[str, Any] = {
        code: shapely.coverage_union_all(cells) for code, cells in sorted(parts.items())
    }
    for number in range(sheet.overlays):
        # By code they come before, among and after those that they lie across.
        drawn[f"{luck.choice('adz')}-{number}"] = _overlay(sheet, luck)
    for _ in range(sheet.slips):
        code = luck.choice(sorted(drawn))
        drawn[code] = _slipped(drawn[code], luck)
    return {
        code: shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
        for code, shape in drawn.items()
    }


def places(drawn: Map, luck: Random, count: int) -> list[Place]:
    """Return so many places of each kind: corners, on edges, close by, inside and anywhere."""
    shapes = list(drawn.values())
    corners = [(x, y) for x, y in np.unique(shapely.get_coordinates(shapes), axis=0).tolist()]
    edges = [edge for shape in shapes for edge in _edges(shape)]
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    margin = (east - west) / 8
    wide, high = (west - margin, east + margin), (south - margin, north + margin)
    on_corners = luck.sample(corners, min(count, len(corners)))
    on_edges = [_between(*luck.choice(edges), luck.random()) for _ in range(count)]
    close = [(x + luck.gauss(0, 3e-9), y + luck.gauss(0, 3e-9)) for x, y in on_corners + on_edges]
    middles = shapely.point_on_surface(shapely.get_parts(shapes))[:count]
    inside = [(spot.x, spot.y) for spot in middles]
    anywhere = [(luck.uniform(*wide), luck.uniform(*high)) for _ in range(count)]
    return on_corners + [
        (round(x, DIGITS), round(y, DIGITS)) for x, y in on_edges + close + inside + anywhere
    ]


def turned(shape: MultiPolygon, luck: Random) -> MultiPolygon:
    """Return the same shape, its rings begun at other corners and some of them run backwards."""
    parts = [
        Polygon(
            _turned(part.exterior.coords, luck),
            [_turned(ring.coords, luck) for ring in part.interiors],
        )
        for part in shape.geoms
    ]
    luck.shuffle(parts)
    return MultiPolygon(parts)


def covers(shape: MultiPolygon, place: Place) -> bool:
    """Tell whether the place lies in the shape or on its border, reckoned without any rounding."""
    x, y = place
    inside = False
    for (x1, y1), (x2, y2) in _edges(shape):
        if not min(y1, y2) <= y <= max(y1, y2) or x > max(x1, x2):
            continue
        left = (Fraction(x2) - Fraction(x1)) * (Fraction(y) - Fraction(y1)) - (
            Fraction(y2) - Fraction(y1)
        ) * (Fraction(x) - Fraction(x1))
        if left == 0 and x >= min(x1, x2):
            return True
        # A ray to the east meets each edge that goes past it once, corners included.
        if (y1 > y) != (y2 > y) and (left > 0) == (y2 > y1):
            inside = not inside
    return inside


def edges_near(drawn: Map, place: Place, within_deg: float, *, crossing: float) -> bool:
    """Tell whether an edge that crosses the meridian comes so near to the place."""
    return any(
        (one[0] - crossing) * (other[0] - crossing) < 0
        and LineString([one, other]).distance(Point(place)) < within_deg
        for shape in drawn.values()
        for one, other in _edges(shape)
    )


def _cells(sheet: Sheet, luck: Random) -> Iterator[Polygon]:
    """Yield the cells of a grid whose sides meander, each side the same for both its cells."""
    wide, high = sheet.columns * STEPS_PER_SIDE, sheet.rows * STEPS_PER_SIDE
    step = sheet.cell_deg / STEPS_PER_SIDE
    knots = {
        (across, up): (
            sheet.west + (across + luck.uniform(-0.3, 0.3)) * step,
            sheet.south + (up + luck.uniform(-0.3, 0.3)) * step,
        )
        for across in range(wide + 1)
        for up in range(high + 1)
    }
    for left in range(0, wide, STEPS_PER_SIDE):
        for low in range(0, high, STEPS_PER_SIDE):
            right, top = left + STEPS_PER_SIDE, low + STEPS_PER_SIDE
            yield Polygon(
                [
                    *(knots[across, low] for across in range(left, right)),
                    *(knots[right, up] for up in range(low, top)),
                    *(knots[across, top] for across in range(right, left, -1)),
                    *(knots[left, up] for up in range(top, low, -1)),
                ]
            )


def _overlay(sheet: Sheet, luck: Random) -> Polygon:
    """Return a star that lies across the cells and may have a hole."""
    x = sheet.west + luck.uniform(0, sheet.columns) * sheet.cell_deg
    y = sheet.south + luck.uniform(0, sheet.rows) * sheet.cell_deg
    count = luck.randrange(3, 80)

    def ring(smallest: float, largest: float) -> list[Place]:
        angles = [radians(360 * number / count) for number in range(count)]
        radii = [luck.uniform(smallest, largest) * sheet.cell_deg for _ in angles]
        return [
            (x + radius * cos(angle), y + radius * sin(angle))
            for angle, radius in zip(angles, radii, strict=True)
        ]

    holes = [ring(0.05, 0.15)] if count > 8 and luck.random() < 0.5 else []
    return Polygon(ring(0.4, 1), holes)


def _slipped(shape: Polygon | MultiPolygon, luck: Random) -> Polygon | MultiPolygon:
    """Return the shape with a corner moved by next to nothing, or as it is if that breaks it."""
    coordinates = shapely.get_coordinates(shape)
    moved = (coordinates == coordinates[luck.randrange(len(coordinates))]).all(axis=1)
    slip = luck.choice(SLIPS_DEG)
    coordinates[moved] += (luck.uniform(-slip, slip), luck.uniform(-slip, slip))
    slipped = shapely.set_coordinates(shapely.transform(shape, np.copy), coordinates)
    return slipped if slipped.is_valid else shape


def _edges(shape: MultiPolygon) -> Iterator[tuple[Place, Place]]:
    for part in shape.geoms:
        for ring in (part.exterior, *part.interiors):
            yield from pairwise(ring.coords)


def _between(one: Place, other: Place, share: float) -> Place:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _turned(ring: Iterable[Any], luck: Random) -> list[Any]:
    corners = list(ring)[:-1]
    first = luck.randrange(len(corners))
    corners = corners[first:] + corners[:first]
    return corners[::-1] if luck.random() < 0.5 else corners
