"""Schemas of what is different about a ticket than before."""

from __future__ import annotations

from marshmallow import fields

from api.schemas.common import Schema


class FieldChangeSchema(Schema):
    """What an event changed about a ticket; of what is not kept, only that it changed."""

    class Meta:
        """`from` cannot be written as an attribute."""

        include = {  # noqa: RUF012 - marshmallow's own way
            "from": fields.Raw(allow_none=True),
        }

    field = fields.String(required=True)
    to = fields.Raw(allow_none=True)


class ChangeSchema(Schema):
    """One thing that is different now; `from` and `to` are as the ticket tells it."""

    class Meta:
        """`from` cannot be written as an attribute."""

        include = {  # noqa: RUF012 - marshmallow's own way
            "from": fields.Raw(required=True, allow_none=True),
        }

    field = fields.String(required=True)
    to = fields.Raw(required=True, allow_none=True)
    why = fields.String(required=True)
