"""A raster says of a cell only what holds for all of it."""

from __future__ import annotations

from random import Random

import numpy as np
import shapely
from hypothesis import given
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, box

from geo import drawing
from geo.districts import HAIR_DEG
from geo.raster import MIXED, NONE
from tests.geo.random_maps import Sheet, draw, places
from tests.geo.test_layer_properties import ANYWHERE, tried

NEAR_DEG = 2e-9


def spots_of(sheet: Sheet) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return the shapes of a map, and spots on it, at its borders and beyond it."""
    drawn, luck = draw(sheet), Random(sheet.seed)
    shapes = np.array(list(drawn.values()), dtype=object)
    west, south, east, north = shapely.total_bounds(shapes)
    margin = max(east - west, north - south) / 3
    anywhere = [
        (luck.uniform(west - margin, east + margin), luck.uniform(south - margin, north + margin))
        for _ in range(200)
    ]
    return shapes, np.array([*places(drawn, luck, 12), *anywhere], dtype=np.float64)


@tried(40)
@given(sheet=ANYWHERE)
def test_a_cell_that_is_not_mixed_is_of_its_district_alone(sheet: Sheet) -> None:
    shapes, spots = spots_of(sheet)
    found = drawing.draw(shapes, NEAR_DEG).at(spots)
    for spot, number in zip(spots, found.tolist(), strict=True):
        near = np.flatnonzero(shapely.dwithin(shapes, Point(spot), NEAR_DEG / 2)).tolist()
        if number > MIXED:
            assert near == ([] if number == NONE else [number])
    assert (found > MIXED).sum() > 50


@tried(40)
@given(sheet=ANYWHERE)
def test_where_no_mixed_cell_is_around_there_is_no_border(sheet: Sheet) -> None:
    shapes, spots = spots_of(sheet)
    luck = np.random.default_rng(sheet.seed)
    reach = luck.uniform(0, sheet.cell_deg / 3, spots.shape)
    around = drawing.draw(shapes, NEAR_DEG).is_mixed_around(spots, reach)
    boxes = np.array(shapely.box(*(spots - reach).T, *(spots + reach).T), dtype=object)
    borders = shapely.union_all(shapely.boundary(shapes))
    assert not shapely.intersects(boxes[~around], borders).any()
    assert not around.all()


def test_long_edges_and_overlaps_are_mixed_and_an_empty_map_is_nowhere() -> None:
    shapes = np.array([MultiPolygon([box(0, 0, 4, 4)]), MultiPolygon([box(3, 0, 7, 4)])])
    drawn = drawing.draw(shapes, NEAR_DEG)
    spots = np.array([(1.1, 2.2), (3.5, 2.2), (6.1, 2.2), (9, 2), (1.1, 4), (3, 1.7)])
    assert np.maximum(drawn.at(spots), MIXED).tolist() == [0, MIXED, 1, NONE, MIXED, MIXED]
    empty = drawing.draw(np.array([], dtype=object), NEAR_DEG)
    assert empty.at(spots).tolist() == [NONE] * len(spots)
    assert not len(empty.look(spots, HAIR_DEG).spots)


def test_what_overlaps_in_the_midst_of_a_cell_is_left_to_the_shapes() -> None:
    shapes = np.array([MultiPolygon([box(0, 0, 4, 4)]), MultiPolygon([box(3, 0, 7, 4)])])
    drawn = drawing.draw(shapes, NEAR_DEG)
    found = drawn.look(np.array([(1.1, 2.2), (3.5, 2.2), (6.1, 2.2), (9, 2)]), HAIR_DEG)
    assert (found.spots.tolist(), found.numbers.tolist()) == ([0, 2], [0, 1])
    assert found.unclear.tolist() == [1]


@tried(60)
@given(sheet=ANYWHERE)
def test_the_edges_of_a_cell_tell_what_the_shapes_tell(sheet: Sheet) -> None:
    shapes, spots = spots_of(sheet)
    drawn = drawing.draw(shapes, NEAR_DEG)
    # What lies in a mixed cell by chance alone would be little.
    low, size = spots.min(axis=0), drawn.side_deg
    luck = np.random.default_rng(sheet.seed)
    beside = spots[luck.integers(0, len(spots), 300)] + luck.uniform(-size, size, (300, 2))
    spots = np.concatenate([spots, beside[(beside >= low).all(axis=1)]])
    found = drawn.look(spots, HAIR_DEG)
    told: dict[int, set[int]] = {}
    near: dict[int, set[int]] = {}
    for spot, number, is_near in zip(
        found.spots.tolist(), found.numbers.tolist(), found.near.tolist(), strict=True
    ):
        assert number not in told.setdefault(spot, set())
        told[spot].add(number)
        if is_near:
            near.setdefault(spot, set()).add(number)
    borders = shapely.boundary(shapes)
    for row, spot in enumerate(spots):
        if row in found.unclear:
            continue
        point = Point(spot)
        surely = set(np.flatnonzero(shapely.dwithin(shapes, point, HAIR_DEG * 0.99)).tolist())
        perhaps = set(np.flatnonzero(shapely.dwithin(shapes, point, HAIR_DEG * 1.01)).tolist())
        assert surely <= told.get(row, set()) <= perhaps
        surely = set(np.flatnonzero(shapely.dwithin(borders, point, HAIR_DEG * 0.99)).tolist())
        perhaps = set(np.flatnonzero(shapely.dwithin(borders, point, HAIR_DEG * 1.01)).tolist())
        assert surely <= near.get(row, set()) <= perhaps
    # Many spots may lie in no district, but most are not left to the shapes.
    assert told
    assert len(found.unclear) < len(spots) / 2
