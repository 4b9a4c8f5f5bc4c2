"""Schemas about whether the service works."""

from __future__ import annotations

from marshmallow import fields

from api.schemas.common import Schema


class AliveSchema(Schema):
    """That the process lives."""

    status = fields.String(required=True)


class ReadySchema(AliveSchema):
    """How the parts are: `ok`, or the name of the error that asking them led to."""

    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
