"""Schemas about doing the same to many tickets."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.fields import MAX_LINE
from api.schemas.common import ProblemSchema, Schema
from api.schemas.tickets import TicketChangeSchema, TransitionSchema
from infra.words import mark

MOST = 1_000
ONE_OF_BOTH = mark("Say either what is to be changed, or which transition is to be made.")


class BulkItemSchema(Schema):
    """A ticket, and the ETag with which it was read."""

    reference = fields.String(required=True, validate=validate.Length(max=MAX_LINE))
    etag = fields.String(load_default="", validate=validate.Length(max=MAX_LINE))


class BulkSchema(Schema):
    """The tickets, and what is done to each of them."""

    items = fields.List(
        fields.Nested(BulkItemSchema), required=True, validate=validate.Length(min=1, max=MOST)
    )
    change = fields.Nested(TicketChangeSchema)
    transition = fields.Nested(TransitionSchema)

    @ma.validates_schema
    def check_one(self, data: dict[str, Any], **_named: Any) -> None:
        """Refuse neither and both."""
        if len(data.keys() & {"change", "transition"}) != 1:
            raise ma.ValidationError(ONE_OF_BOTH, "change")


class BulkOutcomeSchema(Schema):
    """What became of one ticket, with the status that it would have had by itself."""

    reference = fields.String(required=True)
    status = fields.Integer(required=True)
    etag = fields.String()
    problem = fields.Nested(ProblemSchema)


class BulkOutcomesSchema(Schema):
    """What became of each ticket, in the order in which they were named."""

    items = fields.List(fields.Nested(BulkOutcomeSchema), required=True)
