"""Idempotency keys: a request repeated with its key gets the first answer again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    PrimaryKeyConstraint,
    delete,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from infra.database import Base, within_jurisdiction

KEPT_FOR = timedelta(days=14)


class IdempotencyKey(Base):
    """A key that a client gave with a request, and the report or message that came of it.

    `answer` is what a report's first answer said of its ticket, then and in that language. What the
    resident had given is read anew where it is kept, so that it is forgotten in one place.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        PrimaryKeyConstraint("route", "key"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("message_id", "messages"),
        CheckConstraint("num_nonnulls(report_id, message_id) = 1", name="result"),
    )

    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    route: Mapped[str]
    key: Mapped[str]
    body_hash: Mapped[bytes]
    report_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    message_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    # Not as JSONB, which would put the members into another order.
    answer: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(index=True)


class KeyReused(Exception):
    """The key came before with another body."""


class KeyInUse(Exception):
    """The first request with this key is still running."""


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key, the route it was given to, and a fingerprint of caller and body."""

    route: str
    text: str
    body_hash: bytes


def make_key(route: str, text: str, caller: str, body: object) -> Key:
    """Make a key; the order of the body's members does not matter."""
    canonical = json.dumps([caller, body], sort_keys=True, separators=(",", ":"))
    return Key(route, text, hashlib.sha256(canonical.encode()).digest())


def recall(session: Session, key: Key, now: datetime) -> IdempotencyKey | None:
    """Return what came of the key, or hold it until the end of the transaction.

    Raise KeyInUse while another transaction holds it, KeyReused when its body was another.
    """
    name = f"{key.route}\0{key.text}".encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise KeyInUse
    row = session.get(IdempotencyKey, (key.route, key.text))
    if row is None:
        return None
    if row.created_at < now - KEPT_FOR:
        session.delete(row)
        session.flush()
        return None
    if row.body_hash != key.body_hash:
        raise KeyReused
    return row


def remember(
    session: Session,
    key: Key,
    jurisdiction_id: int,
    now: datetime,
    *,
    report_id: int | None = None,
    message_id: int | None = None,
    answer: dict[str, object] | None = None,
) -> None:
    """Keep the key with what came of it: a report and what was answered, or a message."""
    session.add(
        IdempotencyKey(
            jurisdiction_id=jurisdiction_id,
            route=key.route,
            key=key.text,
            body_hash=key.body_hash,
            report_id=report_id,
            message_id=message_id,
            answer=answer,
            created_at=now,
        )
    )


def drop_expired(session: Session, now: datetime) -> None:
    """Forget the keys that are older than they are kept."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT_FOR))
