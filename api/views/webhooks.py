"""Whom the city tells what happens to its tickets, for its administrators."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api import cursors, offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.webhooks import (
    DeliveryLogSchema,
    DeliverySchema,
    LogQuerySchema,
    WebhookSchema,
    WebhookSecretSchema,
    WebhooksSchema,
)
from api.services import commit, db, services
from city.access import Act
from city.administration import Administration, UnfitPart
from city.staff import Staff
from infra.notation import in_utc
from reports.webhook_models import Webhook
from reports.webhooks import endpoints
from reports.webhooks.endpoints import LogLine, Reachable, TooManyWebhooks, WebhookAsleep
from reports.webhooks.kinds import type_of

blueprint = resource("webhooks", "Other systems that are told what happens, for administrators.")

EXAMPLE = {
    "url": "https://gmao.example.org/vigie",
    "events": ["report.received", "ticket.routed", "ticket.status"],
    "team": "voirie",
    "description": "The roads' work orders",
}


@blueprint.route("/admin/webhooks")
@staff(Act.SET_UP)
@blueprint.response(200, WebhooksSchema)
def list_webhooks(staff: Staff) -> Response:
    """List the webhooks, retired ones too."""
    office = offices.of(staff)
    return offices.listed(_told(office, hook) for hook in endpoints.every(office))


@blueprint.route("/admin/webhooks", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, TooManyWebhooks)
@blueprint.arguments(WebhookSchema, example=EXAMPLE)
@blueprint.response(201, WebhookSecretSchema)
def add_webhook(body: dict[str, Any], staff: Staff) -> Response:
    """Add a webhook; the secret that signs what it is sent is told in this answer alone."""
    body.pop("retired")
    office = offices.of(staff)
    hook = endpoints.create(office, body, _reachable())
    commit()
    return offices.answer(_told(office, hook) | {"secret": hook.secret}, hook, 201)


@blueprint.route("/admin/webhooks/<int:key>")
@staff(Act.SET_UP)
@offices.found(endpoints.find)
@blueprint.response(200, WebhookSchema)
def get_webhook(row: Webhook, office: Administration) -> Response:
    """Read a webhook."""
    return offices.answer(_told(office, row), row)


@blueprint.route("/admin/webhooks/<int:key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(endpoints.find)
@offices.unchanged
@raises(UnfitPart, TooManyWebhooks)
@blueprint.arguments(WebhookSchema, example=EXAMPLE)
@blueprint.response(200, WebhookSchema)
def change_webhook(body: dict[str, Any], row: Webhook, office: Administration) -> Response:
    """Make a webhook what the body says; with `disabled` false it is tried again at once."""
    retired = body.pop("retired")
    endpoints.change(office, row, body, _reachable(), retired=retired)
    commit()
    return offices.answer(_told(office, row), row)


@blueprint.route("/admin/webhooks/<int:key>/secret", methods=["POST"])
@staff(Act.SET_UP)
@offices.found(endpoints.find)
@offices.unchanged
@blueprint.response(200, WebhookSecretSchema)
def rotate_secret(row: Webhook, office: Administration) -> Response:
    """Make a new secret, told in this answer alone; the old one signs too for a day."""
    endpoints.rotate(office, row)
    commit()
    return offices.answer(_told(office, row) | {"secret": row.secret}, row)


@blueprint.route("/admin/webhooks/<int:key>/test", methods=["POST"])
@staff(Act.SET_UP)
@offices.found(endpoints.find)
@raises(WebhookAsleep)
@blueprint.response(201, DeliverySchema)
def ping_webhook(row: Webhook, office: Administration) -> Response:
    """Send a `webhook.ping`; the log says what became of it."""
    line = endpoints.ping(office, row)
    commit()
    answer = jsonify(_line(line))
    answer.status_code = 201
    return answer


@blueprint.route("/admin/webhooks/<int:key>/deliveries")
@staff(Act.SET_UP)
@offices.found(endpoints.find)
@blueprint.arguments(LogQuerySchema, location="query")
@blueprint.response(200, DeliveryLogSchema)
def list_deliveries(query: dict[str, Any], row: Webhook, **_office: Any) -> Response:
    """List what the webhook was sent, and what it is owed, for 30 days."""
    page = endpoints.log(db(), row, query["limit"], query["cursor"])
    return jsonify(
        {"items": [_line(line) for line in page.items], "next": cursors.next_url(page.next)}
    )


@blueprint.route("/admin/webhooks/<int:key>/deliveries/<int:delivery>/replay", methods=["POST"])
@staff(Act.SET_UP)
@offices.found(endpoints.find)
@raises(WebhookAsleep)
@blueprint.response(200, DeliverySchema)
def replay_delivery(delivery: int, row: Webhook, office: Administration) -> Response:
    """Send a message again, under its own id and as things stand now."""
    line = endpoints.replay(office, row, delivery)
    commit()
    return jsonify(_line(line))


def _reachable() -> Reachable:
    settings = services().settings
    return Reachable(settings.webhook_networks, settings.webhook_ports)


def _told(office: Administration, hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "events": endpoints.events_of(hook),
        "team": endpoints.team_code(office, hook),
        "description": hook.description,
        "disabled": hook.disabled_at is not None,
        "disabled_at": in_utc(hook.disabled_at),
        "disabled_reason": hook.disabled_reason,
        "failures": hook.failures,
        "old_secret_until": in_utc(hook.old_secret_until),
        "created_at": in_utc(hook.created_at),
        "retired": hook.retired_at is not None,
        "etag": offices.etag(hook),
    }


def _line(line: LogLine) -> dict[str, Any]:
    delivery = line.delivery
    return {
        "id": delivery.id,
        "message": delivery.message_id,
        "type": type_of(delivery.kind),
        "ticket": line.ticket,
        "status": delivery.status,
        "attempts": delivery.attempt,
        "created_at": in_utc(delivery.created_at),
        "due_at": in_utc(delivery.due_at),
        "sent_at": in_utc(delivery.sent_at),
        "response_status": delivery.response_status,
        "duration_ms": delivery.duration_ms,
        "error": delivery.error,
    }
