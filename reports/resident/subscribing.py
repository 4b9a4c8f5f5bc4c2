"""Asking for the news of a ticket that everybody may see."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from reports import notices
from reports.models import Event
from reports.resident import supporting
from reports.resident.supporting import TicketClosed
from reports.subscriptions import Subscription

MOST_UNCONFIRMED = 3
"""How many questions lie unanswered in one mailbox, whoever has them sent there."""

ASKED_AGAIN_AFTER = timedelta(hours=1)


def subscribe(session: Session, reference: str, email: str, locale: str, now: datetime) -> None:
    """Owe the address a mail that asks to confirm, where it is due; nothing is committed.

    Whoever asks does not learn whether it is. Raise UnknownTicket or TicketClosed.
    """
    report, ticket = supporting.find(session, reference)
    if ticket.closed_at is not None:
        raise TicketClosed
    unconfirmed = session.scalars(
        select(Subscription.created_at).where(
            Subscription.jurisdiction_id == report.jurisdiction_id,
            func.lower(Subscription.email) == email.lower(),
            Subscription.confirmed_at.is_(None),
        )
    ).all()
    if len(unconfirmed) >= MOST_UNCONFIRMED:
        return
    written = insert(Subscription).values(
        jurisdiction_id=report.jurisdiction_id,
        report_id=report.id,
        email=email,
        locale=locale,
        created_at=now,
    )
    id_ = session.scalar(
        written.on_conflict_do_update(
            index_elements=[Subscription.report_id, func.lower(Subscription.email)],
            set_={"created_at": now},
            where=Subscription.confirmed_at.is_(None)
            & (Subscription.created_at <= now - ASKED_AGAIN_AFTER),
        ).returning(Subscription.id)
    )
    if id_ is not None:
        event = session.get_one(Event, (ticket.id, ticket.version))
        notices.ask_to_confirm(session, session.get_one(Subscription, id_), event, now)


def confirm(subscription: Subscription, now: datetime) -> None:
    """Have the news sent from now on."""
    subscription.confirmed_at = subscription.confirmed_at or now


def end(subscription: Subscription) -> None:
    """Send nothing any more, and forget the address."""
    subscription.email = None
