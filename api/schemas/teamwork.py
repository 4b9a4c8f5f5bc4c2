"""Schemas about what teams do with their tickets."""

from __future__ import annotations

from marshmallow import fields

from api.fields import Moment, Text
from api.schemas.common import Schema, ThingSchema
from api.schemas.tickets import MAX_REASON


class ReporterQuestionSchema(Schema):
    """A question to the reporters."""

    at = Moment(required=True, attribute="created_at")
    text = fields.String(required=True, attribute="body")


class HandBackSchema(Schema):
    """Why a ticket is not the team's."""

    reason = Text(longest=MAX_REASON, required=True)


class HandBackCountSchema(Schema):
    """How often a team gave back what a rule had sent it in a district."""

    rule = fields.String(
        required=True, allow_none=True, metadata={"description": "None where no rule had fitted"}
    )
    district = fields.Nested(ThingSchema, required=True, allow_none=True)
    team = fields.Nested(ThingSchema, required=True)
    count = fields.Integer(required=True)
    latest = Moment(required=True)


class HandBacksSchema(Schema):
    """What was handed back, the most frequent first."""

    items = fields.List(fields.Nested(HandBackCountSchema), required=True)
