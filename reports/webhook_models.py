"""Webhooks: to whom a city tells what happens to its tickets, and what became of the telling."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base, one_of, within_jurisdiction


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class DisabledReason(StrEnum):
    """Why nothing is sent to a webhook until somebody enables it again."""

    ADMINISTRATOR = "administrator"
    GONE = "gone"
    FAILING = "failing"


class Webhook(Base):
    """Another system's address, what it is told of, and what proves that we tell it.

    The secrets are kept as they are, since every message is signed with them. `old_secret` signs
    beside the new one until `old_secret_until`. After `failures` in a row nothing is tried before
    `paused_until`.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        within_jurisdiction("team_id", "teams"),
        one_of("disabled_reason", DisabledReason),
        CheckConstraint("(disabled_at IS NULL) = (disabled_reason IS NULL)", name="disabled"),
        CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    url: Mapped[str]
    event_kinds: Mapped[list[str]]
    team_id: Mapped[int | None] = mapped_column(BigInteger)
    description: Mapped[str | None]
    secret: Mapped[str]
    old_secret: Mapped[str | None]
    old_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    failures: Mapped[int]
    paused_until: Mapped[datetime | None]


class WebhookDelivery(Base):
    """One event that a webhook is told, or a test without one; a trigger writes it with the event.

    It names the event alone: what is sent is read when it is sent. `attempt` counts all attempts,
    `attempts_before` those from before it was last asked for anew.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        within_jurisdiction("webhook_id", "webhooks"),
        ForeignKeyConstraint(["ticket_id", "seq"], ["events.ticket_id", "events.seq"]),
        one_of("status", DeliveryStatus),
        CheckConstraint("(ticket_id IS NULL) = (seq IS NULL)", name="event"),
        Index("ix_webhook_deliveries_log", "webhook_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_pending",
            *("webhook_id", "due_at", "id"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    webhook_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    seq: Mapped[int | None]
    kind: Mapped[str]
    message_id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    attempt: Mapped[int]
    attempts_before: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    response_status: Mapped[int | None]
    duration_ms: Mapped[int | None]
    error: Mapped[str | None]
