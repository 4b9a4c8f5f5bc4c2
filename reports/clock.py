"""A ticket's clock: when it began, when it stands still, and the deadline that follows from it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from city import calendars, deadlines
from city.calendars import Calendar
from city.models import Category, Jurisdiction, Kind, Team, TeamCalendar
from reports.models import Ticket
from reports.status import Status


def calendar_of(city: Jurisdiction) -> Calendar | None:
    """Return the city's own calendar; None where every hour counts."""
    said = city.calendar
    return calendars.read(city.time_zone, json.dumps(said) if said else None)


def began(ticket: Ticket) -> datetime:
    """Return when the ticket's clock began; what it stood still has moved that on."""
    return ticket.clock_from or ticket.created_at


def owes_deadline(ticket: Ticket) -> bool:
    """Tell whether the ticket can have a deadline: ideas and compliments have none."""
    return Kind(ticket.kind) is Kind.PROBLEM


def reckon(session: Session, ticket: Ticket) -> datetime | None:
    """Return the deadline that the ticket's category, priority and team give it."""
    category = session.get_one(Category, ticket.category_id)
    target = deadlines.target_hours(
        category.target_hours, category.target_hours_by_priority, ticket.priority
    )
    calendar = _calendar(session, ticket)
    return deadlines.due_at(began(ticket), target, calendar, owes_deadline=owes_deadline(ticket))


def set_deadline(ticket: Ticket, due_at: datetime | None) -> None:
    """Give the ticket a deadline; of a later one than before, everybody is told anew."""
    if due_at is not None and (ticket.due_at is None or due_at > ticket.due_at):
        ticket.relance = 0
    ticket.due_at = due_at


def follow(session: Session, ticket: Ticket) -> None:
    """Have the deadline follow the target time, save where it is a dispatcher's own."""
    if not ticket.due_fixed:
        set_deadline(ticket, reckon(session, ticket))


def turn(session: Session, ticket: Ticket, before: Status, now: datetime) -> None:
    """Stop the clock of a held ticket, let it go on or begin anew, as its new status wants it."""
    if before is Status.WAITING:
        _go_on(session, ticket, now)
    if ticket.status == Status.WAITING.value:
        ticket.paused_at = now
    elif ticket.status == Status.REOPENED.value:
        _begin_anew(session, ticket, now)


def difference(before: datetime | None, after: datetime | None) -> dict[str, Any]:
    """Return what history holds of a deadline that something else has moved."""
    if before == after:
        return {}
    changed = [moment.isoformat() if moment else None for moment in (before, after)]
    return {"changes": {"due_at": changed}}


def _go_on(session: Session, ticket: Ticket, now: datetime) -> None:
    paused_at, ticket.paused_at = ticket.paused_at, None
    if paused_at is None:
        return
    calendar = _calendar(session, ticket)
    ticket.clock_from = deadlines.put_off(began(ticket), paused_at, now, calendar)
    if ticket.due_at is not None and not ticket.due_fixed:
        set_deadline(ticket, deadlines.put_off(ticket.due_at, paused_at, now, calendar))


def _begin_anew(session: Session, ticket: Ticket, now: datetime) -> None:
    """Give a reopened ticket its whole time again; a dispatcher's deadline stays while ahead."""
    ticket.clock_from = now
    if ticket.due_fixed and ticket.due_at is not None and ticket.due_at > now:
        return
    ticket.due_fixed = False
    ticket.relance = 0
    ticket.due_at = reckon(session, ticket)


def _calendar(session: Session, ticket: Ticket) -> Calendar | None:
    """Return the calendar of the ticket's team: its own, or else the city's."""
    city = session.get_one(Jurisdiction, ticket.jurisdiction_id)
    team = session.get_one(Team, ticket.team_id)
    if team.calendar_id is None:
        return calendar_of(city)
    own = session.get_one(TeamCalendar, team.calendar_id)
    return calendars.read(city.time_zone, json.dumps(own.calendar))
