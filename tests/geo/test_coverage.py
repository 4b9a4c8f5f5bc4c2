"""What is odd about how districts fit together is found, measured and placed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate

from geo.coverage import Problem, ProblemKind, area_m2, examine
from geo.features import Feature
from geo.unusable import UnusableFeatures

METRE = 1 / 111_320
WEST, EAST = box(2, 48, 2.01, 48.01), box(2.01, 48, 2.02, 48.01)


def examined(
    shapes: Mapping[str, Polygon | MultiPolygon], outline: Polygon | None = None
) -> list[Problem]:
    return examine(
        [
            Feature(
                code,
                code,
                shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape]),
                False,
            )
            for code, shape in shapes.items()
        ],
        outline,
    )


def told(problems: list[Problem]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.kind.value, one.codes) for one in problems]


def test_what_fits_is_not_remarked_upon() -> None:
    enclave = box(2.002, 48.002, 2.004, 48.004)
    around = Polygon(WEST.exterior, [enclave.exterior])
    assert examined({"a": around, "b": EAST, "c": enclave}) == []


def test_an_overlap_is_measured_and_placed() -> None:
    wide = box(2.008, 48, 2.02, 48.01)
    [problem] = examined({"b": wide, "a": WEST})
    assert told([problem]) == [("overlap", ("a", "b"))]
    east_m = 0.002 * 111_320 * math.cos(math.radians(48.005))
    assert problem.area_m2 == pytest.approx(east_m * 0.01 * 111_195, rel=0.01)
    assert problem.shape.equals(box(2.008, 48, 2.01, 48.01))


def test_a_gap_has_the_districts_around_it() -> None:
    holed = Polygon(WEST.exterior, [box(2.004, 48.004, 2.006, 48.006).exterior])
    assert told(examined({"a": holed, "b": EAST})) == [("gap", ("a",))]
    one, other = box(2, 48, 2.01, 48.01), box(2.01 + 30 * METRE, 48, 2.03, 48.01)
    bridge = box(2, 48.01, 2.03, 48.02)
    floor = box(2, 47.99, 2.03, 48)
    problems = examined({"a": one, "b": other, "c": bridge, "d": floor})
    assert told(problems) == [("gap", ("a", "b", "c", "d"))]


def test_what_is_left_out_of_the_city_is_a_gap_too() -> None:
    city = box(2, 48, 2.025, 48.01)
    assert examined({"a": WEST, "b": EAST}, box(2, 48, 2.02, 48.01)) == []
    [problem] = examined({"a": WEST, "b": EAST}, city)
    assert told([problem]) == [("gap", ("b",))]
    assert problem.shape.equals(box(2.02, 48, 2.025, 48.01))
    # No report comes from beyond the city, so nothing is missed there.
    hole = box(2.004, 48.004, 2.006, 48.006)
    beyond = Polygon(box(2.02, 48, 2.06, 48.01).exterior, [translate(hole, 0.04).exterior])
    holed = Polygon(WEST.exterior, [hole.exterior])
    assert told(examined({"a": holed, "b": EAST, "c": beyond}, city)) == [("gap", ("a",))]


def test_a_strip_that_nobody_could_stand_in_is_a_sliver() -> None:
    overlapping = box(2.01 - 0.4 * METRE, 48, 2.02, 48.01)
    assert told(examined({"a": WEST, "b": overlapping})) == [("sliver", ("a", "b"))]
    one, other = box(2, 48, 2.01, 48.01), box(2.01 + 0.5 * METRE, 48, 2.03, 48.01)
    bridge, floor = box(2, 48.01, 2.03, 48.02), box(2, 47.99, 2.03, 48)
    problems = examined({"a": one, "b": other, "c": bridge, "d": floor})
    assert told(problems) == [("sliver", ("a", "b", "c", "d"))]
    thin = box(3, 48, 3 + 0.5 * METRE, 48.01)
    assert told(examined({"a": WEST, "thin": thin})) == [("sliver", ("thin",))]


def test_a_crack_is_told_though_it_opens_into_a_field() -> None:
    outline = box(2, 48, 2.03, 48.01)
    cracked = box(2.01 + 0.3 * METRE, 48, 2.02, 48.01)
    field, crack = examined({"a": WEST, "b": cracked}, outline)
    assert told([field, crack]) == [("gap", ("b",)), ("sliver", ("a", "b"))]
    assert crack.shape.bounds == pytest.approx((2.01, 48, 2.01 + 0.3 * METRE, 48.01), abs=1e-7)
    # One that leads into the field from its side is as much a crack.
    south = box(2.01, 48, 2.02, 48.005 - 0.3 * METRE)
    north = box(2.01, 48.005, 2.02, 48.01)
    field, crack = examined({"a": WEST, "n": north, "s": south}, outline)
    assert told([field, crack]) == [("gap", ("n", "s")), ("sliver", ("a", "n", "s"))]
    whole = area_m2(outline) - sum(area_m2(shape) for shape in (WEST, north, south))
    assert field.area_m2 + crack.area_m2 == pytest.approx(whole, rel=1e-6)
    assert crack.area_m2 == pytest.approx(
        0.3 * 0.01 * 111_320 * math.cos(math.radians(48)), rel=0.02
    )


def test_districts_in_a_heap_are_refused_before_each_is_compared() -> None:
    with pytest.raises(UnusableFeatures):
        examined({f"d{number}": WEST for number in range(300)})


def test_a_shape_that_is_there_twice_is_told_as_such() -> None:
    turned = Polygon(list(reversed(WEST.exterior.coords)))
    assert told(examined({"a": WEST, "b": EAST, "c": turned})) == [("duplicate", ("a", "c"))]


def test_rounding_is_no_problem() -> None:
    # A corner of one in the middle of the other's edge, to the last digits of a double.
    edge = Polygon([(2, 48), (2.01, 48), (2.01, 48.0033333333), (2.01, 48.01), (2, 48.01)])
    east = Polygon([(2.01, 48), (2.02, 48), (2.02, 48.01), (2.01 + 1e-13, 48.01)])
    assert examined({"a": edge, "b": east}) == []


@settings(max_examples=25, deadline=None)
@given(
    columns=st.integers(2, 5),
    rows=st.integers(2, 5),
    moved=st.integers(0, 24),
    metres=st.floats(3, 60),
)
def test_one_district_moved_is_found_and_nothing_else(
    columns: int, rows: int, moved: int, metres: float
) -> None:
    side = 100 * METRE
    shapes = {
        f"{column}-{row}": box(column * side, row * side, (column + 1) * side, (row + 1) * side)
        for column in range(columns)
        for row in range(rows)
    }
    code = list(shapes)[moved % len(shapes)]
    shapes[code] = translate(shapes[code], metres * METRE, 0)
    problems = examined(shapes)
    column = int(code.split("-")[0])
    overlaps = [one for one in problems if one.kind is ProblemKind.OVERLAP]
    # Whoever stands at the eastern end is moved into the open.
    assert len(overlaps) == (column < columns - 1)
    assert all(code in one.codes for one in problems)
    for one in overlaps:
        assert one.area_m2 == pytest.approx(metres * 100, rel=0.02)


def test_areas_are_those_of_the_ground() -> None:
    # The French commune of Paris is 105.4 km2; a box of a degree at 48.5 about 8,200.
    assert area_m2(box(2, 48, 3, 49)) == pytest.approx(8.2e9, rel=0.01)
