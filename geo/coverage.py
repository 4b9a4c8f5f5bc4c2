"""How districts fit together: what overlaps, what is left out between them, what is too thin.

None of it makes a layer unusable: whoever publishes it should have seen it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely import MultiPolygon, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from geo import seam, shared_edges
from geo.coordinates import METRES_PER_DEGREE
from geo.features import Feature
from geo.unusable import UnusableFeatures
from infra.words import mark

# What is smaller is rounding: a border drawn to a centimetre, a hundred metres long.
NEGLIGIBLE_M2 = 1.0
# Narrower on the average than this, nobody could stand in it and mean it.
SLIVER_M = 1.0
_FILM_M = 0.01
# So many pairs may meet beyond those of a map, where each district has a few neighbours.
_MOST_PAIRS = 20_000
_NEIGHBOURS = 8
_AT_ONCE = 500

_GLOBE = Geod(ellps="WGS84")

_HEAP = mark("the districts lie upon each other: more than {most} pairs of them meet")


class ProblemKind(StrEnum):
    """What is odd about a layer."""

    OVERLAP = "overlap"
    GAP = "gap"
    SLIVER = "sliver"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something odd: the codes of the districts it is about, and where it lies.

    A sliver is a gap or an overlap that is narrower than SLIVER_M on the average, or a district
    that is. A gap has the codes of the districts that it touches.
    """

    kind: ProblemKind
    codes: tuple[str, ...]
    area_m2: float
    shape: MultiPolygon


def examine(features: Sequence[Feature], outline: BaseGeometry | None = None) -> list[Problem]:
    """Return what is odd about how the districts fit together, the largest of each kind first.

    Gaps are what no district covers of the city's `outline`, or where that is not known of what the
    districts enclose. Raise UnusableFeatures for districts that lie upon each other in heaps.
    """
    codes = [feature.code for feature in features]
    shapes = np.array([feature.shape for feature in features], dtype=object)
    whole, overlaps = shared_edges.cover(shapes), list[Problem]()
    if whole is None:
        # Found first, since whatever else looks at a heap of districts takes for ever.
        meeting = _meeting(shapes)
        fits = bool(shapely.coverage_is_valid(shapes))
        whole = shapely.coverage_union_all(shapes) if fits else shapely.union_all(shapes)
        overlaps = [] if fits else list(_overlapping(codes, shapes, *meeting))
    found = [*_thin(codes, shapes), *overlaps, *_left_out(codes, shapes, whole, outline)]
    return sorted(found, key=lambda one: (list(ProblemKind).index(one.kind), -one.area_m2))


def area_m2(shape: BaseGeometry) -> float:
    """Return the area on the ground of a shape in longitude and latitude."""
    return abs(float(_GLOBE.geometry_area_perimeter(shapely.orient_polygons(shape))[0]))


def _thin(codes: Sequence[str], shapes: NDArray[np.object_]) -> Iterator[Problem]:
    latitudes = np.radians((shapely.bounds(shapes)[:, 1] + shapely.bounds(shapes)[:, 3]) / 2)
    areas = shapely.area(shapes) * METRES_PER_DEGREE**2 * np.cos(latitudes)
    # Along a meridian and across it a degree is not as long, so this is a wide first look.
    lengths = shapely.length(shapes) * METRES_PER_DEGREE
    for index in np.flatnonzero(areas < 2 * SLIVER_M * lengths).tolist():
        one = _problem(ProblemKind.SLIVER, (codes[index],), shapes[index])
        if _width_m(one.shape, one.area_m2) < SLIVER_M:
            yield one


def _overlapping(
    codes: Sequence[str],
    shapes: NDArray[np.object_],
    ones: NDArray[np.int64],
    others: NDArray[np.int64],
) -> Iterator[Problem]:
    shared = shapely.intersection(shapes[ones], shapes[others])
    for index in np.flatnonzero(shapely.area(shared) > 0).tolist():
        one, other = ones[index], others[index]
        both = tuple(sorted((codes[one], codes[other])))
        if shapely.equals(shapes[one], shapes[other]):
            yield _problem(ProblemKind.DUPLICATE, both, shapes[one])
            continue
        problem = _problem(ProblemKind.OVERLAP, both, shared[index])
        if problem.area_m2 > NEGLIGIBLE_M2:
            yield _as_sliver(problem)


def _meeting(shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of districts that meet, by their places."""
    tree, most = STRtree(shapes), _MOST_PAIRS + _NEIGHBOURS * len(shapes)
    found, count = [], 0
    for first in range(0, len(shapes), _AT_ONCE):
        ones, others = tree.query(shapes[first : first + _AT_ONCE], predicate="intersects")
        apart = ones + first < others
        found.append((ones[apart] + first, others[apart]))
        count += len(found[-1][0])
        if count > most:
            raise UnusableFeatures(_HEAP, most=most)
    ones, others = (np.concatenate(each) for each in zip(*found, strict=True))
    return ones, others


def _left_out(
    codes: Sequence[str],
    shapes: NDArray[np.object_],
    whole: BaseGeometry,
    outline: BaseGeometry | None,
) -> Iterator[Problem]:
    """Yield what none of the districts covers, all of which are `whole`."""
    gaps = _enclosed(whole) if outline is None else shapely.difference(outline, whole)
    around = STRtree(shapes)
    for gap in seam.only_polygons(gaps):
        for part in _by_width(gap):
            near = sorted(codes[index] for index in around.query(part, predicate="intersects"))
            problem = _problem(ProblemKind.GAP, tuple(near), part)
            if problem.area_m2 > NEGLIGIBLE_M2:
                yield _as_sliver(problem)


def _by_width(gap: Polygon) -> list[Polygon]:
    """Return what of the gap is thin, and what is not: a crack may begin at an open field."""
    middle = np.array(gap.centroid.coords[0])
    scale = METRES_PER_DEGREE * np.array([np.cos(np.radians(middle[1])), 1])
    ground = shapely.transform(gap, lambda lon_lat: (lon_lat - middle) * scale)
    wide = shapely.buffer(ground, -SLIVER_M / 2, join_style="mitre")
    # A little wider than before, so that rounding leaves no film around it.
    wide = shapely.buffer(wide, SLIVER_M / 2 + _FILM_M, join_style="mitre")
    thin = [
        part
        for part in seam.only_polygons(shapely.difference(ground, wide))
        if part.area > NEGLIGIBLE_M2
    ]
    if wide.is_empty or not thin:
        return [gap]
    rest = seam.only_polygons(shapely.difference(ground, shapely.union_all(thin)))
    return [shapely.transform(part, lambda at: at / scale + middle) for part in (*thin, *rest)]


def _enclosed(whole: BaseGeometry) -> BaseGeometry:
    holes = [Polygon(ring) for polygon in seam.only_polygons(whole) for ring in polygon.interiors]
    # What a district of another part of the layer fills is no gap.
    return shapely.difference(shapely.union_all(holes), whole)


def _problem(kind: ProblemKind, codes: tuple[str, ...], shape: BaseGeometry) -> Problem:
    polygons = MultiPolygon(seam.only_polygons(shape))
    return Problem(kind, codes, area_m2(polygons), polygons)


def _as_sliver(problem: Problem) -> Problem:
    if _width_m(problem.shape, problem.area_m2) >= SLIVER_M:
        return problem
    return Problem(ProblemKind.SLIVER, problem.codes, problem.area_m2, problem.shape)


def _width_m(shape: MultiPolygon, area: float) -> float:
    """Return how wide a strip of such an area and circumference is."""
    length = float(_GLOBE.geometry_length(shape.boundary)) if not shape.is_empty else 0.0
    return 2 * area / length if length else 0.0


def as_geojson(problem: Problem) -> dict[str, Any]:
    """Return the problem as a GeoJSON feature, to be looked at on a map."""
    return {
        "type": "Feature",
        "geometry": json.loads(shapely.to_geojson(problem.shape)),
        "properties": {
            "kind": problem.kind.value,
            "codes": list(problem.codes),
            "area_m2": round(problem.area_m2, 1),
        },
    }
