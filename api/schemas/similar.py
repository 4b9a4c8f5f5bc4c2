"""Schemas about tickets that look alike."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import MAX_LINE, MAX_TEXT
from api.schemas.common import PhotoSchema, PointQuerySchema, Schema, ThingSchema


class SimilarQuerySchema(PointQuerySchema):
    """What somebody is about to report; the more is known, the better others can be compared."""

    category = fields.String(load_default=None, validate=validate.Length(max=MAX_LINE))
    description = fields.String(load_default=None, validate=validate.Length(max=MAX_TEXT))


class SimilarTicketSchema(Schema):
    """An open ticket that may be about the same thing."""

    ticket = fields.String(required=True)
    report = fields.String(required=True)
    category = fields.Nested(ThingSchema, required=True)
    distance_m = fields.Float(required=True)
    score = fields.Float(required=True, metadata={"description": "How alike they are, 0 to 1"})
    reasons = fields.List(
        fields.String(), required=True, metadata={"description": "What speaks for it, in words"}
    )
    photo = fields.Nested(PhotoSchema, required=True, allow_none=True)


class SimilarTicketsSchema(Schema):
    """Tickets that may be about the same thing, the likeliest first."""

    items = fields.List(fields.Nested(SimilarTicketSchema), required=True)
