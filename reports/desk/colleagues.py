"""Colleagues: who may see a ticket, and whom a note on it mentions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from city import people
from city.access import Act, Reach, Role, reach
from city.models import Person, TeamMember
from city.staff import Staff
from reports import history, messages, notices, work
from reports.desk import handling
from reports.history import EventKind
from reports.models import Author, Message, Notice, Ticket

_OF_TEAM, _EVERYWHERE = (
    [role.value for role in Role if reach(role, Act.READ_TICKETS) is far]
    for far in (Reach.TEAMS, Reach.JURISDICTION)
)


class UnfitMention(Exception):
    """There is no such colleague, or the ticket is not for their eyes."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the city's who may see a ticket."""

    id: int
    name: str
    role: str
    teams: Sequence[str]


def of_ticket(session: Session, ticket: Ticket) -> list[Colleague]:
    """Return everybody who may see the ticket, by name."""
    query = select(Person).where(*_may_see(ticket)).order_by(Person.name, Person.id)
    found = session.scalars(query).all()
    teams = people.teams_of(session, *(person.id for person in found))
    return [Colleague(one.id, one.name, one.role, teams[one.id]) for one in found]


def write_note(
    session: Session,
    staff: Staff,
    ticket_id: int,
    text: str,
    mentions: Iterable[int],
    now: datetime,
) -> Message:
    """Write a note that no resident ever sees, and tell the colleagues whom it mentions.

    Nobody is told of their own. Raise NotAllowed, TicketMerged, UnfitMention or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.WRITE_NOTES, ticket_id)
    wanted = set(mentions)
    mentioned = session.scalars(
        select(Person).where(*_may_see(ticket), Person.id.in_(wanted)).order_by(Person.id)
    ).all()
    if len(mentioned) < len(wanted):
        raise UnfitMention
    message = messages.by_city(ticket, staff.person_id, now, reason=text)
    event = history.append(
        session,
        ticket,
        EventKind.NOTE,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        message=message,
        data={"mentions": [one.id for one in mentioned]} if mentioned else {},
    )
    session.flush()
    report = work.oldest_report(session, ticket)
    told = [(one.id, one.locale) for one in mentioned if one.id != staff.person_id]
    notices.mention(session, event, report.id, told, now)
    return message


def address(session: Session, notice: Notice) -> str | None:
    """Return where a mentioned colleague is told, or None where they may not see it any more."""
    ticket = session.get_one(Ticket, notice.ticket_id)
    return session.scalar(
        select(Person.email).where(*_may_see(ticket), Person.id == notice.person_id)
    )


def _may_see(ticket: Ticket) -> tuple[ColumnElement[bool], ...]:
    in_team = exists().where(
        TeamMember.person_id == Person.id, TeamMember.team_id == ticket.team_id
    )
    return (
        Person.jurisdiction_id == ticket.jurisdiction_id,
        Person.retired_at.is_(None),
        or_(Person.role.in_(_EVERYWHERE), Person.role.in_(_OF_TEAM) & in_team),
    )
