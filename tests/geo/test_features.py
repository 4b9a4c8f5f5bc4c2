"""GeoJSON as it comes: taken, mended and said, or refused in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from geo.features import Feature
from geo.unusable import UnusableFeatures
from tests.city.towns import Drawing, Ring, collection, polygon, rectangle, several
from tests.geo.looking import read_features

SQUARE = polygon(rectangle(2, 48, 3, 49))
HOURGLASS: Ring = [(2, 48), (3, 49), (3, 48), (2, 49), (2, 48)]


def read_one(drawing: Any) -> Feature:
    [feature] = read_features(collection({"here": drawing}), "code", "name")
    return feature


def one_with(properties: Any) -> dict[str, Any]:
    feature = {"type": "Feature", "properties": properties, "geometry": SQUARE}
    return {"type": "FeatureCollection", "features": [feature]}


def test_a_collection_gives_its_districts_in_order() -> None:
    features = read_features(
        collection({"b": SQUARE, "a": polygon(rectangle(3, 48, 4, 49))}), "code", "name"
    )
    assert [(each.code, each.name, each.repaired) for each in features] == [
        ("b", "B", False),
        ("a", "A", False),
    ]


def test_without_properties_to_look_at_districts_are_numbered() -> None:
    features = read_features(collection({"x": SQUARE, "y": SQUARE}), None, None)
    assert [(each.code, each.name) for each in features] == [("1", "1"), ("2", "2")]


def test_without_a_name_the_code_is_the_name() -> None:
    [feature] = read_features(one_with({"code": "here", "name": None}), "code", "name")
    assert feature.name == "here"


def test_codes_may_be_numbers() -> None:
    [feature] = read_features(one_with({"code": 92040}), "code", None)
    assert feature.code == "92040"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "FeatureCollection",
        {},
        {"type": "Feature", "properties": {}, "geometry": SQUARE},
        {"type": "Topology", "objects": {}},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": []},
        {"type": "FeatureCollection", "features": {"0": SQUARE}},
        {"type": "FeatureCollection", "features": ["here"]},
        {"type": "FeatureCollection", "features": [None]},
        one_with("here"),
        one_with([1]),
    ],
)
def test_what_is_no_collection_of_features_is_refused(document: Any) -> None:
    with pytest.raises(UnusableFeatures, match=r"(?i)feature"):
        read_features(document, None, None)


@pytest.mark.parametrize("properties", [{}, None, {"code": None}, {"code": ""}, {"code": "  "}])
def test_a_feature_without_its_code_is_named_by_its_place(properties: Any) -> None:
    with pytest.raises(UnusableFeatures, match="feature 1 has no 'code'"):
        read_features(one_with(properties), "code", None)


@pytest.mark.parametrize("code", ["a\0b", "a\nb", json.loads('"\\ud800"'), ["a"], {"a": 1}])
def test_a_code_or_name_that_cannot_be_kept_is_refused(code: Any) -> None:
    with pytest.raises(UnusableFeatures, match="feature 1 has something unreadable as 'code'"):
        read_features(one_with({"code": code}), "code", None)
    with pytest.raises(UnusableFeatures, match="feature 1 has something unreadable as 'name'"):
        read_features(one_with({"name": code}), None, "name")


def test_repeated_codes_are_refused_by_name() -> None:
    document = collection({"here": SQUARE})
    document["features"] *= 2
    with pytest.raises(UnusableFeatures, match="more than one feature has the code 'here'"):
        read_features(document, "code", None)


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        "POLYGON ((0 0, 1 0, 1 1, 0 0))",
        {},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[2, 48], [3, 49]]]},
        {"type": "Polygon", "coordinates": [[["2", "48"], ["3", "48"], ["3", "x"]]]},
        {"type": "Polygon", "coordinates": [[[2], [3], [4], [2]]]},
        {"type": "Polygon", "coordinates": [[[10**400, 1], [3, 1], [4, 1], [2, 1]]]},
        {"type": "Polygon", "coordinates": 5},
        {"type": 5, "coordinates": [[[2, 48]]]},
        {"type": "Circle", "coordinates": [2, 48]},
        {"type": "Point", "coordinates": [2, 48]},
        {"type": "LineString", "coordinates": [[2, 48], [3, 49]]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "GeometryCollection", "geometries": [SQUARE]},
    ],
)
def test_what_is_no_polygon_is_refused_with_the_code(geometry: Any) -> None:
    with pytest.raises(UnusableFeatures, match="the geometry of 'here'"):
        read_one(geometry)


@pytest.mark.parametrize(
    "place",
    [(361, 48), (-361, 48), (2, 90.5), (2, -91), (float("-inf"), 48), (2, float("inf"))],
)
def test_coordinates_off_the_globe_are_refused_with_the_coordinate(
    place: tuple[float, float],
) -> None:
    ring = [(2, 48), (3, 48), place, (2, 48)]
    with pytest.raises(UnusableFeatures, match="'here' has the coordinate"):
        read_one(polygon(ring))


def test_projected_metres_are_refused() -> None:
    lambert = rectangle(643_000, 6_857_000, 644_000, 6_858_000)
    with pytest.raises(UnusableFeatures, match="no longitude and latitude"):
        read_one(polygon(lambert))


@pytest.mark.fault(14)
def test_an_hourglass_is_refused_and_said() -> None:
    with pytest.raises(UnusableFeatures, match=r"the rings of 'here' cross themselves.*50%"):
        read_one(polygon(HOURGLASS))


def test_a_lopsided_hourglass_is_refused_too() -> None:
    lopsided: Ring = [(2, 48), (3, 49), (3, 48.2), (2, 48.6), (2, 48)]
    with pytest.raises(UnusableFeatures, match="cross themselves"):
        read_one(polygon(lopsided))


def test_an_hourglass_across_the_antimeridian_is_refused_too() -> None:
    ring: Ring = [(179, -1), (-179, 1), (-179, -1), (179, 1), (179, -1)]
    with pytest.raises(UnusableFeatures, match="cross themselves"):
        read_one(polygon(ring))


@pytest.mark.fault(14)
def test_a_slip_of_the_pen_is_mended_and_said() -> None:
    slip: Ring = [(2, 48), (3, 48), (3, 49), (2.5, 49), (2.501, 49.002), (2.5, 49.002)]
    feature = read_one(polygon([*slip, (2.501, 49), (2, 49), (2, 48)]))
    assert feature.repaired
    assert feature.shape.is_valid
    assert feature.shape.area == pytest.approx(1, rel=1e-4)


def test_overlapping_parts_are_refused_where_mending_changes_the_area() -> None:
    with pytest.raises(UnusableFeatures, match="cross themselves"):
        read_one(several(SQUARE, polygon(rectangle(2.5, 48, 3.5, 49))))


def test_an_hourglass_among_far_islands_is_refused_too() -> None:
    far = polygon(rectangle(100, -40, 101, -39))
    with pytest.raises(UnusableFeatures, match="cross themselves"):
        read_one(several(far, polygon(HOURGLASS)))


def test_parts_that_overlap_only_behind_the_antimeridian_are_refused_too() -> None:
    across = polygon(rectangle(179, 0, 181, 1))
    with pytest.raises(UnusableFeatures, match="cross themselves"):
        read_one(several(across, polygon(rectangle(-180, 0, -179, 1))))


def test_a_shape_without_area_is_refused() -> None:
    with pytest.raises(UnusableFeatures, match="cross themselves"):
        read_one(polygon([(2, 48), (3, 48), (2, 48), (2, 48)]))


def test_an_open_ring_is_closed() -> None:
    feature = read_one(polygon([(2, 48), (3, 48), (3, 49), (2, 49)]))
    assert feature.shape.area == pytest.approx(1)
    assert not feature.repaired


def test_heights_are_dropped() -> None:
    ring = [[2, 48, 35.0], [3, 48, 36.0], [3, 49, 35.5], [2, 48, 35.0]]
    feature = read_one({"type": "Polygon", "coordinates": [ring]})
    assert not feature.shape.has_z
    assert feature.shape.area == pytest.approx(0.5)


def test_heights_are_dropped_across_the_antimeridian_too() -> None:
    ring = [[179, 0, 5.0], [-179, 0, 5.0], [-179, 1, 5.0], [179, 1, 5.0], [179, 0, 5.0]]
    assert not read_one({"type": "Polygon", "coordinates": [ring]}).shape.has_z


@pytest.mark.parametrize(
    "ring",
    [
        rectangle(179, -18, 181, -16),
        rectangle(-181, -18, -179, -16),
        [(179, -18), (-179, -18), (-179, -16), (179, -16), (179, -18)],
        [(179, -16), (-179, -16), (-179, -18), (179, -18), (179, -16)],
        [(179, -18), (180, -18), (-180, -18), (-179, -18), (-179, -16), (179, -16), (179, -18)],
    ],
)
def test_a_district_across_the_antimeridian_is_cut_there_however_it_is_written(
    ring: Ring,
) -> None:
    shape = read_one(polygon(ring)).shape
    assert shape.is_valid
    assert shape.bounds == (-180, -18, 180, -16)
    assert shape.area == pytest.approx(4)
    inside = (179.5, 180, -180, -179.5)
    assert all(shape.covers(Point(longitude, -17)) for longitude in inside)
    assert not any(shape.covers(Point(longitude, -17)) for longitude in (178.5, 0, -178.5))


def test_a_ring_around_the_globe_is_refused() -> None:
    ring: Ring = [(0, 80), (120, 80), (-120, 80), (0, 80)]
    with pytest.raises(UnusableFeatures, match="around the globe"):
        read_one(polygon(ring))


numbers = st.floats(-400, 400) | st.sampled_from([-180.0, 0.0, 1.0, 180.0])
anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=3),
    lambda children: st.lists(children, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(["Polygon", "MultiPolygon", "GeometryCollection", "Point", ""]),
    anything | st.lists(st.lists(st.tuples(numbers, numbers), max_size=6), max_size=2),
)
def test_any_nonsense_is_a_sound_shape_or_refused(kind: str, coordinates: Any) -> None:
    drawing: Drawing = {"type": kind, "coordinates": coordinates}
    try:
        shape = read_one(drawing).shape
    except UnusableFeatures:
        return
    assert shape.is_valid
    assert shape.area > 0
