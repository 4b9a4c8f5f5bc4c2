"""Schemas of the keys that a city gives to clients."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import Choice, Flag, Line, Moment, Whole
from api.schemas.setup import SettingSchema, SettingsSchema
from city.keys import DEFAULT_PER_MINUTE, MOST_PER_MINUTE
from city.models import Channel
from reports.exchange.usage import LATELY


class KeySchema(SettingSchema):
    """A client's key, known by `id`; of the secret only the `prefix` is ever shown again."""

    id = fields.Integer(dump_only=True, required=True)
    name = Line(required=True)
    channel = Choice(Channel, required=True)
    per_minute = Whole(
        load_default=None,
        validate=validate.Range(min=1, max=MOST_PER_MINUTE),
        metadata={"description": f"How many reports a minute; {DEFAULT_PER_MINUTE} at first"},
    )
    moves_tickets = Flag(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Whether what it tells of any of the city's reports moves the work on;"
            " for systems that the city works with. It does not at first"
        },
    )
    prefix = fields.String(dump_only=True, required=True)
    created_at = Moment(dump_only=True, required=True)
    last_used_at = Moment(
        dump_only=True,
        required=True,
        allow_none=True,
        metadata={"description": "When it last handed something in, to within a minute"},
    )
    reports = fields.Integer(
        dump_only=True,
        required=True,
        metadata={"description": "How many reports it has handed in"},
    )
    reports_lately = fields.Integer(
        dump_only=True,
        required=True,
        metadata={"description": f"How many of them in the last {LATELY.days} days"},
    )


class KeyChangeSchema(KeySchema):
    """What a key is to be; its channel stays what it is."""

    channel = Choice(Channel)


class NewKeySchema(KeySchema):
    """A key that was added."""

    secret = fields.String(
        dump_only=True,
        required=True,
        metadata={
            "description": "What the client sends as `Authorization: Bearer`; told this once"
        },
    )


class KeysSchema(SettingsSchema):
    """The city's keys."""

    items = fields.List(fields.Nested(KeySchema), required=True)
