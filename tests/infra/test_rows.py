"""New rows of several tables by one statement: what is written is what is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city import jurisdictions
from city.models import Address, AuditEntry, CategoryGroup
from geo.coordinates import Position
from infra import rows
from infra.rows import New

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
CHANGES = {
    "odd": '"\\\n\u00e9\U0001f6b2 %s :x',
    "none": None,
    "deep": [1, {"a": 0.1}],
    "big": 2**60,
}


def entry(city_id: int, kind: str) -> AuditEntry:
    return AuditEntry(
        jurisdiction_id=city_id,
        at=AT,
        actor="command",
        act="export",
        thing_kind=kind,
        changes=CHANGES,
    )


def test_rows_of_several_tables_are_read_as_they_were_given(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    place = Position(latitude=48.1234567890123, longitude=-0.1)
    rows.write(
        session,
        [
            entry(city.id, "one"),
            Address(jurisdiction_id=city.id, label="l'“adresse”", location=place),
            entry(city.id, "two"),
        ],
    )
    found = session.scalars(select(AuditEntry).where(AuditEntry.at == AT).order_by(AuditEntry.id))
    assert [(one.thing_kind, one.changes, one.person_id) for one in found] == [
        ("one", CHANGES, None),
        ("two", CHANGES, None),
    ]
    [address] = session.scalars(select(Address).where(Address.label == "l'“adresse”"))
    assert address.location == place


def test_a_number_that_was_reserved_is_taken(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    reservation = rows.reservation(CategoryGroup, CategoryGroup)
    first, second = session.connection().exec_driver_sql(f"SELECT {reservation}").scalar_one()
    assert second > first
    group = CategoryGroup(
        id=first, jurisdiction_id=city.id, code="x", names={"fr": "X"}, position=9
    )
    rows.write(session, [group])
    assert session.get_one(CategoryGroup, first).names == {"fr": "X"}


def test_all_or_nothing_is_written(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    with pytest.raises(IntegrityError):
        rows.write(session, [entry(city.id, "kept?"), entry(-1, "of no city")])
    session.rollback()
    kept = select(AuditEntry).where(AuditEntry.thing_kind == "kept?")
    assert session.scalars(kept).all() == []


def test_plain_values_are_written_like_an_object(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    place = Position(latitude=48.1234567890123, longitude=-0.1)
    values = {"jurisdiction_id": city.id, "label": "plain", "location": place}
    rows.write(session, [New(Address, values), Address(**values | {"label": "object"})])
    found = session.scalars(select(Address).where(Address.label.in_(["plain", "object"])))
    assert [one.location for one in found] == [place, place]


def test_a_value_that_no_column_takes_is_refused(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    with pytest.raises(KeyError, match="colour"):
        rows.write(session, [entry(city.id, "one"), New(Address, {"colour": "blue"})])
