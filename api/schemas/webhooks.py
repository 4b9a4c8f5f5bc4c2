"""Schemas of webhooks, and of the log of what they were sent."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import CursorField, Flag, Line, Moment, QueryWhole
from api.schemas.common import DEFAULT_LIMIT, MAX_LIMIT, Schema
from api.schemas.setup import SettingSchema, SettingsSchema
from reports.webhook_models import DeliveryStatus, DisabledReason
from reports.webhooks.kinds import KINDS, PING_TYPE

MAX_URL = 2_000
EVENT = validate.OneOf(sorted(KINDS))


class WebhookSchema(SettingSchema):
    """An address that is told what happens to tickets, of one team alone where one is named.

    What is `disabled` is told nothing until somebody enables it again.
    """

    id = fields.Integer(dump_only=True, required=True)
    url = fields.String(required=True, validate=validate.Length(min=1, max=MAX_URL))
    events = fields.List(
        fields.String(validate=EVENT),
        required=True,
        validate=validate.Length(min=1, max=len(KINDS)),
    )
    team = fields.String(load_default=None, allow_none=True)
    description = Line(load_default=None, allow_none=True)
    disabled = Flag(load_default=None)
    disabled_at = Moment(dump_only=True, required=True, allow_none=True)
    disabled_reason = fields.String(
        dump_only=True,
        required=True,
        allow_none=True,
        validate=validate.OneOf([reason.value for reason in DisabledReason]),
        metadata={
            "description": "`gone`: it answered 410. `failing`: it failed many times in a row."
        },
    )
    failures = fields.Integer(
        dump_only=True, required=True, metadata={"description": "How often it failed in a row"}
    )
    old_secret_until = Moment(
        dump_only=True,
        required=True,
        allow_none=True,
        metadata={"description": "Until when the secret before signs beside the new one"},
    )
    created_at = Moment(dump_only=True, required=True)


class WebhookSecretSchema(WebhookSchema):
    """A webhook with its new secret, which is told this once."""

    secret = fields.String(dump_only=True, required=True)


class WebhooksSchema(SettingsSchema):
    """The city's webhooks."""

    items = fields.List(fields.Nested(WebhookSchema), required=True)


class LogQuerySchema(Schema):
    """Which page of the log."""

    limit = QueryWhole(load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT))
    cursor = CursorField(load_default=None)


class DeliverySchema(Schema):
    """A message to a webhook, and how the last attempt at it ended."""

    id = fields.Integer(required=True)
    message = fields.String(
        required=True, metadata={"description": "The `webhook-id`, the same at every attempt"}
    )
    type = fields.String(required=True, validate=validate.OneOf([*sorted(KINDS), PING_TYPE]))
    ticket = fields.String(required=True, allow_none=True)
    status = fields.String(
        required=True, validate=validate.OneOf([status.value for status in DeliveryStatus])
    )
    attempts = fields.Integer(required=True)
    created_at = Moment(required=True)
    due_at = Moment(required=True)
    sent_at = Moment(required=True, allow_none=True)
    response_status = fields.Integer(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)


class DeliveryLogSchema(Schema):
    """A page of the log, the newest first."""

    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next = fields.String(required=True, allow_none=True)
