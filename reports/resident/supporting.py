"""Saying "me too" to a ticket that everybody may see."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from city.models import Category
from reports.desk.handling import UnknownTicket
from reports.models import Membership, Report, Ticket, Visibility
from reports.references import MalformedReference, normalise
from reports.resident import reading
from reports.resident.supports import Support

DIGEST_BITS = 20
"""Of four thousand million addresses, some four thousand have the same digest."""


class TicketClosed(Exception):
    """The work is finished, so nobody can join in asking for it."""


class Supported(NamedTuple):
    """The ticket that now has the support, how many it has, and whether this one is new."""

    ticket: str
    supports: int
    new: bool


def support(
    session: Session, reference: str, address: str, secret_key: str, now: datetime
) -> Supported:
    """Count one more who says the same, once a day for an address; nothing is committed.

    Raise UnknownTicket, where the public cannot see the ticket either, or TicketClosed.
    """
    report, ticket = find(session, reference)
    if ticket.closed_at is not None:
        raise TicketClosed
    written = session.execute(
        insert(Support)
        .values(
            jurisdiction_id=report.jurisdiction_id,
            report_id=report.id,
            digest=_digest(secret_key, report.id, address, now),
        )
        .on_conflict_do_nothing()
        .returning(Support.digest)
    ).first()
    supports = reading.supports_of(session, ticket)
    return Supported(ticket.reference, supports, written is not None)


def find(session: Session, reference: str) -> tuple[Report, Ticket]:
    """Return the first report of the ticket that the public sees, and the ticket it is in now.

    Raise UnknownTicket.
    """
    try:
        wanted = normalise(reference)
    except MalformedReference as error:
        raise UnknownTicket(reference) from error
    ticket = session.scalar(select(Ticket).where(Ticket.reference == wanted))
    while ticket is not None and ticket.merged_into_id is not None:
        ticket = session.get_one(Ticket, ticket.merged_into_id)
    report = _first_public(session, ticket) if ticket is not None else None
    if ticket is None or report is None:
        raise UnknownTicket(reference)
    return report, ticket


def _first_public(session: Session, ticket: Ticket) -> Report | None:
    """Return the first of the ticket's reports that everybody may see."""
    filed = aliased(Category)
    return session.scalar(
        select(Report)
        .join(Membership, (Membership.report_id == Report.id) & Membership.left_at.is_(None))
        .join(filed, filed.id == Report.category_id)
        .join(Category, Category.id == ticket.category_id)
        .where(
            Membership.ticket_id == ticket.id,
            Category.public,
            filed.public,
            Report.visibility == Visibility.SHOWN.value,
        )
        .order_by(Membership.joined_at, Membership.id)
        .limit(1)
    )


def _digest(secret_key: str, report_id: int, address: str, now: datetime) -> int:
    """Return what tells apart who supports a report on a day."""
    day = now.astimezone(UTC).date().isoformat()
    text = f"support\0{report_id}\0{day}\0{address}"
    whole = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).digest()
    return int.from_bytes(whole[:4], "big") >> (32 - DIGEST_BITS)
