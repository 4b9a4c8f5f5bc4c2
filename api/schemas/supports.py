"""Schemas about those who say "me too"."""

from __future__ import annotations

from marshmallow import fields

from api.fields import Email
from api.schemas.common import Schema


class SupportSchema(Schema):
    """The ticket that has the support, and how many others say the same of it."""

    ticket = fields.String(required=True)
    supports = fields.Integer(required=True)


class NewSubscriptionSchema(Schema):
    """Where the news is to go."""

    email = Email(required=True)


class SubscriptionSchema(Schema):
    """What was asked for; the rest is said by mail."""

    ticket = fields.String(required=True)
