"""The relance: who is told that a ticket's deadline comes near, or has passed, and when.

The team is told once before and once after the deadline, the dispatchers once when it has long
passed. A ticket keeps how far that has come, and begins anew with a later deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from city import calendars
from city.models import Jurisdiction
from reports import clock, history, notices, work
from reports.history import EventKind
from reports.models import Author, Event, Notice, Ticket
from reports.notices import RELANCE

AT_ONCE = 100


class Stage(IntEnum):
    """How far a ticket's relance has come."""

    UNTOLD = 0
    SOON = 1
    OVERDUE = 2
    ESCALATED = 3


@dataclass(frozen=True, slots=True)
class _Step:
    """A stage, the tickets whose turn it is, and the event that tells of it."""

    stage: Stage
    whose_turn: ColumnElement[bool]
    event: EventKind


def cities(session: Session) -> list[int]:
    """Return the ids of the jurisdictions whose deadlines are to be watched."""
    return list(session.scalars(select(Jurisdiction.id).where(Jurisdiction.retired_at.is_(None))))


def run_batch(session: Session, jurisdiction_id: int, now: datetime) -> int:
    """Tell of some of the city's deadlines and return of how many; nothing is committed.

    Tickets that somebody else has in hand are left for the next time, so that two who do this at
    once tell of none twice.
    """
    told = 0
    for step in _steps(session.get_one(Jurisdiction, jurisdiction_id), now):
        for ticket in session.scalars(
            select(Ticket)
            .where(
                Ticket.jurisdiction_id == jurisdiction_id,
                Ticket.closed_at.is_(None),
                Ticket.paused_at.is_(None),
                Ticket.merged_into_id.is_(None),
                step.whose_turn,
            )
            .order_by(Ticket.due_at)
            .limit(AT_ONCE)
            .with_for_update(key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        ).all():
            _tell(session, ticket, step, now)
            told += 1
    return told


def is_moot(session: Session, notice: Notice) -> bool:
    """Tell whether a notice of a deadline has been overtaken before it was sent."""
    if notice.kind not in RELANCE:
        return False
    ticket, data = session.execute(
        select(Ticket, Event.data)
        .join(Event, Event.ticket_id == Ticket.id)
        .where(Ticket.id == notice.ticket_id, Event.seq == notice.seq)
    ).one()
    return (
        ticket.closed_at is not None
        or ticket.paused_at is not None
        or ticket.due_at is None
        or ticket.due_at != datetime.fromisoformat(data["due_at"])
    )


def _steps(city: Jurisdiction, now: datetime) -> list[_Step]:
    """Return the steps in order; so a ticket that was late for long goes through more than one."""
    calendar = clock.calendar_of(city)
    ahead = calendars.add(calendar, now, timedelta(hours=city.relance_before_hours))
    past = calendars.subtract(calendar, now, timedelta(hours=city.relance_after_hours))
    began = func.coalesce(Ticket.clock_from, Ticket.created_at)
    # A ticket that has little time is not due soon from its first minute.
    half_way = began + (Ticket.due_at - began) / 2
    return [
        _Step(
            Stage.SOON,
            (Ticket.relance == Stage.UNTOLD)
            & (Ticket.due_at > now)
            & (Ticket.due_at <= ahead)
            & (half_way <= now),
            EventKind.DUE_SOON,
        ),
        _Step(
            Stage.OVERDUE,
            Ticket.relance.in_([Stage.UNTOLD, Stage.SOON]) & (Ticket.due_at <= now),
            EventKind.OVERDUE,
        ),
        _Step(
            Stage.ESCALATED,
            (Ticket.relance == Stage.OVERDUE) & (Ticket.due_at <= past),
            EventKind.ESCALATED,
        ),
    ]


def _tell(session: Session, ticket: Ticket, step: _Step, now: datetime) -> None:
    due_at = ticket.due_at
    if due_at is None:
        raise ValueError("nobody is told of a deadline that is not there")
    ticket.relance = step.stage
    event = history.append(
        session,
        ticket,
        step.event,
        now,
        author=Author.CITY,
        report_id=work.oldest_report(session, ticket).id,
        data={"due_at": due_at.isoformat()},
    )
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
