"""Schemas about photos of the work."""

from __future__ import annotations

from marshmallow import fields

from api.fields import Choice, Text
from api.schemas.common import Schema
from api.schemas.tickets import MAX_REASON
from reports.purposes import Purpose


class PurposeQuerySchema(Schema):
    """What the photo shows: the spot before the work or after it."""

    purpose = Choice(Purpose, required=True)


class ClearSchema(Schema):
    """Why the photo may stay, for colleagues."""

    reason = Text(longest=MAX_REASON, required=True)


class ClearedSchema(Schema):
    """A photo about which nothing is odd any more."""

    id = fields.String(required=True, attribute="public_id")
