"""Schemas of accounts: passwords and the second factor."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import MAX_LINE
from api.schemas.city import MAX_PASSWORD
from api.schemas.common import Schema
from city.parts import MIN_PASSWORD


class ResetSchema(Schema):
    """Who asks for a new password."""

    email = fields.String(required=True, validate=validate.Length(min=1, max=MAX_LINE))


class NewPasswordSchema(Schema):
    """The token of a link, and the password that is chosen."""

    token = fields.String(required=True, validate=validate.Length(max=MAX_LINE))
    password = fields.String(
        required=True, validate=validate.Length(min=MIN_PASSWORD, max=MAX_PASSWORD)
    )


class PasswordSchema(Schema):
    """The password of who is logged in, since others might sit before an open session."""

    password = fields.String(required=True, validate=validate.Length(max=MAX_PASSWORD))


class EnrolmentSchema(Schema):
    """What an authenticator is given; `uri` is the same for a QR code."""

    secret = fields.String(required=True)
    uri = fields.String(required=True)


class CodeSchema(Schema):
    """A code that the authenticator shows."""

    code = fields.String(required=True, validate=validate.Length(max=20))


class RecoveryCodesSchema(Schema):
    """Codes for when the device is lost; each works once, and they are told this once."""

    recovery_codes = fields.List(fields.String(), required=True)
