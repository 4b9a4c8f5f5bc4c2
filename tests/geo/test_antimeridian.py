"""A city across the antimeridian: the line on the map is none on the ground."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from city import jurisdictions
from city.jurisdictions import OutOfArea
from geo import doubt
from geo.coordinates import Position
from tests.city.towns import document, load, polygon, rectangle, write
from tests.geo.looking import at, chosen, service_hits

# Metres in a degree of longitude at 17° south and in a degree of latitude there.
EAST_M, NORTH_M = 106_550, 110_660


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("longitude", "district"),
    [
        (179.7, "a-west"),
        (179.9, "b-across"),
        (179.99999999, "b-across"),
        (180, "b-across"),
        (-180, "b-across"),
        (-179.99999999, "b-across"),
        (-179.9, "b-across"),
        (-179.7, "c-east"),
        (179.5, None),
        (-179.5, None),
        (0, None),
    ],
)
def test_every_side_of_the_line_has_its_district(
    islands: Session, longitude: float, district: str | None
) -> None:
    assert chosen(islands, at(-17, longitude)) == district


@pytest.mark.parametrize("longitude", [180, -180])
def test_a_district_that_came_cut_is_whole_on_the_line(islands: Session, longitude: float) -> None:
    assert chosen(islands, at(-16.8, longitude)) == "d-cut"


def test_a_border_on_the_line_has_one_owner_however_the_spot_is_written(islands: Session) -> None:
    for longitude in (180, -180):
        hits = service_hits(islands, at(-16.6, longitude))
        assert [(hit.code, hit.exact) for hit in hits] == [
            ("e-to-the-line", True),
            ("f-from-the-line", True),
        ]
        assert all(hit.border_distance_m == pytest.approx(0, abs=1e-3) for hit in hits)
        assert chosen(islands, at(-16.6, longitude)) == "e-to-the-line"


def test_borders_off_the_line_are_shared_as_anywhere(islands: Session) -> None:
    assert chosen(islands, at(-17, 179.8)) == "a-west"
    assert chosen(islands, at(-17, -179.8)) == "b-across"
    assert [hit.code for hit in service_hits(islands, at(-17, -179.8))] == ["b-across", "c-east"]


@pytest.mark.parametrize(
    ("place", "expected_m"),
    [
        (at(-17, 180), 0.1 * NORTH_M),
        (at(-17, -180), 0.1 * NORTH_M),
        (at(-17.09, 180), 0.01 * NORTH_M),
        (at(-17, 179.95), 0.1 * NORTH_M),
        (at(-17, 179.82), 0.02 * EAST_M),
        (at(-17, -179.82), 0.02 * EAST_M),
        (at(-16.8, 180), 0.1 * NORTH_M),
        (at(-16.71, -179.999), 0.01 * NORTH_M),
    ],
)
def test_the_line_itself_is_no_border(islands: Session, place: Position, expected_m: float) -> None:
    [hit] = service_hits(islands, place)
    assert hit.border_distance_m == pytest.approx(expected_m, rel=0.01)


def test_a_border_just_behind_the_line_is_near(session: Session, tmp_path: Path) -> None:
    narrow = polygon(rectangle(179.5, 0, 180.001, 1))
    says = document("narrow", rules=[])
    load(session, write(tmp_path / "n", says, boundary=narrow, districts={"narrow": narrow}))
    [hit] = service_hits(session, at(0.5, 179.999))
    assert hit.border_distance_m == pytest.approx(0.002 * 111_320, rel=0.01)


def test_a_city_just_behind_the_line_is_near(session: Session, tmp_path: Path) -> None:
    west = polygon(rectangle(179.5, 0, 180, 1))
    says = document("behind", rules=[])
    load(session, write(tmp_path / "b", says, boundary=west, districts={"west": west}))
    with pytest.raises(OutOfArea) as outside:
        jurisdictions.locate(session, at(0.5, -179.95))
    assert outside.value.nearest is not None
    assert outside.value.nearest.code == "behind"
    assert outside.value.nearest.distance_m == pytest.approx(0.05 * 111_320, rel=0.01)


@pytest.mark.parametrize("longitude", [180, -180, 179.9999, -179.9999])
def test_a_circle_across_the_line_lies_whole_in_its_district(
    islands: Session, longitude: float
) -> None:
    assert shares(islands, at(-17, longitude), 2_000) == {"b-across": pytest.approx(1)}


def test_a_circle_across_the_line_is_shared_out(islands: Session) -> None:
    found = shares(islands, at(-16.9, 180), 1_000)
    assert found == {
        "b-across": pytest.approx(0.5, abs=0.01),
        "d-cut": pytest.approx(0.5, abs=0.01),
    }
    quarters = shares(islands, at(-16.7, -180), 1_000)
    assert quarters == {
        "d-cut": pytest.approx(0.5, abs=0.01),
        "e-to-the-line": pytest.approx(0.25, abs=0.01),
        "f-from-the-line": pytest.approx(0.25, abs=0.01),
    }


def test_a_spot_beside_the_city_is_out_of_area_and_near(islands: Session) -> None:
    for longitude in (179.55, -179.55):
        with pytest.raises(OutOfArea) as outside:
            jurisdictions.locate(islands, at(-17, longitude))
        assert outside.value.nearest is not None
        assert outside.value.nearest.code == "islands"
        assert outside.value.nearest.distance_m == pytest.approx(0.05 * EAST_M, rel=0.01)


def shares(session: Session, place: Position, accuracy_m: float) -> dict[str, float]:
    """Return the share of each district, by code."""
    city = jurisdictions.find(session, "islands")
    return {share.code: share.share for share in doubt.shares(session, city.id, place, accuracy_m)}
