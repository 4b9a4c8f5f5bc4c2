"""What the database itself refuses to hold, and the conditions that lists are made of."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city import jurisdictions
from city.models import Address
from geo.coordinates import Box, Position
from geo.filters import inside, within
from tests.geo.looking import at
from tests.resident import Resident

# As a client writes it: little-endian, a point, two quiet NaNs.
NAN_BYTES = "ST_SetSRID(ST_GeomFromWKB('\\x0101000000000000000000f87f000000000000f87f'), 4326)"
EMPTY = "ST_GeomFromText('POINT EMPTY', 4326)"


def point(longitude: str, latitude: str) -> str:
    return f"ST_SetSRID(ST_MakePoint('{longitude}', '{latitude}'), 4326)"


IMPOSSIBLE = [
    point("999", "999"),
    point("180.001", "0"),
    point("0", "-90.001"),
    point("NaN", "NaN"),
    point("NaN", "48"),
    point("2", "NaN"),
    point("Infinity", "48"),
    point("2", "-Infinity"),
    EMPTY,
    NAN_BYTES,
]


@pytest.fixture
def filled(session: Session, resident: Resident) -> Session:
    """Return a session that sees a report, its ticket and addresses."""
    resident.report()
    return session


@pytest.mark.parametrize("place", IMPOSSIBLE)
@pytest.mark.parametrize("table", ["reports", "tickets", "addresses"])
def test_a_place_off_the_globe_is_refused_by_the_database(
    filled: Session, table: str, place: str
) -> None:
    one = f"(SELECT min(id) FROM {table})"
    with pytest.raises(IntegrityError, match=f"ck_{table}_location_on_earth"):
        filled.execute(text(f"UPDATE {table} SET location = {place} WHERE id = {one}"))


@pytest.mark.parametrize("place", [point("180", "90"), point("-180", "-90"), point("0", "0")])
@pytest.mark.parametrize("table", ["reports", "tickets", "addresses"])
def test_every_place_on_the_globe_is_taken_by_the_database(
    filled: Session, table: str, place: str
) -> None:
    one = f"(SELECT min(id) FROM {table})"
    done = filled.execute(
        text(f"UPDATE {table} SET location = {place} WHERE id = {one} RETURNING ST_X(location)")
    )
    assert done.scalar_one() in (180, -180, 0)


def test_a_position_comes_back_as_it_was_written(session: Session) -> None:
    places = [at(48.808882123456789, 2.212277), at(-90, 180), at(1e-300, -180), at(0.1, 0.3)]
    add(session, places)
    assert set(places) <= set(session.scalars(select(Address.location)))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(west=2, south=48, east=3, north=49), {at(48, 2), at(49, 3), at(48.5, 2.5)}),
        (Box(west=179, south=-1, east=-179, north=1), {at(0, 180), at(0, -180), at(0, 179)}),
        (Box(west=180, south=-1, east=180, north=1), {at(0, 180), at(0, -180)}),
        (Box(west=178.5, south=-1, east=180, north=1), {at(0, 180), at(0, -180), at(0, 179)}),
        (Box(west=-180, south=-1, east=-179, north=1), {at(0, 180), at(0, -180)}),
        (Box(west=2.5, south=48.5, east=2.5, north=48.5), {at(48.5, 2.5)}),
        (Box(west=-180, south=-90, east=180, north=90), None),
    ],
)
def test_a_box_holds_its_border_and_may_cross_the_antimeridian(
    session: Session, box: Box, expected: set[Position] | None
) -> None:
    places = [
        *(at(48, 2), at(49, 3), at(48.5, 2.5), at(47.9, 2.5), at(48.5, 1.9)),
        *(at(0, 180), at(0, -180), at(0, 179), at(0, 178), at(0, 0), at(90, 0)),
    ]
    add(session, places)
    ours = Address.label.like("test %")
    query = select(Address.location).where(ours, inside(Address.location, box))
    assert set(session.scalars(query)) == (set(places) if expected is None else expected)


def test_near_is_measured_on_the_ground_and_across_the_antimeridian(session: Session) -> None:
    # 0.009° are about 1,000 m to the north, 658 m to the east at this latitude.
    north, east, behind = at(48.809, 2.2), at(48.8, 2.209), at(0, -179.999)
    add(session, [north, east, behind])
    ours = Address.label.like("test %")

    def found(centre: Position, metres: float) -> set[Position]:
        query = select(Address.location).where(ours, within(Address.location, centre, metres))
        return set(session.scalars(query))

    assert found(at(48.8, 2.2), 700) == {east}
    assert found(at(48.8, 2.2), 1_010) == {north, east}
    assert found(at(0, 179.999), 230) == {behind}
    assert found(at(0, 179.999), 200) == set()


def add(session: Session, places: list[Position]) -> None:
    """Put addresses of the demo city where they could never be."""
    city = jurisdictions.find(session, "beaurive")
    session.add_all(
        Address(jurisdiction_id=city.id, label=f"test {number}", location=place)
        for number, place in enumerate(places)
    )
    session.flush()
