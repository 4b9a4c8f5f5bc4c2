"""Retention: so many months after a ticket's closing its reports are no longer tied to people.

A batch is one transaction. Whoever is killed leaves whole batches done and the rest as it was, and
several at once share the tickets, since each passes over what another holds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, func, literal, select, tuple_
from sqlalchemy.orm import Session

from city import audit
from city.audit import AuditAct
from city.models import Actor, Jurisdiction, KeptText
from reports import subscriptions
from reports.models import Membership, Report, Ticket
from reports.privacy import forgetting

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch ended: what retention had left of its last ticket, when that was closed."""

    left: KeptText | None
    closed_at: datetime
    ticket_id: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: how many of what, and where it ended, None where nothing was left."""

    counts: Counter[str]
    end: Place | None


def cities(session: Session, code: str | None = None) -> list[Jurisdiction]:
    """Return the jurisdictions that have a retention, or the one with the code if it has."""
    query = select(Jurisdiction).where(Jurisdiction.retention_months.is_not(None))
    if code is not None:
        query = query.where(Jurisdiction.code == code)
    return list(session.scalars(query.order_by(Jurisdiction.code)))


def count_due(session: Session, city: Jurisdiction, now: datetime) -> int:
    """Return how many tickets retention has still to pass over."""
    before = _closed_before(session, city, now)
    return sum(
        session.scalars(select(func.count(Ticket.id)).where(*_due(city, left, before))).one()
        for left in _left_before(city)
    )


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
    tickets, place = _take(session, city, now, after)
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
    return Batch(counts, place)


def _pass_over(session: Session, ticket: Ticket, text: KeptText, now: datetime) -> Counter[str]:
    # Before anything is written down, which would make the ticket look like one never passed over.
    counts = forgetting.remove_photos_of_work(session, ticket, text, now)
    members = session.scalars(
        select(Report)
        .join(Membership, Membership.report_id == Report.id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
        .order_by(Report.id)
    ).all()
    for report in members:
        counts += forgetting.forget(session, ticket, report, text, now)
        counts += Counter(contacts=subscriptions.end_of_report(session, report.id))
    if text is KeptText.BLANK:
        counts["texts"] += forgetting.blank_the_citys_words(session, ticket)
    ticket.retained_text = text.value
    return counts


def _take(
    session: Session, city: Jurisdiction, now: datetime, after: Place | None
) -> tuple[list[Ticket], Place | None]:
    """Take the next tickets in hand, and tell where they end."""
    before = _closed_before(session, city, now)
    states = _left_before(city)
    for left in states[states.index(after.left) if after else 0 :]:
        query = select(Ticket).where(*_due(city, left, before))
        if after is not None and after.left is left:
            place = tuple_(literal(after.closed_at), literal(after.ticket_id))
            query = query.where(tuple_(Ticket.closed_at, Ticket.id) > place)
        found = session.execute(
            query.add_columns(Ticket.closed_at)
            # The first is the same in all of them, and named for the sake of the index's order.
            .order_by(Ticket.retained_text, Ticket.closed_at, Ticket.id)
            .limit(AT_ONCE)
            .with_for_update(key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        if found:
            last, closed_at = found[-1]
            return [ticket for ticket, _ in found], Place(left, closed_at, last.id)
    return [], None


def _left_before(city: Jurisdiction) -> list[KeptText | None]:
    """Return what may be left of a ticket to be passed over, each to be looked for by itself.

    One whose text was kept comes again once the city wants it blanked.
    """
    blanking = city.retention_text == KeptText.BLANK.value
    return [None, KeptText.KEEP] if blanking else [None]


def _due(
    city: Jurisdiction, left: KeptText | None, closed_before: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        Ticket.jurisdiction_id == city.id,
        Ticket.retained_text == left.value if left else Ticket.retained_text.is_(None),
        Ticket.closed_at <= closed_before,
    )


def _closed_before(session: Session, city: Jurisdiction, now: datetime) -> datetime:
    months = func.make_interval(0, city.retention_months)
    return session.scalars(select(literal(now, DateTime(timezone=True)) - months)).one()
