"""Shapes at the antimeridian: cut there to be stored, and whole again where borders count."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LinearRing, LineString, MultiPolygon, Polygon, box
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

_TURN = 360.0
_EAST = LineString([(180, -90), (180, 90)])


def unroll(polygon: Polygon) -> Polygon | None:
    """Return the polygon in one piece, with longitudes beyond 180 where it crosses.

    An edge that spans more than half the globe is taken to go the other way round. A ring that
    goes once around the globe has no inside on the plane: then return None.
    """
    shell = _unroll_ring(polygon.exterior)
    if shell is None:
        return None
    west, _, east, _ = LineString(shell).bounds
    holes = []
    for interior in polygon.interiors:
        if interior.is_empty:
            continue
        hole = _unroll_ring(interior)
        if hole is None:
            return None
        west_of_hole = min(longitude for longitude, _ in hole)
        turns = next(
            (turns for turns in (0, -1, 1) if west <= west_of_hole + turns * _TURN <= east), 0
        )
        holes.append([(longitude + turns * _TURN, latitude) for longitude, latitude in hole])
    return Polygon(shell, holes)


def cut(polygons: MultiPolygon) -> list[Polygon]:
    """Cut valid, unrolled polygons at every antimeridian and fold the parts into -180 to 180."""
    parts: list[Polygon] = []
    for polygon in polygons.geoms:
        west, _, east, _ = polygon.bounds
        if west >= -180 and east <= 180:
            parts.append(polygon)
            continue
        for turn in range(math.floor((west + 180) / _TURN), math.ceil((east - 180) / _TURN) + 1):
            middle = turn * _TURN
            inside = polygon.intersection(box(middle - 180, -90, middle + 180, 90))
            parts += only_polygons(translate(inside, -middle))
    return parts


def touch(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell of each shape whether it reaches the antimeridian from both sides."""
    bounds = shapely.bounds(shapes)
    reach: NDArray[np.bool_] = (bounds[:, 0] <= -180) & (bounds[:, 2] >= 180)
    return reach


def border(shape: MultiPolygon) -> BaseGeometry:
    """Return the shape's boundary without the cut: the district goes on behind it."""
    behind = translate(shape.boundary.intersection(translate(_EAST, -_TURN)), _TURN)
    seam = shape.boundary.intersection(_EAST).intersection(behind)
    return shape.boundary.difference(seam).difference(translate(seam, -_TURN))


def only_polygons(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons in a shape; lines and points fall away."""
    if isinstance(shape, Polygon):
        return [] if shape.is_empty else [shape]
    return [polygon for part in getattr(shape, "geoms", ()) for polygon in only_polygons(part)]


def _unroll_ring(ring: LinearRing) -> list[tuple[float, float]] | None:
    longitudes = [longitude for longitude, *_ in ring.coords]
    jumps = (
        math.copysign(1, before - after) if abs(before - after) > 180 else 0
        for before, after in pairwise(longitudes)
    )
    turns = list(accumulate(jumps, initial=0))
    if turns[-1] != 0:
        return None
    return [
        (longitude + turn * _TURN, latitude)
        for turn, (longitude, latitude, *_) in zip(turns, ring.coords, strict=True)
    ]
