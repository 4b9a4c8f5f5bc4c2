"""Webhooks as a city's administrators set them up, and the log of what they were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from city.administration import Administration, UnfitPart, UnknownSetting
from city.audit import AuditAct
from city.changes import assign, touch
from city.models import Team
from city.parts import UNKNOWN
from city.unfit import Unfit
from infra import outgoing, signatures
from infra.outgoing import Network, RequestRefused
from infra.words import mark
from reports.filters import Mark
from reports.models import Ticket
from reports.webhook_models import DeliveryStatus, DisabledReason, Webhook, WebhookDelivery
from reports.webhooks.delivery import KIND
from reports.webhooks.kinds import KINDS, PING, type_of

OVERLAP_HOURS = 24
MOST = 50
REFUSED = mark("this address cannot be asked from here: it has to be http or https, and public")
_TOLD_AS_CHANGED = ("url", "description", "retired_at")
_MAX_ID = 2**63 - 1


class TooManyWebhooks(Exception):
    """The city has as many webhooks in use as it may."""


class WebhookAsleep(Exception):
    """The webhook is disabled or retired, so nothing is sent to it."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """Where outsiders' addresses may lead, beside the public internet, and by which ports."""

    networks: Sequence[Network]
    ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A delivery, and the reference of the ticket that it tells of."""

    delivery: WebhookDelivery
    ticket: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of the log, and the mark after which there are more."""

    items: list[LogLine]
    next: Mark | None


def every(office: Administration) -> list[Webhook]:
    """Return the city's webhooks, retired ones too."""
    query = select(Webhook).where(Webhook.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Webhook.id)))


def find(office: Administration, id_: int) -> Webhook:
    """Return the city's webhook, or raise UnknownSetting."""
    query = select(Webhook).where(
        Webhook.jurisdiction_id == office.jurisdiction_id, Webhook.id == min(id_, _MAX_ID)
    )
    hook = office.session.scalar(query.execution_options(populate_existing=True))
    if hook is None:
        raise UnknownSetting
    return hook


def team_code(office: Administration, hook: Webhook) -> str | None:
    """Return the code of the team whose tickets alone it is told of, None where of all."""
    return office.session.get_one(Team, hook.team_id).code if hook.team_id else None


def events_of(hook: Webhook) -> list[str]:
    """Return the types of what it is told."""
    return sorted(type_of(kind) for kind in hook.event_kinds)


def create(office: Administration, body: Mapping[str, Any], reachable: Reachable) -> Webhook:
    """Add a webhook with a secret of its own, or raise UnfitPart or TooManyWebhooks."""
    _demand_room(office)
    wanted = _values(office, body, reachable)
    hook = Webhook(
        jurisdiction_id=office.jurisdiction_id,
        secret=signatures.new_secret(),
        created_at=office.now,
        failures=0,
        **wanted,
    )
    office.add(KIND, hook, None, _told(office, hook))
    return hook


def _demand_room(office: Administration) -> None:
    office.lock()
    in_use = [hook for hook in every(office) if hook.retired_at is None]
    if len(in_use) >= MOST:
        raise TooManyWebhooks


def change(
    office: Administration,
    hook: Webhook,
    body: Mapping[str, Any],
    reachable: Reachable,
    *,
    retired: bool | None,
) -> None:
    """Make the webhook what the body says, or raise UnfitPart or TooManyWebhooks.

    One that is enabled again, or led elsewhere, is tried at once.
    """
    if retired is False and hook.retired_at is not None:
        _demand_room(office)
    before = _told(office, hook)
    wanted = _values(office, body, reachable)
    if body["disabled"] in {None, hook.disabled_at is not None}:
        wanted["disabled_at"], wanted["disabled_reason"] = hook.disabled_at, hook.disabled_reason
    wanted["retired_at"] = office.retirement(hook, retired=retired)
    changed = assign(hook, wanted)
    if changed.keys() & {"url", "disabled_at"}:
        hook.failures, hook.paused_until = 0, None
    after = _told(office, hook)
    told = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    told |= {name: changed[name] for name in _TOLD_AS_CHANGED if name in changed}
    office.note_change(KIND, str(hook.id), told)


def rotate(office: Administration, hook: Webhook) -> None:
    """Give the webhook another secret; the one before goes on signing for a while."""
    hook.old_secret = hook.secret
    hook.old_secret_until = office.now + timedelta(hours=OVERLAP_HOURS)
    hook.secret = signatures.new_secret()
    touch(hook)
    office.note(AuditAct.ROTATED, KIND, str(hook.id), {})


def ping(office: Administration, hook: Webhook) -> LogLine:
    """Owe the webhook a message that tells of nothing, or raise WebhookAsleep."""
    _wake(hook)
    delivery = WebhookDelivery(
        jurisdiction_id=hook.jurisdiction_id,
        webhook_id=hook.id,
        kind=PING,
        message_id=f"msg_{uuid4().hex}",
        status=DeliveryStatus.PENDING.value,
        attempt=0,
        attempts_before=0,
        created_at=office.now,
        due_at=office.now,
    )
    office.session.add(delivery)
    office.session.flush()
    return LogLine(delivery, None)


def replay(office: Administration, hook: Webhook, delivery_id: int) -> LogLine:
    """Owe a delivery anew, under its own id and with all its attempts; one that waits is due now.

    Raise UnknownSetting, or WebhookAsleep.
    """
    query = select(WebhookDelivery).where(
        WebhookDelivery.webhook_id == hook.id, WebhookDelivery.id == min(delivery_id, _MAX_ID)
    )
    delivery = office.session.scalar(query.with_for_update())
    if delivery is None:
        raise UnknownSetting
    _wake(hook)
    if delivery.status != DeliveryStatus.PENDING.value:
        delivery.status = DeliveryStatus.PENDING.value
        delivery.attempts_before = delivery.attempt
        delivery.leased_until = None
        office.note(
            AuditAct.REPLAYED, KIND, str(hook.id), {"delivery": (None, delivery.message_id)}
        )
    delivery.due_at = office.now
    office.session.flush()
    if delivery.ticket_id is None:
        return LogLine(delivery, None)
    return LogLine(delivery, office.session.get_one(Ticket, delivery.ticket_id).reference)


def log(session: Session, hook: Webhook, limit: int, after: Mark | None) -> Page:
    """Return up to `limit` of what the webhook was sent or is owed, the newest first."""
    query = (
        select(WebhookDelivery, Ticket.reference)
        .outerjoin(Ticket, Ticket.id == WebhookDelivery.ticket_id)
        .where(WebhookDelivery.webhook_id == hook.id)
        .order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        place = tuple_(WebhookDelivery.created_at, WebhookDelivery.id)
        query = query.where(place < tuple_(after.created_at, after.id))
    lines = [LogLine(delivery, ticket) for delivery, ticket in session.execute(query)]
    if len(lines) <= limit:
        return Page(lines, None)
    last = lines[limit - 1].delivery
    return Page(lines[:limit], Mark(last.created_at, last.id))


def _wake(hook: Webhook) -> None:
    if hook.retired_at is not None or hook.disabled_at is not None:
        raise WebhookAsleep
    hook.paused_until = None


def _values(
    office: Administration, body: Mapping[str, Any], reachable: Reachable
) -> dict[str, Any]:
    """Return what the body says of a webhook's row."""
    try:
        outgoing.check(body["url"], allowed=reachable.networks, ports=reachable.ports)
    except RequestRefused as error:
        raise UnfitPart((("url",), Unfit(REFUSED))) from error
    disabled = body["disabled"]
    return {
        "url": body["url"],
        "event_kinds": sorted(KINDS[type_] for type_ in set(body["events"])),
        "team_id": _team_id(office, body["team"]),
        "description": body["description"],
        "disabled_at": office.now if disabled else None,
        "disabled_reason": DisabledReason.ADMINISTRATOR.value if disabled else None,
    }


def _team_id(office: Administration, code: str | None) -> int | None:
    if code is None:
        return None
    query = select(Team.id).where(
        Team.jurisdiction_id == office.jurisdiction_id,
        Team.code == code,
    )
    found = office.session.scalar(query)
    if found is None:
        raise UnfitPart((("team",), Unfit(UNKNOWN, what="team", code=code)))
    return found


def _told(office: Administration, hook: Webhook) -> dict[str, Any]:
    """Return what the audit is told; the rest of an address may hold somebody's secrets."""
    return {
        "host": urlsplit(hook.url).hostname,
        "events": events_of(hook),
        "team": team_code(office, hook),
        "disabled": hook.disabled_reason,
    }
