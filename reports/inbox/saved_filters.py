"""Ways of looking at the inbox that a person has given a name; nobody else sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Person
from city.staff import Staff
from reports.desk_models import SavedFilter

MOST = 50


class UnknownFilter(Exception):
    """The person has saved no such filter."""


class FilterNameTaken(Exception):
    """The person has another filter of this name."""


class TooManyFilters(Exception):
    """The person has saved as many filters as one may."""


def of_person(session: Session, staff: Staff) -> list[SavedFilter]:
    """Return the person's filters by name."""
    mine = select(SavedFilter).where(SavedFilter.person_id == staff.person_id)
    return list(session.scalars(mine.order_by(SavedFilter.name, SavedFilter.id)))


def find(session: Session, staff: Staff, public_id: UUID) -> SavedFilter:
    """Return one of the person's filters, or raise UnknownFilter."""
    found = session.scalar(
        select(SavedFilter).where(
            SavedFilter.person_id == staff.person_id, SavedFilter.public_id == public_id
        )
    )
    if found is None:
        raise UnknownFilter(public_id)
    return found


def save(
    session: Session, staff: Staff, name: str, query: dict[str, Any], now: datetime
) -> SavedFilter:
    """Save a filter; raise FilterNameTaken or TooManyFilters."""
    others = _others(session, staff)
    if len(others) >= MOST:
        raise TooManyFilters
    if name in others:
        raise FilterNameTaken(name)
    made = SavedFilter(
        jurisdiction_id=staff.jurisdiction_id,
        person_id=staff.person_id,
        public_id=uuid4(),
        name=name,
        query=query,
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    return made


def change(
    session: Session,
    staff: Staff,
    saved: SavedFilter,
    name: str | None,
    query: dict[str, Any] | None,
    now: datetime,
) -> None:
    """Give the filter another name, another query, or both; raise FilterNameTaken."""
    if name is not None and name != saved.name:
        if name in _others(session, staff):
            raise FilterNameTaken(name)
        saved.name = name
    if query is not None:
        saved.query = query
    saved.updated_at = now


def remove(session: Session, saved: SavedFilter) -> None:
    """Remove the filter."""
    session.delete(saved)


def _others(session: Session, staff: Staff) -> set[str]:
    """Return the names that the person has given; none of their other requests adds one now."""
    person = select(Person.id).where(Person.id == staff.person_id)
    session.execute(person.with_for_update(key_share=True))
    names = select(SavedFilter.name).where(SavedFilter.person_id == staff.person_id)
    return set(session.scalars(names))
