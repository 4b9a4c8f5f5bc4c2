"""Positions and boxes: what is no place on Earth is no position."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.coordinates import Box, ImpossiblePosition, Position, centre

EARTH_RADIUS_M = 6_371_000
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


@pytest.mark.parametrize("latitude", [math.nan, math.inf, -math.inf, 91, -91, 90.0000001, 1e300])
def test_a_latitude_off_the_globe_is_refused(latitude: float) -> None:
    with pytest.raises(ImpossiblePosition) as refused:
        Position(latitude=latitude, longitude=2)
    assert refused.value.axis == "latitude"


@pytest.mark.parametrize("longitude", [math.nan, math.inf, -math.inf, 181, -181, 180.0000001])
def test_a_longitude_off_the_globe_is_refused(longitude: float) -> None:
    with pytest.raises(ImpossiblePosition) as refused:
        Position(latitude=48, longitude=longitude)
    assert refused.value.axis == "longitude"


@given(latitudes, longitudes)
def test_every_place_on_the_globe_is_taken_as_it_is(latitude: float, longitude: float) -> None:
    position = Position(latitude=latitude, longitude=longitude)
    assert position.latitude == (latitude if abs(latitude) >= 1e-12 else 0)
    assert position.longitude == (longitude if abs(longitude) >= 1e-12 else 0)


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180), (0, 180), (-0.0, 0)])
def test_the_ends_of_the_globe_are_on_it(latitude: float, longitude: float) -> None:
    assert Position(latitude=latitude, longitude=longitude).latitude == latitude


def test_a_swapped_place_is_one_only_where_it_can_be() -> None:
    assert Position(2.27, 48.82).swapped() == Position(48.82, 2.27)
    assert Position(10, 90).swapped() == Position(90, 10)
    assert Position(10, 90.5).swapped() is None


def test_a_box_may_cross_the_antimeridian_but_not_stand_on_its_head() -> None:
    assert Box(west=179, south=-18, east=-179, north=-16).west == 179
    with pytest.raises(ImpossiblePosition) as refused:
        Box(west=2, south=49, east=3, north=48)
    assert refused.value.axis == "latitude"


@pytest.mark.parametrize(
    ("sides", "axis"),
    [
        ((math.nan, 48, 3, 49), "longitude"),
        ((2, 48, 181, 49), "longitude"),
        ((2, -91, 3, 49), "latitude"),
        ((2, 48, 3, math.inf), "latitude"),
    ],
)
def test_a_box_with_a_corner_off_the_globe_is_refused(
    sides: tuple[float, float, float, float], axis: str
) -> None:
    with pytest.raises(ImpossiblePosition) as refused:
        Box(*sides)
    assert refused.value.axis == axis


@given(
    st.builds(Position, latitudes, longitudes),
    st.floats(1, 100_000),
    st.floats(0, 1),
    st.floats(0, 2 * math.pi),
)
def test_the_box_around_a_place_holds_all_that_is_near(
    centre: Position, metres: float, share: float, bearing: float
) -> None:
    place = travel(centre, metres * share, bearing)
    assert holds(Box.around(centre, metres), place)


@given(st.floats(-60, 60), longitudes)
def test_the_box_around_a_place_is_not_much_wider_than_needed(
    latitude: float, longitude: float
) -> None:
    box = Box.around(Position(latitude, longitude), 1_000)
    width_deg = (box.east - box.west) % 360
    assert width_deg * math.cos(math.radians(latitude)) * 111_195 < 2_100
    assert (box.north - box.south) * 111_195 < 2_100


def test_the_box_around_a_pole_goes_all_around() -> None:
    assert Box.around(Position(90, 12), 1_000).west == -180
    assert Box.around(Position(90, 12), 1_000).east == 180


def travel(start: Position, metres: float, bearing: float) -> Position:
    """Return the place that lies so far away on a sphere."""
    angle = metres / EARTH_RADIUS_M
    latitude = math.radians(start.latitude)
    sine = math.sin(latitude) * math.cos(angle)
    sine += math.cos(latitude) * math.sin(angle) * math.cos(bearing)
    arrived = math.asin(max(-1.0, min(1.0, sine)))
    turn = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(arrived),
    )
    longitude = (start.longitude + math.degrees(turn) + 180) % 360 - 180
    return Position(latitude=math.degrees(arrived), longitude=longitude)


def holds(box: Box, place: Position) -> bool:
    # Travelling rounds, so a hair more than the box counts as inside.
    hair = 1e-9
    if not box.south - hair <= place.latitude <= box.north + hair:
        return False
    if box.west <= box.east:
        inside = box.west - hair <= place.longitude <= box.east + hair
        return inside or abs(place.longitude) > 180 - hair
    return place.longitude >= box.west - hair or place.longitude <= box.east + hair


@given(st.lists(st.builds(Position, latitudes, st.floats(-80, 80)), min_size=1))
def test_a_box_holds_its_places_and_so_does_it_hold_their_middle(places: list[Position]) -> None:
    box, middle = Box.holding(places), centre(places)
    for place in places:
        assert box.south <= place.latitude <= box.north
        assert box.west <= place.longitude <= box.east
    assert box.south - 1e-9 <= middle.latitude <= box.north + 1e-9
    assert box.west - 1e-9 <= middle.longitude <= box.east + 1e-9


def test_places_on_both_sides_of_the_antimeridian_are_close() -> None:
    places = [Position(-17, 179.5), Position(-16, -179.75)]
    assert Box.holding(places) == Box(179.5, -17, -179.75, -16)
    assert centre(places) == Position(-16.5, 179.875)
    assert centre([places[1], Position(-16, 179.25)]) == Position(-16, 179.75)
    assert centre([places[0], Position(-17, -179)]) == Position(-17, -179.75)
