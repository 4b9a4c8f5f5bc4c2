"""Retention: so many months after a ticket's closing its reports are no longer tied to people.

A batch is one transaction. Whoever is killed leaves whole batches done and the rest as it was, and
several at once share the tickets, since each passes over what another holds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from city import audit
from city.audit import AuditAct
from city.models import Actor, Jurisdiction, KeptText
from reports import forgetting
from reports.models import Membership, Report, Ticket

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch ended: when its last ticket was closed, and its id."""

    closed_at: datetime
    ticket_id: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: how many of what, and where the next one begins; None after the last."""

    counts: Counter[str]
    next: Place | None


def cities(session: Session, code: str | None = None) -> list[Jurisdiction]:
    """Return the jurisdictions that have a retention, or the one with the code if it has."""
    query = select(Jurisdiction).where(Jurisdiction.retention_months.is_not(None))
    if code is not None:
        query = query.where(Jurisdiction.code == code)
    return list(session.scalars(query.order_by(Jurisdiction.code)))


def count_due(session: Session, city: Jurisdiction, now: datetime) -> int:
    """Return how many tickets retention has still to pass over."""
    return session.scalars(select(func.count(Ticket.id)).where(_is_due(session, city, now))).one()


def run_batch(
    session: Session,
    city: Jurisdiction,
    now: datetime,
    actor: Actor,
    after: Place | None = None,
) -> Batch:
    """Forget the reporters of up to AT_ONCE tickets, the first closed first; nothing is committed.

    Tickets that somebody else holds are left for another time.
    """
    tickets = _take(session, city, now, after)
    text = KeptText(city.retention_text)
    counts = Counter({"tickets": len(tickets)})
    for ticket in tickets:
        counts += _pass_over(session, ticket, text, now)
    if counts["tickets"]:
        audit.record(
            session,
            city.id,
            AuditAct.RETENTION,
            now,
            actor=actor,
            thing_kind="tickets",
            changes={"months": city.retention_months, "text": text.value, **counts},
        )
    session.flush()
    return Batch(counts, _last(tickets) if len(tickets) == AT_ONCE else None)


def _pass_over(session: Session, ticket: Ticket, text: KeptText, now: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    members = session.scalars(
        select(Report)
        .join(Membership, Membership.report_id == Report.id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
        .order_by(Report.id)
    ).all()
    for report in members:
        counts += forgetting.forget(session, ticket, report, text, now)
    if text is KeptText.BLANK:
        counts["texts"] += forgetting.blank_the_citys_words(session, ticket)
    ticket.retained_text = text.value
    return counts


def _take(session: Session, city: Jurisdiction, now: datetime, after: Place | None) -> list[Ticket]:
    query = select(Ticket).where(_is_due(session, city, now))
    if after is not None:
        place = tuple_(literal(after.closed_at), literal(after.ticket_id))
        query = query.where(tuple_(Ticket.closed_at, Ticket.id) > place)
    return list(
        session.scalars(
            query.order_by(Ticket.closed_at, Ticket.id)
            .limit(AT_ONCE)
            .with_for_update(key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )


def _is_due(session: Session, city: Jurisdiction, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a ticket was closed long ago and was not passed over since.

    One whose text was kept comes again once the city wants it blanked.
    """
    months_ago = literal(now, DateTime(timezone=True)) - func.make_interval(
        0, city.retention_months
    )
    left: ColumnElement[bool] = Ticket.retained_text.is_(None)
    if city.retention_text == KeptText.BLANK.value:
        left = or_(left, Ticket.retained_text == KeptText.KEEP.value)
    closed_before = session.scalar(select(months_ago))
    return (Ticket.jurisdiction_id == city.id) & left & (Ticket.closed_at <= closed_before)


def _last(tickets: list[Ticket]) -> Place | None:
    last = tickets[-1]
    return Place(last.closed_at, last.id) if last.closed_at else None
