"""Which city a spot belongs to, what is near, and which address is nearest."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from city import jurisdictions, setup
from city.addresses import NEAREST_WITHIN_M, nearest_label, read_addresses
from city.jurisdictions import NEAR_M, OutOfArea
from city.models import Address
from geo.coordinates import Position
from tests.city.towns import document, load, polygon, rectangle, write
from tests.conftest import DEMO
from tests.geo.looking import at
from tests.resident import INSIDE

NORTH_M = 111_195


def outside(session: Session, place: Position) -> OutOfArea:
    with pytest.raises(OutOfArea) as refused:
        jurisdictions.locate(session, place)
    return refused.value


def put(session: Session, **places: Position) -> int:
    """Put addresses far from all others, and return the city's id."""
    city = jurisdictions.find(session, "beaurive")
    session.add_all(
        Address(jurisdiction_id=city.id, label=label, location=place)
        for label, place in places.items()
    )
    session.flush()
    return city.id


def test_a_spot_in_the_city_is_told_with_its_districts(session: Session) -> None:
    spot = jurisdictions.locate(session, Position(**INSIDE))
    assert spot.jurisdiction.code == "beaurive"
    assert [hit.code for hit in spot.districts] == ["bellevue"]


def test_numbers_in_the_wrong_order_are_noticed(session: Session) -> None:
    refused = outside(session, at(INSIDE["longitude"], INSIDE["latitude"]))
    assert refused.swapped
    assert refused.nearest is None
    assert not outside(session, at(48.9, 2.3)).swapped
    assert not outside(session, at(10, 120)).swapped


def test_a_city_nearby_is_told_and_a_far_one_is_not(session: Session) -> None:
    near = outside(session, at(48.782, 2.19)).nearest
    assert near is not None
    assert near.code == "beaurive"
    assert 100 < near.distance_m < 5_000
    assert near.names["fr"] == "Beaurive-sur-Seine"
    assert outside(session, at(45.764, 4.8357)).nearest is None


def test_near_ends_at_its_limit(session: Session, tmp_path: Path) -> None:
    square = polygon(rectangle(0, 0, 1, 1))
    load(
        session,
        write(
            tmp_path / "town",
            document(rules=[]),
            boundary=square,
            districts={"all": square},
        ),
    )
    just_inside, just_outside = NEAR_M * 0.99 / NORTH_M, NEAR_M * 1.02 / NORTH_M
    assert outside(session, at(0.5, 1 + just_inside)).nearest is not None
    assert outside(session, at(0.5, 1 + just_outside)).nearest is None


def test_a_spot_in_two_cities_belongs_to_the_first_by_code(
    session: Session, tmp_path: Path
) -> None:
    for code in ("zulu", "alpha"):
        load(session, write(tmp_path / code, document(code)))
    spot = jurisdictions.locate(session, at(-33.95, 20.05))
    assert spot.jurisdiction.code == "alpha"
    assert {hit.jurisdiction_id for hit in spot.districts} == {spot.jurisdiction.id}


def test_a_report_in_two_cities_meets_the_set_up_of_its_own(
    session: Session, tmp_path: Path
) -> None:
    place = at(-33.95, 20.05)
    for code in ("zulu", "alpha"):
        load(session, write(tmp_path / code, document(code)))
    surveyed = setup.survey(session, "hole", place, reserve=(Address, Address))
    assert surveyed.place == jurisdictions.find_place(session, place)
    assert surveyed.setup == setup.read(session, surveyed.place.jurisdiction_id, "hole", place)
    assert surveyed.setup.jurisdiction == "alpha"
    assert len(set(surveyed.numbers)) == len(surveyed.numbers) == 2
    assert setup.survey(session, "no-such-thing", place, reserve=()).setup is None


def test_every_address_of_the_demo_is_the_nearest_to_itself(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    for label, place in read_addresses(DEMO.parent / "addresses.csv"):
        assert nearest_label(session, city.id, place) == label


def test_the_address_nearest_on_the_ground_is_told(session: Session) -> None:
    # By degrees the northern one is nearer; on the ground it is the eastern one.
    city_id = put(session, north=at(60.0010, 10), east=at(60, 10.0015))
    assert nearest_label(session, city_id, at(60, 10)) == "east"


def test_an_address_farther_than_the_limit_is_none(session: Session) -> None:
    city_id = put(session, only=at(60, 10))
    near, far = (NEAREST_WITHIN_M * share / NORTH_M for share in (0.98, 1.02))
    assert nearest_label(session, city_id, at(60 + near, 10)) == "only"
    assert nearest_label(session, city_id, at(60 + far, 10)) is None
    assert nearest_label(session, city_id, at(60, 10 + 2 * near)) == "only"
    assert nearest_label(session, city_id, at(60, 10 + 2 * far)) is None


def test_of_two_addresses_in_one_place_the_first_by_label_is_told(session: Session) -> None:
    city_id = put(session, b=at(60, 10), a=at(60, 10))
    assert nearest_label(session, city_id, at(60, 10.0001)) == "a"


def test_an_address_behind_the_antimeridian_is_near(session: Session) -> None:
    city_id = put(session, behind=at(-17, -179.9999))
    assert nearest_label(session, city_id, at(-17, 179.9999)) == "behind"
    assert nearest_label(session, city_id, at(-17, 180)) == "behind"


def test_another_citys_addresses_are_not_told(session: Session, tmp_path: Path) -> None:
    load(session, write(tmp_path / "town"))
    essai, demo = (jurisdictions.find(session, code).id for code in ("essai", "beaurive"))
    assert nearest_label(session, essai, at(-33.95, 20.05)) == "1 West Road"
    assert nearest_label(session, demo, at(-33.95, 20.05)) is None
