"""Schemas about those who say "me too"."""

from __future__ import annotations

from marshmallow import fields

from api.schemas.common import Schema


class SupportSchema(Schema):
    """The ticket that has the support, and how many others say the same of it."""

    ticket = fields.String(required=True)
    supports = fields.Integer(required=True)
