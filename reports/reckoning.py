"""Deadlines reckoned anew: when a city's calendar changes, those of its open tickets follow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Jurisdiction, Kind
from reports import clock, history
from reports.history import EventKind
from reports.models import Author, Ticket
from reports.status import CLOSED

AT_ONCE = 100


def cities(session: Session) -> list[int]:
    """Return the ids of the jurisdictions whose deadlines have yet to follow."""
    return list(session.scalars(select(Jurisdiction.id).where(Jurisdiction.reckoned_to >= 0)))


def run_batch(session: Session, jurisdiction_id: int, now: datetime) -> int:
    """Reckon some of the city's deadlines anew and return how many moved; nothing is committed.

    How far that has come stands at the city, so that whoever goes on after a crash misses no
    ticket. A dispatcher's own deadline stays.
    """
    city = session.scalar(
        select(Jurisdiction)
        .where(Jurisdiction.id == jurisdiction_id, Jurisdiction.reckoned_to >= 0)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if city is None:
        return 0
    tickets = session.scalars(
        select(Ticket)
        .where(
            Ticket.jurisdiction_id == jurisdiction_id,
            Ticket.id > city.reckoned_to,
            # What was merged is closed, but may be parted again, and then goes on.
            Ticket.status.not_in(CLOSED),
            Ticket.due_fixed.is_(False),
            Ticket.kind == Kind.PROBLEM.value,
        )
        .order_by(Ticket.id)
        .limit(AT_ONCE)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    moved = sum(_reckon(session, ticket, now) for ticket in tickets)
    city.reckoned_to = tickets[-1].id if len(tickets) == AT_ONCE else None
    return moved


def _reckon(session: Session, ticket: Ticket, now: datetime) -> bool:
    """Have the ticket's deadline follow; tell whether that moved it."""
    before = ticket.due_at
    clock.follow(session, ticket)
    moved = clock.difference(before, ticket.due_at)
    if moved:
        history.append(session, ticket, EventKind.CHANGED, now, author=Author.CITY, data=moved)
    return bool(moved)
