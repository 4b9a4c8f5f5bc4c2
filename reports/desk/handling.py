"""What staff do with a ticket: find it, hold it, move it on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.access import Act
from city.staff import Staff
from reports import work
from reports.desk import close_reasons, templates
from reports.models import Ticket
from reports.references import MalformedReference, normalise
from reports.status import CLOSED, Status
from reports.work import Move


@dataclass(frozen=True, slots=True)
class Step:
    """Where a ticket goes and why: a code of the city's reasons to close, or any words.

    Its reporters read the public message, or what the template with the code `template` says.
    """

    to: Status
    reason: str
    public_message: str | None = None
    template: str | None = None


class UnknownTicket(Exception):
    """There is no such ticket, or none that this person may see."""


class StaleVersion(Exception):
    """The ticket has changed since the caller read it."""


class PublicMessageRequired(Exception):
    """A resident whose report is declined must be told why."""


class NotAllowed(Exception):
    """The person may see the ticket, but not do this with it."""


class NothingLeftToDo(Exception):
    """The ticket is closed, so nobody else can have it, and nothing about it can be late."""


class TicketMerged(Exception):
    """The ticket was merged into another one, where the work goes on."""


def find(session: Session, staff: Staff, reference: str) -> Ticket:
    """Return the ticket with the reference, if this person may see it; raise UnknownTicket."""
    try:
        wanted = normalise(reference)
    except MalformedReference as error:
        raise UnknownTicket(reference) from error
    ticket = session.scalar(
        select(Ticket).where(
            Ticket.reference == wanted, Ticket.jurisdiction_id == staff.jurisdiction_id
        )
    )
    if ticket is None or not staff.may(Act.READ_TICKETS, ticket.team_id):
        raise UnknownTicket(reference)
    return ticket


def demand(staff: Staff, act: Act, ticket: Ticket) -> None:
    """Raise NotAllowed unless the person may do the act on this ticket."""
    if not staff.may(act, ticket.team_id):
        raise NotAllowed(act)


def hold(
    session: Session, staff: Staff, act: Act, ticket_id: int, version: int | None = None
) -> Ticket:
    """Return the ticket for the act, held, if it is still at the version that the caller read.

    Without a version, whatever happened to it in the meantime does not matter.

    Raise UnknownTicket, NotAllowed, StaleVersion or TicketMerged.
    """
    ticket = work.lock(session, ticket_id)
    check(staff, act, ticket, version)
    _demand_unmerged(ticket)
    return ticket


def check(staff: Staff, act: Act, ticket: Ticket, version: int | None) -> None:
    """Raise UnknownTicket, NotAllowed or StaleVersion where a held ticket is not for the act."""
    if not staff.may(Act.READ_TICKETS, ticket.team_id):
        raise UnknownTicket(ticket.reference)
    demand(staff, act, ticket)
    if version is not None and ticket.version != version:
        raise StaleVersion


def _demand_unmerged(ticket: Ticket) -> None:
    if ticket.merged_into_id is not None:
        raise TicketMerged


def demand_open(ticket: Ticket) -> None:
    """Raise NothingLeftToDo where the ticket is closed."""
    if Status(ticket.status) in CLOSED:
        raise NothingLeftToDo


def transition(
    session: Session, staff: Staff, ticket_id: int, version: int, step: Step, now: datetime
) -> Ticket:
    """Move the ticket on, if it is still at the version that the caller read.

    Raise PublicMessageRequired, StaleVersion, UnknownTicket, NotAllowed, TicketMerged,
    TransitionRefused or UnfitTemplate.
    """
    if step.to is Status.DECLINED and not (step.public_message or step.template):
        raise PublicMessageRequired
    ticket = hold(session, staff, Act.CHANGE_STATUS, ticket_id, version)
    reason = close_reasons.find(session, ticket, step.to, step.reason)
    told = step.public_message
    if step.template is not None:
        told = templates.render(session, ticket, step.template, step.to)
    elif told is None and reason is not None:
        told = close_reasons.words(session, ticket, reason)
    move = Move(
        step.to, staff.person_id, None if reason else step.reason, told, close_reason=reason
    )
    work.move(session, ticket, move, now)
    return ticket
