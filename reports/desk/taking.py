"""Taking a ticket: from now on it is the work of who takes it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from city.access import Act
from city.models import Person
from city.staff import Staff
from reports import status, work
from reports.desk import handling, triage
from reports.desk.triage import Wanted
from reports.models import Ticket
from reports.status import CLOSED, GRAPH, Status
from reports.work import Move


class TakenAlready(Exception):
    """Somebody else has the ticket."""

    def __init__(self, person: Person) -> None:
        super().__init__("taken already")
        self.name = person.name
        self.email = person.email


def take(session: Session, staff: Staff, ticket_id: int, version: int, now: datetime) -> Ticket:
    """Make the ticket the person's own; what nobody had accepted yet is accepted by that.

    Who has it already keeps it, unless they have left the city or the team. Raise NotAllowed,
    StaleVersion, TakenAlready, TicketMerged, TransitionRefused, UnfitAssignee or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.CHANGE_STATUS, ticket_id, version)
    before = Status(ticket.status)
    if before in CLOSED:
        status.check(before, Status.ACCEPTED)
    holder = session.get(Person, ticket.assignee_id) if ticket.assignee_id else None
    if holder and holder.id != staff.person_id and triage.can_work(session, ticket, holder):
        raise TakenAlready(holder)
    own = Wanted(assignee=staff.email)
    triage.change(session, staff, ticket.id, ticket.version, own, None, now)
    if Status.ACCEPTED in GRAPH[before]:
        work.move(session, ticket, Move(Status.ACCEPTED, staff.person_id), now)
    return ticket
