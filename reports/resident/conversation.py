"""What the reporter does after reporting: write, withdraw, take their contact details back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from reports import chronicle, history, messages, notices, work
from reports.desk import joining, questions, third_parties
from reports.history import EventKind
from reports.models import Author, Contact, Membership, Message, Report
from reports.status import Status
from reports.work import Move


def write_message(session: Session, report: Report, text: str, now: datetime) -> Message:
    """Add the reporter's words to the ticket and tell the team; an answer lets its work go on.

    What a third party has stays with them.
    """
    ticket = work.lock_as_reporter(session, report)
    awaited = questions.awaits(session, ticket, report.id)
    message = messages.by_reporter(ticket, report.id, text, now)
    event = history.append(
        session,
        ticket,
        EventKind.MESSAGE,
        now,
        author=Author.RESIDENT,
        report_id=report.id,
        message=message,
    )
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
    if awaited and not third_parties.has(session, ticket):
        questions.go_on(session, ticket, report.id, now)
    return message


def messages_of(session: Session, report_id: int) -> list[Message]:
    """Return what the reporter wrote and what the city told them, oldest first.

    Of each ticket that the report was in, that is what the city wrote in the meantime. What others
    wrote who reported the same thing is not among it.
    """
    told = exists().where(
        Membership.report_id == report_id,
        Membership.ticket_id == Message.ticket_id,
        chronicle.meanwhile(Message.created_at),
    )
    from_city = Message.report_id.is_(None) & told
    return list(
        session.scalars(
            select(Message)
            .where(or_(Message.report_id == report_id, from_city), Message.body.is_not(None))
            .order_by(Message.id)
        )
    )


def withdraw(session: Session, report: Report, now: datetime) -> None:
    """Close the report's ticket as withdrawn; a second time changes nothing.

    Where other residents' reports stand on the same ticket, theirs goes on and this report gets a
    ticket of its own. Raise TransitionRefused when the city has closed it already.
    """
    ticket = work.lock_as_reporter(session, report)
    if ticket.withdrawn:
        return
    if work.report_ids(session, ticket) != [report.id]:
        ticket = joining.part(session, ticket, [report.id], joining.Step(now))
    step = Move(to=Status.DECLINED, person_id=None, report_id=report.id)
    work.move(session, ticket, step, now)


def remove_contact(session: Session, report: Report, now: datetime) -> None:
    """Forget how to reach the reporter; what is still owed to them is dropped when it is due."""
    ticket = work.lock_as_reporter(session, report)
    removed = session.scalar(
        delete(Contact).where(Contact.report_id == report.id).returning(Contact.report_id)
    )
    if removed is None:
        return
    history.append(
        session,
        ticket,
        EventKind.CONTACT_REMOVED,
        now,
        author=Author.RESIDENT,
        report_id=report.id,
    )
