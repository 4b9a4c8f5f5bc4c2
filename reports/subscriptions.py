"""Who wants the news of a report that is not theirs.

Addresses stand here and nowhere else. A subscription that has ended keeps no address, and is never
looked up again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, Signer
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from infra.database import Base, within_jurisdiction
from reports.models import Membership

UNCONFIRMED_FOR = timedelta(days=7)
"""How long an address is kept whose owner does not confirm that they want the news."""


class Subscription(Base):
    """Somebody's wish for the news of a report; it follows the report from ticket to ticket."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        within_jurisdiction("report_id", "reports"),
        Index("uq_subscriptions_email", "report_id", text("lower(email)"), unique=True),
        Index("ix_subscriptions_email", "jurisdiction_id", text("lower(email)")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    report_id: Mapped[int] = mapped_column(BigInteger)
    email: Mapped[str | None]
    locale: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


def token(secret_key: str, subscription_id: int) -> str:
    """Return what confirms and ends the subscription; whoever reads its mails holds it."""
    return _signer(secret_key).sign(str(subscription_id)).decode()


def find(session: Session, secret_key: str, given: str) -> Subscription | None:
    """Return the subscription that the token is for, unless it has ended."""
    try:
        id_ = int(_signer(secret_key).unsign(given))
    except (BadSignature, UnicodeError, ValueError):
        return None
    found = session.get(Subscription, id_, with_for_update=True)
    return found if found is not None and found.email is not None else None


def of_ticket(session: Session, ticket_id: int) -> list[Subscription]:
    """Return the confirmed subscriptions to what is in the ticket now, one for each address."""
    found = session.scalars(
        select(Subscription)
        .join(Membership, Membership.report_id == Subscription.report_id)
        .where(
            Membership.ticket_id == ticket_id,
            Membership.left_at.is_(None),
            Subscription.email.is_not(None),
            Subscription.confirmed_at.is_not(None),
        )
        .order_by(Subscription.id)
    ).all()
    by_address = {(one.email or "").lower(): one for one in reversed(found)}
    return sorted(by_address.values(), key=lambda one: one.id)


def end_of_report(session: Session, report_id: int) -> int:
    """Forget who wanted the news of a report, and return how many did."""
    return _end(session, Subscription.report_id == report_id)


def end_of_person(session: Session, jurisdiction_id: int, email: str) -> int:
    """Forget the address in the whole jurisdiction, and return how many subscriptions it had."""
    return _end(session, Subscription.jurisdiction_id == jurisdiction_id, _is(email))


def of_person(session: Session, jurisdiction_id: int, email: str) -> list[Subscription]:
    """Return the subscriptions of an address."""
    mine = (Subscription.jurisdiction_id == jurisdiction_id, _is(email))
    return list(session.scalars(select(Subscription).where(*mine).order_by(Subscription.id)))


def drop_expired(session: Session, now: datetime) -> None:
    """Forget the addresses whose owners did not confirm in time."""
    _end(
        session,
        Subscription.confirmed_at.is_(None),
        Subscription.created_at < now - UNCONFIRMED_FOR,
    )


def _is(email: str) -> ColumnElement[bool]:
    return func.lower(Subscription.email) == email.lower()


def _end(session: Session, *conditions: ColumnElement[bool]) -> int:
    result: Any = session.execute(
        update(Subscription)
        .where(Subscription.email.is_not(None), *conditions)
        .values(email=None)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def _signer(secret_key: str) -> Signer:
    return Signer(
        secret_key, salt="vigie.subscription", key_derivation="hmac", digest_method=hashlib.sha256
    )
