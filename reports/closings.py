"""Closings, as reporters see them: who was asked whether it is solved, and what they answered.

A closing is known by its moment. Who parts from a closed ticket takes its closing along, so nobody
is ever asked twice about the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Identity,
    Index,
    Select,
    UniqueConstraint,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from city.models import Jurisdiction, Kind
from infra.database import Base, within_jurisdiction
from reports.history import WITHDRAWN, EventKind
from reports.models import Contact, Event, Membership, Message, Report, Ticket, Visibility
from reports.status import CLOSED, Status

_CLOSED = [status.value for status in CLOSED]


class Feedback(Base):
    """What a reporter says of a closing: `satisfied` is None as long as they have said nothing.

    `asked_at` is None where no mail could ask. Category, team and district are the ticket's when it
    was closed. The reporter's words stand among the messages.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("category_id", "categories"),
        within_jurisdiction("team_id", "teams"),
        within_jurisdiction("district_id", "districts"),
        within_jurisdiction("message_id", "messages"),
        UniqueConstraint("report_id", "closed_at"),
        CheckConstraint("(satisfied IS NULL) = (answered_at IS NULL)", name="answered"),
        Index("ix_feedback_closed_at", "jurisdiction_id", "closed_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[datetime]
    category_id: Mapped[int] = mapped_column(BigInteger)
    team_id: Mapped[int] = mapped_column(BigInteger)
    district_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime | None]
    satisfied: Mapped[bool | None]
    answered_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class Standing:
    """The last closing of a report's ticket, None where there is none to speak of.

    It may be spoken of until `until`. `open` says that the work has gone on since, `satisfied`
    what the reporter has answered so far.
    """

    closed_at: datetime | None
    until: datetime | None
    open: bool
    satisfied: bool | None

    @classmethod
    def of(cls, row: Any) -> Standing:
        """Return what a row of a query that went through `beside` says."""
        closed_at: datetime | None = row.closing
        last = until(closed_at, row.feedback_days) if closed_at else None
        return cls(closed_at, last, Status(row.status) not in CLOSED, row.satisfied)

    def takes_answer(self, now: datetime) -> bool:
        """Tell whether the reporter may say now whether it is solved.

        Who has said that it is not has had their way, once the work goes on.
        """
        in_time = self.until is not None and now <= self.until
        return in_time and not (self.open and self.satisfied is False)

    def is_over(self, now: datetime) -> bool:
        """Tell whether it is closed, and too late to say anything about that."""
        return not self.open and self.until is not None and now > self.until


def until(closed_at: datetime, days: int) -> datetime:
    """Return how long a closing may be spoken of in a city that gives so many days."""
    return closed_at + timedelta(days=days)


def _last_lived_through() -> ColumnElement[datetime | None]:
    """Return the last closing that happened while the report was in the ticket."""
    stay = aliased(Membership)
    return (
        select(
            case((Event.data["code"].as_string() == WITHDRAWN, null()), else_=Event.at).label("at")
        )
        .join(stay, stay.ticket_id == Event.ticket_id)
        .where(
            stay.report_id == Membership.report_id,
            Event.kind == EventKind.STATUS.value,
            Event.data["to"].as_string().in_(_CLOSED),
            Event.at >= stay.joined_at,
            or_(stay.left_at.is_(None), Event.at <= stay.left_at),
        )
        .order_by(Event.at.desc(), Event.seq.desc())
        .limit(1)
        .correlate(Membership)
        .scalar_subquery()
    )


_CLOSING = case(
    (or_(Ticket.kind == Kind.COMPLIMENT.value, Ticket.withdrawn), null()),
    else_=func.coalesce(Ticket.closed_at, _last_lived_through()),
)


def beside(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return a query of current memberships and their tickets with what `Standing` is made of."""
    return (
        query.add_columns(_CLOSING.label("closing"), Jurisdiction.feedback_days, Feedback.satisfied)
        .join(Jurisdiction, Jurisdiction.id == Ticket.jurisdiction_id)
        .outerjoin(
            Feedback,
            (Feedback.report_id == Membership.report_id) & (Feedback.closed_at == _CLOSING),
        )
    )


_STANDING = beside(
    select(Ticket.status)
    .select_from(Membership)
    .join(Ticket, Ticket.id == Membership.ticket_id)
    .where(Membership.report_id == bindparam("report_id"), Membership.left_at.is_(None))
)


def standing(session: Session, report_id: int) -> Standing:
    """Return where the report stands with its last closing."""
    return Standing.of(session.execute(_STANDING, {"report_id": report_id}).one())


def was_declined(session: Session, report: Report, ticket: Ticket, last: Standing) -> bool:
    """Tell whether the last closing of the report's ticket was one without work by the city."""
    if not last.open:
        return ticket.status == Status.DECLINED.value
    to = session.scalar(
        select(Event.data["to"].as_string())
        .join(Membership, Membership.ticket_id == Event.ticket_id)
        .where(
            Membership.report_id == report.id,
            Event.kind == EventKind.STATUS.value,
            Event.at == last.closed_at,
            Event.data["to"].as_string().in_(_CLOSED),
        )
        .limit(1)
    )
    return to == Status.DECLINED.value


def find(session: Session, report_id: int, closed_at: datetime) -> Feedback | None:
    """Return what there is of a report and a closing."""
    return session.scalar(
        select(Feedback).where(Feedback.report_id == report_id, Feedback.closed_at == closed_at)
    )


def ask(session: Session, ticket: Ticket) -> None:
    """Have every reporter of a held ticket that was just closed asked, if a mail can reach them.

    What nobody can be asked about are compliments, and what they have withdrawn themselves.
    """
    if ticket.withdrawn or ticket.kind == Kind.COMPLIMENT.value:
        return
    columns = Feedback.__table__.c
    same = {
        "jurisdiction_id": ticket.jurisdiction_id,
        "ticket_id": ticket.id,
        "closed_at": ticket.closed_at,
        "category_id": ticket.category_id,
        "team_id": ticket.team_id,
        "district_id": ticket.district_id,
    }
    reached = Contact.email.is_not(None) & (Report.visibility == Visibility.SHOWN.value)
    closed_at = literal(ticket.closed_at, columns.closed_at.type)
    members = (
        select(
            Membership.report_id,
            case((reached, closed_at)).label("asked_at"),
            *(literal(value, columns[name].type) for name, value in same.items()),
        )
        .join(Report, Report.id == Membership.report_id)
        .outerjoin(Contact, Contact.report_id == Membership.report_id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
    )
    session.execute(
        insert(Feedback)
        .from_select(["report_id", "asked_at", *same], members)
        .on_conflict_do_nothing()
    )


def is_asked(session: Session, report_id: int, event: Event) -> bool:
    """Tell whether the mail about an event asks: the closing still stands, and has no answer.

    Of a closing tell its own event, and that a report was moved into what was closed before.
    """
    closes = event.kind == EventKind.STATUS.value
    if not closes and event.kind != EventKind.MOVED_IN.value:
        return False
    if event.data["to"] not in _CLOSED:
        return False
    found = session.scalar(
        select(Feedback.id)
        .join(Membership, Membership.report_id == Feedback.report_id)
        .join(Ticket, Ticket.id == Membership.ticket_id)
        .where(
            Feedback.report_id == report_id,
            Feedback.closed_at == Ticket.closed_at,
            Feedback.asked_at.is_not(None),
            Feedback.satisfied.is_(None),
            Membership.left_at.is_(None),
            Ticket.closed_at == event.at if closes else true(),
        )
    )
    return found is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reporter answered, as staff read it; the words are None once they are forgotten."""

    report: str
    satisfied: bool
    comment: str | None
    at: datetime
    closed_at: datetime


def answers(session: Session, ticket_id: int) -> list[Answer]:
    """Return what the reporters in the ticket answered, of all closings, oldest first."""
    rows = session.execute(
        select(
            Report.reference,
            Feedback.satisfied,
            Message.body,
            Feedback.answered_at,
            Feedback.closed_at,
        )
        .join(Membership, Membership.report_id == Feedback.report_id)
        .join(Report, Report.id == Feedback.report_id)
        .outerjoin(Message, Message.id == Feedback.message_id)
        .where(
            Membership.ticket_id == ticket_id,
            Membership.left_at.is_(None),
            Feedback.satisfied.is_not(None),
        )
        .order_by(Feedback.answered_at, Feedback.id)
    )
    return [
        Answer(reference, bool(satisfied), comment, at, closed_at)
        for reference, satisfied, comment, at, closed_at in rows
        if at is not None
    ]


def of_report(session: Session, report_id: int) -> Sequence[Feedback]:
    """Return what the report's reporter was asked and answered, oldest first."""
    query = select(Feedback).where(Feedback.report_id == report_id)
    return session.scalars(query.order_by(Feedback.closed_at)).all()
