"""Whether districts fit together, by their edges, is what GEOS says of them."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, box

from geo.shared_edges import cover, gathered
from tests.geo.random_maps import Sheet, draw

Shapes = NDArray[np.object_]

NOTHING = st.just(0)


def maps(
    overlays: st.SearchStrategy[int], slips: st.SearchStrategy[int]
) -> st.SearchStrategy[Shapes]:
    sheets = st.builds(
        Sheet,
        columns=st.integers(1, 8),
        rows=st.integers(1, 8),
        districts=st.integers(1, 30),
        overlays=overlays,
        slips=slips,
        west=st.floats(-170, 170) | st.just(0),
        south=st.floats(-80, 80) | st.just(0),
        cell_deg=st.sampled_from([1e-4, 3e-3, 0.1, 1]),
        seed=st.integers(0, 2**32),
    )
    return sheets.map(lambda sheet: array(*draw(sheet).values()))


def array(*shapes: Polygon | MultiPolygon) -> Shapes:
    several = [one if isinstance(one, MultiPolygon) else MultiPolygon([one]) for one in shapes]
    return np.array(several, dtype=object)


def ought_to_be_known(shapes: Shapes) -> bool:
    """Tell of districts that fit whether at least half of what is drawn is shared by two.

    What is left out may not touch itself at a corner: there, GEOS takes some of it for covered.
    """
    edges = {
        edge
        for polygon in shapely.get_parts(shapely.orient_polygons(shapes))
        for ring in (polygon.exterior, *polygon.interiors)
        for edge in pairwise(ring.coords)
    }
    alone = [start for start, end in edges if (end, start) not in edges]
    return 2 * len(alone) <= len(edges) and len(set(alone)) == len(alone)


@settings(max_examples=150, deadline=None)
@given(shapes=maps(NOTHING, NOTHING))
def test_districts_that_fit_are_known_to_and_cover_what_geos_says(shapes: Shapes) -> None:
    found = cover(shapes)
    assert shapely.coverage_is_valid(shapes)
    assert found is not None or not ought_to_be_known(shapes)
    assert found is None or shapely.equals(found, shapely.coverage_union_all(shapes))


@settings(max_examples=150, deadline=None)
@given(shapes=maps(st.integers(0, 2), st.integers(0, 3)))
def test_wherever_it_answers_geos_says_the_same(shapes: Shapes) -> None:
    found = cover(shapes)
    if found is not None:
        assert shapely.coverage_is_valid(shapes)
        assert shapely.equals(found, shapely.coverage_union_all(shapes))


@given(keys=st.lists(st.integers(0, 30) | st.integers(0, 2**64 - 1), max_size=40))
def test_equal_keys_stand_beside_each_other_whatever_else_begins_like_them(keys: list[int]) -> None:
    order = gathered(np.array(keys, dtype=np.uint64)).tolist()
    assert sorted(order) == list(range(len(keys)))
    assert len(list(groupby(keys[place] for place in order))) == len(set(keys))


def test_the_maps_hold_what_it_knows_and_what_it_refuses() -> None:
    known = refused = 0
    for seed in range(40):
        shapes = array(*draw(Sheet(6, 6, 12, seed % 2, 0, 2, 48, 0.003, seed)).values())
        found = cover(shapes)
        if seed % 2:
            refused += found is None and not shapely.coverage_is_valid(shapes)
        else:
            known += found is not None and ought_to_be_known(shapes)
    assert refused == 20
    assert known > 10


GRID = [box(column, row, column + 1, row + 1) for column in range(4) for row in range(4)]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([GRID[5]], id="a duplicate"),
        pytest.param([box(9, 9, 10, 10)] * 2, id="a duplicate far away"),
        pytest.param([box(1, 1, 3, 2)], id="one across two"),
        pytest.param([box(1.2, 1.2, 1.8, 1.8)], id="one within another"),
        pytest.param([box(3.9, 0, 5, 1)], id="an overlap at the outside"),
        pytest.param([box(0, 0, 4, 4)], id="one over all"),
        pytest.param([box(4 - 1e-10, 0, 5, 1)], id="an overlap of next to nothing"),
        pytest.param([box(4, 0, 5, 4)], id="a border with other corners"),
    ],
)
def test_what_does_not_fit_is_refused(more: list[Polygon]) -> None:
    assert cover(array(*GRID)) is not None
    assert not shapely.coverage_is_valid(array(*GRID, *more))
    assert cover(array(*GRID, *more)) is None


def test_a_duplicate_is_refused_wherever_it_stands() -> None:
    shapes, luck = [*GRID, GRID[5]], Random(1)
    for _ in range(400):
        luck.shuffle(shapes)
        assert cover(array(*shapes)) is None


def test_a_hole_between_districts_is_left_out() -> None:
    found = cover(array(*(one for one in GRID if one is not GRID[5])))
    assert found is not None
    assert found.equals(box(0, 0, 4, 4).difference(GRID[5]))


def test_nought_is_nought_whatever_its_sign() -> None:
    signed = shapely.transform(GRID[0], lambda corners: np.where(corners == 0, -0.0, corners))
    found = cover(array(signed, *GRID[1:]))
    assert found is not None
    assert found.equals(box(0, 0, 4, 4))
