"""Schemas about one resident's personal data."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from api.fields import Choice, Email, Moment, Phone
from api.schemas.common import PositionSchema, Schema
from api.schemas.reports import ContactSchema, MessageSchema
from city.models import KeptText
from infra.words import mark
from reports.privacy import phones
from reports.privacy.forgetting import COUNTED
from reports.privacy.personal import Details

NOBODY = mark("Give an e-mail address, a telephone number, or both.")
TOO_FEW_DIGITS = mark("Give the whole telephone number.")


class ResidentSchema(Schema):
    """By which contact details a resident is found: reports that carry one of them are theirs."""

    email = Email(allow_none=True, load_default=None, longest=254)
    phone = Phone(allow_none=True, load_default=None, longest=40)

    @ma.validates_schema
    def check_details(self, data: dict[str, Any], **_named: Any) -> None:
        """Refuse what would find nobody, or everybody."""
        if not data["email"] and not data["phone"]:
            raise ma.ValidationError(NOBODY, "email")
        if data["phone"] and not phones.is_number(data["phone"]):
            raise ma.ValidationError(TOO_FEW_DIGITS, "phone")

    @ma.post_load
    def build(self, data: dict[str, Any], **_named: Any) -> dict[str, Any]:
        """Put the details together."""
        return {**data, "who": Details(data["email"], data["phone"])}


class ErasureSchema(ResidentSchema):
    """Whom to forget, and whether what they wrote and their photos go too."""

    text = Choice(KeptText, load_default=KeptText.KEEP.value)


ErasedSchema = Schema.from_dict(
    {what: fields.Integer(required=True) for what in COUNTED}, name="ErasedSchema"
)


class HeldPhotoSchema(Schema):
    """A photo; `file` is its original within the archive, None where it is not there."""

    file = fields.String(allow_none=True, required=True, attribute="name")
    status = fields.String(required=True, attribute="photo.status")
    media_type = fields.String(required=True, attribute="photo.media_type")
    width = fields.Integer(required=True, attribute="photo.width")
    height = fields.Integer(required=True, attribute="photo.height")
    size_bytes = fields.Integer(required=True, attribute="photo.size_bytes")
    created_at = Moment(required=True, attribute="photo.created_at")


class HeldNoticeSchema(Schema):
    """A mail to the resident; it goes to the address that the contact names."""

    kind = fields.String(required=True)
    status = fields.String(required=True)
    due_at = Moment(required=True)
    sent_at = Moment(allow_none=True, required=True)


class HeldEventSchema(Schema):
    """One line of the history that concerns the report."""

    at = Moment(required=True)
    kind = fields.String(required=True)
    by = fields.String(required=True, attribute="author")
    status = fields.String(allow_none=True, required=True, attribute="data.to", dump_default=None)


class HeldFeedbackSchema(Schema):
    """Whether the resident was asked about a closing, and what they answered."""

    closed_at = Moment(required=True)
    asked_at = Moment(allow_none=True, required=True)
    satisfied = fields.Boolean(allow_none=True, required=True)
    answered_at = Moment(allow_none=True, required=True)


class HeldReportSchema(Schema):
    """One report and everything that came of it."""

    reference = fields.String(required=True, attribute="report.reference")
    ticket = fields.String(required=True, attribute="ticket.reference")
    status = fields.String(required=True, attribute="ticket.status")
    kind = fields.String(required=True, attribute="report.kind")
    category = fields.String(required=True, attribute="category.code")
    description = fields.String(required=True, attribute="report.description")
    location = fields.Nested(PositionSchema, required=True, attribute="report.location")
    accuracy_m = fields.Float(allow_none=True, required=True, attribute="report.accuracy_m")
    address = fields.String(allow_none=True, required=True, attribute="report.address")
    answers = fields.Dict(required=True, attribute="report.answers")
    locale = fields.String(required=True, attribute="report.locale")
    channel = fields.String(required=True, attribute="report.channel")
    external_ref = fields.String(allow_none=True, required=True, attribute="report.external_ref")
    issuer = fields.String(allow_none=True, required=True, attribute="report.issuer")
    subject = fields.String(allow_none=True, required=True, attribute="report.subject")
    observed_at = Moment(allow_none=True, required=True, attribute="report.observed_at")
    created_at = Moment(required=True, attribute="report.created_at")
    contact = fields.Nested(ContactSchema, required=True)
    messages = fields.List(fields.Nested(MessageSchema), required=True)
    photos = fields.List(fields.Nested(HeldPhotoSchema), required=True)
    photo_links = fields.List(fields.String(), required=True)
    notices = fields.List(fields.Nested(HeldNoticeSchema), required=True)
    events = fields.List(fields.Nested(HeldEventSchema), required=True)
    feedback = fields.List(fields.Nested(HeldFeedbackSchema), required=True)


class HeldSubscriptionSchema(Schema):
    """A report whose news the resident asked for."""

    report = fields.String(required=True)
    email = fields.String(required=True)
    created_at = Moment(required=True)
    confirmed_at = Moment(required=True, allow_none=True)


class HeldSchema(Schema):
    """`data.json` of an export."""

    jurisdiction = fields.String(required=True, attribute="jurisdiction.code")
    exported_at = Moment(required=True)
    reports = fields.List(fields.Nested(HeldReportSchema), required=True)
    subscriptions = fields.List(fields.Nested(HeldSubscriptionSchema), required=True)
