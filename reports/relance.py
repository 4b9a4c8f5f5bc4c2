"""The relance: who is told that a ticket's deadline comes near, or has passed, and when.

The team is told once before and once after the deadline, the dispatchers once when it has long
passed. A ticket keeps how far that has come, and begins anew with a later deadline.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, func, literal, literal_column, or_, select
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


_EVENTS = {
    Stage.SOON: EventKind.DUE_SOON,
    Stage.OVERDUE: EventKind.OVERDUE,
    Stage.ESCALATED: EventKind.ESCALATED,
}


def cities(session: Session) -> list[int]:
    """Return the ids of the jurisdictions whose deadlines are to be watched."""
    return list(session.scalars(select(Jurisdiction.id).where(Jurisdiction.retired_at.is_(None))))


def run_batch(session: Session, jurisdiction_id: int, now: datetime) -> int:
    """Tell of some of the city's deadlines and return of how many; nothing is committed.

    Tickets that somebody else has in hand are left for the next time, so that two who do this at
    once tell of none twice.
    """
    city = session.get_one(Jurisdiction, jurisdiction_id)
    tickets = session.scalars(
        select(Ticket)
        .where(
            Ticket.jurisdiction_id == jurisdiction_id,
            Ticket.merged_into_id.is_(None),
            _watched(),
            _whose_turn(city, now),
        )
        .order_by(Ticket.due_at)
        .limit(AT_ONCE)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for ticket in tickets:
        _tell(session, ticket, now)
    return len(tickets)


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


def _watched() -> ColumnElement[bool]:
    """Return the condition of the index, whose constant stands in the statement like there."""
    return (
        Ticket.closed_at.is_(None)
        & Ticket.paused_at.is_(None)
        & (Ticket.relance < literal_column(str(Stage.ESCALATED.value)))
    )


def _whose_turn(city: Jurisdiction, now: datetime) -> ColumnElement[bool]:
    calendar = clock.calendar_of(city)
    ahead = calendars.add(calendar, now, timedelta(hours=city.relance_before_hours))
    past = calendars.subtract(calendar, now, timedelta(hours=city.relance_after_hours))
    began = func.coalesce(Ticket.clock_from, Ticket.created_at)
    # A ticket that has little time is not due soon from its first minute.
    half_way = (Ticket.due_at - now) <= (literal(now) - began)
    return (Ticket.due_at <= ahead) & or_(
        (Ticket.relance == Stage.UNTOLD) & (Ticket.due_at > now) & half_way,
        (Ticket.relance < Stage.OVERDUE) & (Ticket.due_at <= now),
        (Ticket.relance == Stage.OVERDUE) & (Ticket.due_at <= past),
    )


def _tell(session: Session, ticket: Ticket, now: datetime) -> None:
    due_at = ticket.due_at
    if due_at is None:
        raise ValueError("nobody is told of a deadline that is not there")
    reports = work.report_ids(session, ticket)
    if not reports:
        # It is nobody's work, and must not hold up what is.
        ticket.relance = Stage.ESCALATED
        return
    stage = _next_stage(Stage(ticket.relance), due_at, now)
    ticket.relance = stage
    event = history.append(
        session,
        ticket,
        _EVENTS[stage],
        now,
        author=Author.CITY,
        report_id=reports[0],
        data={"due_at": due_at.isoformat()},
    )
    session.flush()
    notices.announce(session, event, ticket.team_id, now)


def _next_stage(stage: Stage, due_at: datetime, now: datetime) -> Stage:
    """Return what is told next; the team always hears that it is late before others do."""
    if due_at > now:
        return Stage.SOON
    return Stage.OVERDUE if stage < Stage.OVERDUE else Stage.ESCALATED
