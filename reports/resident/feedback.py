"""What a reporter says once the work is closed: solved, or not, and then it is open again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from city.models import Category
from geo.coordinates import Position
from reports import closings, history, messages, notices, work
from reports.closings import Feedback
from reports.history import NOT_SOLVED, EventKind
from reports.models import Author, Message, Report, Ticket
from reports.status import CLOSED, Status
from reports.work import Move


@dataclass(frozen=True, slots=True)
class Again:
    """What a new report about the same thing says; the category is None once it is retired."""

    kind: str
    category: str | None
    location: Position
    address: str | None


class NothingToAnswer(Exception):
    """The work is not closed, or its closing is none that anybody is asked about."""


class FeedbackTooLate(Exception):
    """The closing is too long ago; `again` is what a new report would say."""

    def __init__(self, again: Again) -> None:
        super().__init__("too late")
        self.again = again


def give(
    session: Session, report: Report, *, satisfied: bool, comment: str | None, now: datetime
) -> Feedback:
    """Keep whether the reporter is satisfied; where they are not, the ticket is open again.

    The same answer once more changes nothing. Another one takes the place of the first, as long as
    a "no" has not led to work. Raise NothingToAnswer, FeedbackTooLate or ReportAnonymised.
    """
    ticket = work.lock_as_reporter(session, report)
    standing = closings.standing(session, report.id)
    if standing.closed_at is None:
        raise NothingToAnswer
    said = closings.find(session, report.id, standing.closed_at)
    if said is not None and said.satisfied is satisfied and _adds_nothing(session, said, comment):
        return said
    if standing.is_over(now):
        raise FeedbackTooLate(again(session, report, ticket))
    if not standing.takes_answer(now):
        raise NothingToAnswer
    said = said or _about(session, ticket, report, standing.closed_at)
    message = _tell(session, ticket, report, satisfied, comment, now)
    said.satisfied, said.answered_at = satisfied, now
    said.message_id = message.id if message else None
    session.flush()
    if not satisfied and Status(ticket.status) in CLOSED:
        step = Move(Status.REOPENED, person_id=None, report_id=report.id, code=NOT_SOLVED)
        work.move(session, ticket, step, now)
    return said


def again(session: Session, report: Report, ticket: Ticket) -> Again:
    """Return what a new report about the same thing says."""
    category = session.get_one(Category, ticket.category_id)
    code = category.code if category.retired_at is None else None
    return Again(report.kind, code, report.location, report.address)


def _adds_nothing(session: Session, said: Feedback, comment: str | None) -> bool:
    if comment is None or said.message_id is None:
        return comment is None
    return session.get_one(Message, said.message_id).body == comment


def _about(session: Session, ticket: Ticket, report: Report, closed_at: datetime) -> Feedback:
    """Write a row for somebody whose report came to the ticket after it was closed."""
    said = Feedback(
        jurisdiction_id=ticket.jurisdiction_id,
        report_id=report.id,
        ticket_id=ticket.id,
        closed_at=closed_at,
        category_id=ticket.category_id,
        team_id=ticket.team_id,
        district_id=ticket.district_id,
    )
    session.add(said)
    return said


def _tell(
    session: Session,
    ticket: Ticket,
    report: Report,
    satisfied: bool,
    comment: str | None,
    now: datetime,
) -> Message | None:
    """Write the answer into the history, and owe the team what it has to know of it."""
    message = comment and messages.by_reporter(ticket, report.id, comment, now)
    event = history.append(
        session,
        ticket,
        EventKind.FEEDBACK,
        now,
        author=Author.RESIDENT,
        report_id=report.id,
        message=message or None,
        data={"satisfied": satisfied},
    )
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
    return message or None
