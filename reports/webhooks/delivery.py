"""Delivering to webhooks: take what is due in hand, record what became of it, tell of both.

One message at a time is on its way to each webhook, and one that fails is left alone for a while
with all that it is owed. So a dead one costs little, and holds up nobody else.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from city import audit
from city.audit import AuditAct
from city.models import Actor
from reports import leases
from reports.leases import Lease
from reports.webhook_models import DeliveryStatus, DisabledReason, Webhook, WebhookDelivery

KIND = "webhook"
MAX_ATTEMPTS = 9
LONGEST_WAIT_S = 43_200
LONGEST_PAUSE_S = 3_600
DISABLED_AFTER = 30
KEPT_DAYS = 30
GONE = 410
# By how much more, at most, so that what failed together does not come back together.
_JITTER = 0.2
_chance = secrets.SystemRandom()


class Outcome(StrEnum):
    """What became of one attempt at a delivery."""

    SENT = "sent"
    PUT_OFF = "put_off"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an endpoint answered: `status` None where it did not, `error` None where all went well.

    `retry_after_s` is what it asked for.
    """

    status: int | None
    error: str | None
    duration_ms: int
    retry_after_s: int | None = None


def claim_due(
    session: Session, now: datetime, lease_s: int, at_most: int, busy: Collection[int] = ()
) -> list[Lease[WebhookDelivery]]:
    """Take in hand what is due, one delivery of each webhook; `busy` ones are passed over."""
    held = aliased(WebhookDelivery)
    in_hand = (
        select(held.id)
        .where(held.webhook_id == Webhook.id, held.status == leases.PENDING)
        .where(held.leased_until >= now)
        .exists()
    )
    first = (
        select(WebhookDelivery.id, WebhookDelivery.due_at)
        .where(
            WebhookDelivery.webhook_id == Webhook.id,
            leases.waiting(WebhookDelivery, now),
            WebhookDelivery.due_at <= now,
        )
        .order_by(WebhookDelivery.due_at, WebhookDelivery.id)
        .limit(1)
        .lateral()
    )
    due = session.scalars(
        select(first.c.id)
        .select_from(Webhook)
        .join(first, true())
        .where(_may_be_told(now), ~in_hand, Webhook.id.not_in(busy))
        .order_by(first.c.due_at)
        .limit(at_most)
    ).all()
    taken = [leases.take(session, WebhookDelivery, id_, now, lease_s) for id_ in due]
    return [lease for lease in taken if lease is not None]


def _may_be_told(now: datetime) -> ColumnElement[bool]:
    return and_(
        Webhook.retired_at.is_(None),
        Webhook.disabled_at.is_(None),
        or_(Webhook.paused_until.is_(None), Webhook.paused_until <= now),
    )


def is_exhausted(lease: Lease[WebhookDelivery]) -> bool:
    """Tell whether too many attempts have ended, with an answer or without a word."""
    return _tries(lease) > MAX_ATTEMPTS


def record(
    session: Session, lease: Lease[WebhookDelivery], made: Attempt, retry_s: int, now: datetime
) -> Outcome | None:
    """Write down how an attempt ended; None where a later one has taken over."""
    hook = session.get_one(
        Webhook, lease.row.webhook_id, with_for_update={"key_share": True}, populate_existing=True
    )
    told: dict[str, Any] = {
        "response_status": made.status,
        "duration_ms": made.duration_ms,
        "error": made.error,
    }
    if made.error is None:
        if not leases.write(session, lease, status=DeliveryStatus.SENT.value, sent_at=now, **told):
            return None
        hook.failures, hook.paused_until = 0, None
        return Outcome.SENT
    final = made.status == GONE or _tries(lease) >= MAX_ATTEMPTS
    if final:
        told["status"] = DeliveryStatus.FAILED.value
    else:
        told["due_at"] = now + timedelta(seconds=_wait_s(lease, made, retry_s))
    if not leases.write(session, lease, **told):
        return None
    _note_failure(session, hook, made, retry_s, now)
    return Outcome.FAILED if final else Outcome.PUT_OFF


def _note_failure(
    session: Session, hook: Webhook, made: Attempt, retry_s: int, now: datetime
) -> None:
    """Leave the webhook alone for a while, longer each time, or for good."""
    hook.failures += 1
    wait_s = min(retry_s * 2 ** min(hook.failures - 1, 16), LONGEST_PAUSE_S)
    hook.paused_until = now + timedelta(seconds=wait_s)
    if made.status == GONE:
        _disable(session, hook, DisabledReason.GONE, now)
    elif hook.failures >= DISABLED_AFTER:
        _disable(session, hook, DisabledReason.FAILING, now)


def _disable(session: Session, hook: Webhook, reason: DisabledReason, now: datetime) -> None:
    if hook.disabled_at is not None:
        return
    hook.disabled_at, hook.disabled_reason = now, reason.value
    hook.version += 1
    audit.record(
        session,
        hook.jurisdiction_id,
        AuditAct.CHANGED,
        now,
        actor=Actor.WORKERS,
        thing_kind=KIND,
        thing_reference=str(hook.id),
        changes={"disabled": {"from": None, "to": reason.value}},
    )


def _wait_s(lease: Lease[WebhookDelivery], made: Attempt, retry_s: int) -> float:
    own_s: float = min(retry_s * 4 ** (_tries(lease) - 1), LONGEST_WAIT_S)
    own_s *= 1 + _JITTER * _chance.random()
    return max(own_s, min(made.retry_after_s or 0, LONGEST_WAIT_S))


def _tries(lease: Lease[WebhookDelivery]) -> int:
    return lease.attempt - lease.row.attempts_before


def signing(hook: Webhook, now: datetime) -> list[str]:
    """Return the secrets that sign for the webhook now, the newest first."""
    if hook.old_secret and hook.old_secret_until and now < hook.old_secret_until:
        return [hook.secret, hook.old_secret]
    return [hook.secret]


def drop_old(session: Session, now: datetime) -> None:
    """Forget deliveries that have had their time in the log, and secrets that sign no more."""
    session.execute(
        delete(WebhookDelivery).where(WebhookDelivery.created_at < now - timedelta(days=KEPT_DAYS))
    )
    session.execute(
        update(Webhook)
        .where(Webhook.old_secret_until < now)
        .values(old_secret=None, old_secret_until=None)
    )
