"""Asking the reporters something: the work waits, and goes on when one of them answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, literal, or_, select
from sqlalchemy.orm import Session

from city.access import Act
from city.staff import Staff
from reports import chronicle, history, messages, notices, work
from reports.desk import handling
from reports.history import EventKind
from reports.models import Author, Event, Membership, Message, Ticket
from reports.status import Status
from reports.work import Move


def ask(session: Session, staff: Staff, ticket_id: int, text: str, now: datetime) -> Message:
    """Ask the ticket's reporters; what was not waiting yet waits from now on.

    Raise NotAllowed, TicketMerged, TransitionRefused or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.CHANGE_STATUS, ticket_id)
    if ticket.status != Status.WAITING:
        work.move(session, ticket, Move(Status.WAITING, staff.person_id, told=False), now)
    message = messages.by_city(ticket, staff.person_id, now, body=text)
    event = history.append(
        session,
        ticket,
        EventKind.QUESTION,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        message=message,
        data={"to": ticket.status},
    )
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
    return message


def awaits(session: Session, ticket: Ticket, report_id: int) -> bool:
    """Tell whether the ticket waits for an answer that the report's reporter was asked for.

    Asked were those whose reports were in the ticket then. One answer is enough; and whoever hands
    the work to somebody else waits for them, and no longer for an answer.
    """
    if ticket.status != Status.WAITING:
        return False
    question = session.scalar(
        select(Event)
        .where(chronicle.of_wait(ticket), Event.kind == EventKind.QUESTION.value)
        .order_by(Event.at.desc(), Event.seq.desc())
        .limit(1)
    )
    if question is None:
        return False
    asked = session.scalars(
        select(Membership.report_id).where(
            Membership.ticket_id == question.ticket_id, chronicle.meanwhile(literal(question.at))
        )
    ).all()
    later = (Event.ticket_id != question.ticket_id) | (Event.seq > question.seq)
    settled = exists().where(
        chronicle.of_wait(ticket),
        later,
        or_(
            Event.kind == EventKind.THIRD_PARTY.value,
            (Event.kind == EventKind.MESSAGE.value) & Event.report_id.in_(asked),
        ),
    )
    return report_id in asked and not session.scalar(select(settled))


def go_on(session: Session, ticket: Ticket, report_id: int, now: datetime) -> None:
    """Let the work on a held ticket go on, since a reporter has answered."""
    step = Move(Status.IN_PROGRESS, person_id=None, report_id=report_id, told=False)
    work.move(session, ticket, step, now)
