"""Planning the work for a day or a time, which everybody may know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from city.access import Act
from city.models import Jurisdiction
from city.staff import Staff
from reports import history, messages, notices
from reports.desk import handling
from reports.history import EventKind
from reports.models import Author, Ticket
from reports.status import CLOSED


class NothingToPlan(Exception):
    """The ticket is closed."""


class DayGone(Exception):
    """The day that the work is planned for has passed in the city."""


class TimeGone(Exception):
    """The time that the work is planned for has passed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When the work is to be done: on a day, at a time, or, with neither, nobody knows yet."""

    on: date | None = None
    at: datetime | None = None


def plan(
    session: Session,
    staff: Staff,
    ticket_id: int,
    version: int,
    wanted: Plan,
    public_message: str | None,
    now: datetime,
) -> Ticket:
    """Plan the ticket's work and tell its reporters; its deadline stays what it is.

    Raise DayGone, NotAllowed, NothingToPlan, StaleVersion, TicketMerged, TimeGone or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.CHANGE_STATUS, ticket_id, version)
    zone = ZoneInfo(session.get_one(Jurisdiction, ticket.jurisdiction_id).time_zone)
    if wanted.on is not None and wanted.on < now.astimezone(zone).date():
        raise DayGone
    if wanted.at is not None and wanted.at < now:
        raise TimeGone
    if ticket.status in CLOSED:
        raise NothingToPlan
    unchanged = (ticket.planned_on, ticket.planned_at) == (wanted.on, wanted.at)
    if unchanged and public_message is None:
        return ticket
    ticket.planned_on, ticket.planned_at = wanted.on, wanted.at
    _write_down(session, staff, ticket, _kept(wanted, zone), public_message, now)
    return ticket


def _kept(wanted: Plan, zone: ZoneInfo) -> str | None:
    """Return the day or the time as history keeps it: by the city's own clock."""
    if wanted.at is not None:
        return wanted.at.astimezone(zone).isoformat()
    return wanted.on.isoformat() if wanted.on else None


def _write_down(
    session: Session,
    staff: Staff,
    ticket: Ticket,
    when: str | None,
    public_message: str | None,
    now: datetime,
) -> None:
    message = public_message and messages.by_city(ticket, staff.person_id, now, body=public_message)
    event = history.append(
        session,
        ticket,
        EventKind.PLANNED,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        message=message or None,
        data={"planned": when},
    )
    if message:
        ticket.public_message_id = message.id
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
