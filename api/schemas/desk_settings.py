"""Schemas of what a city gives its desk to work with, as its administrators set it up."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import MAX_TEXT, Choice, Code, Texts, Whole
from api.schemas.setup import MAX_POSITION, SettingSchema, SettingsSchema
from city.placeholders import Place
from reports.status import CLOSED, Status

CLOSED_STATUSES = sorted(status.value for status in CLOSED)


class OrderedSchema(SettingSchema):
    """A setting that has its place among others; without a position it comes last, or stays."""

    code = Code(required=True)
    names = Texts(required=True)
    position = Whole(validate=validate.Range(min=0, max=MAX_POSITION))


class CloseReasonSettingSchema(OrderedSchema):
    """Why tickets are closed, and what reporters are told where nobody writes to them."""

    statuses = fields.List(
        fields.String(validate=validate.OneOf(CLOSED_STATUSES)),
        required=True,
        validate=validate.Length(min=1, max=len(CLOSED_STATUSES)),
    )
    public_texts = Texts(allow_none=True, load_default=None, longest=MAX_TEXT)


class CloseReasonChangeSchema(CloseReasonSettingSchema):
    """What a reason is to be; a code stays what it is."""

    code = Code()


class ThirdPartySchema(OrderedSchema):
    """Somebody outside the city's teams; residents read the name."""


class ThirdPartyChangeSchema(ThirdPartySchema):
    """What a third party is to be; a code stays what it is."""

    code = Code()


class TemplateSchema(OrderedSchema):
    """Words to answer reporters with, for a category and a status, or for all of them."""

    category = Code(allow_none=True, load_default=None)
    status = Choice(Status, allow_none=True, load_default=None)
    texts = Texts(
        required=True,
        longest=MAX_TEXT,
        metadata={
            "description": "These are filled: " + ", ".join(f"{{{place}}}" for place in Place)
        },
    )


class TemplateChangeSchema(TemplateSchema):
    """What a template is to be; a code stays what it is."""

    code = Code()


class CloseReasonSettingsSchema(SettingsSchema):
    """The city's reasons to close tickets."""

    items = fields.List(fields.Nested(CloseReasonSettingSchema), required=True)


class ThirdPartySettingsSchema(SettingsSchema):
    """The city's third parties."""

    items = fields.List(fields.Nested(ThirdPartySchema), required=True)


class TemplatesSchema(SettingsSchema):
    """The city's answer templates."""

    items = fields.List(fields.Nested(TemplateSchema), required=True)
