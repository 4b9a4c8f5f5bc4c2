"""The work on a ticket: its status changes here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session, aliased

from infra.rows import New
from reports import history, notices, status
from reports.history import WITHDRAWN, EventKind
from reports.models import Author, Membership, Message, Report, Ticket
from reports.status import CLOSED, Status

_before = aliased(Ticket)

LOCKED: Select[*tuple[Any, ...]] = (
    select(
        Ticket,
        Report.anonymised_at,
        select(_before.version)
        .where(_before.id == Ticket.id)
        .scalar_subquery()
        .label("version_before"),
    )
    .join(Membership, Membership.ticket_id == Ticket.id)
    .join(Report, Report.id == Membership.report_id)
    .where(Membership.report_id == bindparam("report_id"), Membership.left_at.is_(None))
    .with_for_update(key_share=True, of=Ticket)
    .execution_options(populate_existing=True)
)
"""The ticket that a report is in, locked, for `lock_and_read`."""


class ReportAnonymised(Exception):
    """Nothing ties the report to a person any more, so nobody can act as its reporter."""


@dataclass(frozen=True, slots=True)
class Move:
    """A change of status: where to, by whom (None: the resident withdraws), and why."""

    to: Status
    person_id: int | None
    reason: str | None = None
    public_message: str | None = None
    report_id: int | None = None


def lock(session: Session, ticket_id: int) -> Ticket:
    """Return the ticket as it is now, held until the end of the transaction."""
    return session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def lock_as_reporter(session: Session, report: Report) -> Ticket:
    """Return the ticket that the report is in, held for what its reporter wants to do.

    Raise ReportAnonymised when nobody is its reporter any more.
    """
    ticket, _ = lock_and_read(session, report.id, LOCKED)
    return ticket


def lock_and_read(
    session: Session, report_id: int, query: Select[*tuple[Any, ...]], **values: Any
) -> tuple[Ticket, Row[*tuple[Any, ...]]]:
    """Return the ticket held as by `lock_as_reporter`, and what the query finds under the lock.

    The query is `LOCKED` with columns added, `values` are its further parameters.
    """
    ticket, row = _lock_of(session, query, {"report_id": report_id, **values})
    if row.anonymised_at is not None:
        raise ReportAnonymised
    return ticket, row


def lock_of(session: Session, report_id: int) -> Ticket:
    """Return the ticket that the report is in, held until the end of the transaction."""
    ticket, _ = _lock_of(session, LOCKED, {"report_id": report_id})
    return ticket


def _lock_of(
    session: Session, query: Select[*tuple[Any, ...]], values: dict[str, Any]
) -> tuple[Ticket, Row[*tuple[Any, ...]]]:
    while True:
        row = session.execute(query, values).one()
        ticket: Ticket = row.Ticket
        # Whoever held the lock before may have moved the report or added to it, which only the
        # next question sees. Whatever they did, it has given the ticket another version.
        if row.version_before == ticket.version:
            return ticket, row


def enter(session: Session, ticket: Ticket, report_id: int, now: datetime) -> None:
    """Put the report into the ticket."""
    session.add(membership(ticket, report_id, now).as_object())


def membership(ticket: Ticket, report_id: int, now: datetime) -> New[Membership]:
    """Return the row that puts the report into the ticket."""
    return New(
        Membership,
        {
            "jurisdiction_id": ticket.jurisdiction_id,
            "ticket_id": ticket.id,
            "report_id": report_id,
            "joined_at": now,
        },
    )


def move(session: Session, ticket: Ticket, step: Move, now: datetime) -> None:
    """Bring a locked ticket to another status, write it down and owe the notices.

    Raise TransitionRefused when the graph has no such step.
    """
    before = Status(ticket.status)
    status.check(before, step.to)
    message = _words(ticket, step, now)
    ticket.status = step.to.value
    ticket.closed_at = now if step.to in CLOSED else None
    ticket.withdrawn = step.person_id is None and step.to is Status.DECLINED
    event = history.append(
        session,
        ticket,
        EventKind.STATUS,
        now,
        author=Author.CITY if step.person_id else Author.RESIDENT,
        person_id=step.person_id,
        report_id=step.report_id,
        message=message,
        data={
            "from": before.value,
            "to": step.to.value,
            "kind": ticket.kind,
            "code": WITHDRAWN if ticket.withdrawn else None,
        },
    )
    ticket.public_message_id = message.id if message and message.body else None
    session.flush()
    notices.announce(session, event, ticket.team_id, now)


def _words(ticket: Ticket, step: Move, now: datetime) -> Message | None:
    if not step.reason and not step.public_message:
        return None
    return Message(
        jurisdiction_id=ticket.jurisdiction_id,
        ticket_id=ticket.id,
        person_id=step.person_id,
        author=Author.CITY.value,
        body=step.public_message or None,
        reason=step.reason,
        created_at=now,
    )
