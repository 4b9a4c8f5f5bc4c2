"""The antimeridian: cut there to be stored, and no border where the district goes on."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon
from shapely.affinity import translate

from geo.seam import border, cut, only_polygons, unroll

offsets = st.integers(-900, 900).map(lambda tenths: tenths / 1000)


def fold(longitude: float) -> float:
    return longitude - 360 if longitude > 180 else longitude


def parts(polygon: Polygon) -> MultiPolygon:
    whole = unroll(polygon)
    assert whole is not None
    return MultiPolygon(cut(MultiPolygon([whole])))


def test_a_shape_that_does_not_cross_is_left_as_it_is() -> None:
    drawn = Polygon([(2, 48), (3, 48), (3, 49)])
    assert parts(drawn).geoms[0].equals_exact(drawn, 0)


@given(st.lists(st.tuples(offsets, offsets), min_size=3, max_size=12))
def test_nothing_is_lost_and_nothing_added_at_the_cut(steps: list[tuple[float, float]]) -> None:
    beyond = Polygon([(180 + east, north) for east, north in steps]).convex_hull
    assume(isinstance(beyond, Polygon) and beyond.area > 1e-3)
    assert isinstance(beyond, Polygon)
    folded = Polygon(
        [(fold(longitude), latitude) for longitude, latitude in beyond.exterior.coords]
    )
    for drawn in (beyond, folded, folded.reverse()):
        found = parts(drawn)
        assert found.is_valid
        assert found.area == pytest.approx(beyond.area, rel=1e-9)
        west, _, east, _ = found.bounds
        assert west >= -180
        assert east <= 180
        if beyond.bounds[0] < 180 < beyond.bounds[2]:
            # Exactly so, since a seam a hair away would count as a border.
            assert (west, east) == (-180, 180)
            assert border(found).length == pytest.approx(beyond.exterior.length, rel=1e-6)


@pytest.mark.parametrize("hole", [(180.5, 181), (-179.5, -179), (179.2, 179.6), (179.6, 180.4)])
def test_holes_stay_holes_on_whichever_side_they_are_written(hole: tuple[float, float]) -> None:
    west, east = hole
    drawn = Polygon(
        [(179, -2), (182, -2), (182, 2), (179, 2)],
        [[(west, -1), (east, -1), (east, 1), (west, 1)]],
    )
    found = parts(drawn)
    middle = Point(fold((west + east) / 2), 0)
    assert found.area == pytest.approx(12 - 2 * (east - west))
    assert not found.covers(middle)


def test_a_shape_written_wholly_beyond_is_folded_back() -> None:
    found = parts(Polygon([(181, 0), (182, 0), (182, 1)]))
    assert found.equals(Polygon([(-179, 0), (-178, 0), (-178, 1)]))


def test_a_ring_around_the_globe_cannot_be_unrolled() -> None:
    around = [(0, 80), (120, 80), (-120, 80)]
    assert unroll(Polygon(around)) is None
    assert unroll(Polygon([(1, 70), (2, 70), (2, 71)], [around])) is None


def test_a_border_on_the_antimeridian_stays_where_the_district_ends_there() -> None:
    east = MultiPolygon([Polygon([(179, 0), (180, 0), (180, 1), (179, 1)])])
    west = MultiPolygon([translate(east.geoms[0], -359)])
    assert border(east).length == pytest.approx(4)
    assert border(west).length == pytest.approx(4)


def test_only_the_shared_part_of_the_antimeridian_is_a_seam() -> None:
    staggered = MultiPolygon(
        [
            Polygon([(179, 0), (180, 0), (180, 1), (179, 1)]),
            Polygon([(-180, 0.5), (-179, 0.5), (-179, 1.5), (-180, 1.5)]),
        ]
    )
    found = border(staggered)
    assert found.length == pytest.approx(7)
    assert found.distance(Point(180, 0.25)) == 0
    assert found.distance(Point(180, 0.75)) == pytest.approx(0.25)


def test_lines_and_points_are_no_polygons() -> None:
    mixed = Polygon([(0, 0), (1, 0), (1, 1)]).union(Point(5, 5))
    assert len(only_polygons(mixed)) == 1
    assert only_polygons(Polygon()) == []
