"""Schemas about what is hidden from the public."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import Text
from api.schemas.common import Schema
from api.schemas.tickets import MAX_REASON
from reports.models import Visibility

_VISIBILITY = validate.OneOf([visibility.value for visibility in Visibility])


class HideSchema(Schema):
    """Why something is hidden, for colleagues."""

    reason = Text(longest=MAX_REASON, required=True)


class ShowSchema(Schema):
    """Why something is shown again, for colleagues."""

    reason = Text(longest=MAX_REASON)


class ModeratedReportSchema(Schema):
    """Whether the public may see a report."""

    reference = fields.String(required=True)
    visibility = fields.String(required=True, validate=_VISIBILITY)


class ModeratedPhotoSchema(Schema):
    """Whether the public may see a photo."""

    id = fields.String(required=True, attribute="public_id")
    visibility = fields.String(required=True, validate=_VISIBILITY)
