"""Schemas about reports."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.fields import (
    MAX_ACCURACY_M,
    Choice,
    Email,
    Latitude,
    Line,
    Longitude,
    Moment,
    Number,
    Phone,
    Text,
)
from api.schemas.common import (
    PLANNED,
    ListQuerySchema,
    MomentsQuerySchema,
    PhotoSchema,
    PositionSchema,
    Schema,
    ThingSchema,
    position_of,
)
from city.models import Channel, Kind
from reports.intake import ContactDetails, NewReport
from reports.models import Author
from reports.status import Status

MAX_ADDRESS = 500
MAX_ANSWERS = 50


class NewLocationSchema(Schema):
    """Where it is; `accuracy_m` is the radius within which the phone believes to be."""

    latitude = Number(required=True, validate=Latitude)
    longitude = Number(required=True, validate=Longitude)
    accuracy_m = Number(
        allow_none=True, load_default=None, validate=validate.Range(min=0, max=MAX_ACCURACY_M)
    )


class ContactSchema(Schema):
    """How the reporter may be reached."""

    name = Line(allow_none=True)
    email = Email(allow_none=True, longest=254)
    phone = Phone(allow_none=True, longest=40)


class NewReportSchema(Schema):
    """What somebody reports; `channel` and `external_ref` are for staff and keys."""

    kind = Choice(Kind, required=True)
    category = fields.String(required=True, validate=validate.Length(min=1, max=100))
    description = Text(required=True)
    location = fields.Nested(NewLocationSchema, required=True)
    address = Line(allow_none=True, longest=MAX_ADDRESS)
    answers = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        allow_none=True,
        validate=validate.Length(max=MAX_ANSWERS),
        metadata={"description": "By question code: a value, or a list of choices"},
    )
    contact = fields.Nested(ContactSchema, allow_none=True)
    locale = Line(allow_none=True, longest=35)
    observed_at = Moment(allow_none=True)
    same_as = Line(allow_none=True, longest=40)
    channel = Choice(Channel, allow_none=True)
    external_ref = Line(allow_none=True)

    @ma.post_load
    def build(self, data: dict[str, Any], **_named: Any) -> NewReport:
        """Return the frozen value that intake takes."""
        place = data["location"]
        contact = data.get("contact")
        return NewReport(
            kind=Kind(data["kind"]),
            category=data["category"],
            description=data["description"],
            position=position_of(place),
            accuracy_m=place["accuracy_m"],
            address=data.get("address"),
            answers=data.get("answers") or {},
            contact=ContactDetails(**contact) if contact and any(contact.values()) else None,
            locale=data.get("locale") or "",
            observed_at=data.get("observed_at"),
            same_as=data.get("same_as"),
            channel=Channel(data.get("channel") or Channel.APP),
            external_ref=data.get("external_ref"),
        )


class ReportSchema(Schema):
    """What everybody may see of a report."""

    reference = fields.String(required=True)
    ticket = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    category = fields.Nested(ThingSchema, allow_none=True, required=True)
    description = fields.String(required=True)
    location = fields.Nested(PositionSchema, required=True)
    address = fields.String(allow_none=True, required=True)
    district = fields.Nested(ThingSchema, allow_none=True, required=True)
    team = fields.Nested(ThingSchema, allow_none=True, required=True)
    status = fields.String(required=True, validate=validate.OneOf([s.value for s in Status]))
    status_text = fields.String(required=True)
    public_message = fields.String(allow_none=True, required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    planned_at = fields.String(allow_none=True, required=True, metadata=PLANNED)
    due_at = Moment(allow_none=True, required=True)
    closed_at = Moment(allow_none=True, required=True)
    photos = fields.List(
        fields.Nested(PhotoSchema),
        required=True,
        metadata={"description": "Those of the work come after its own, but not in lists"},
    )
    supports = fields.Integer(required=True)


class MessageSchema(Schema):
    """What the reporter or the city wrote."""

    at = Moment(required=True, attribute="created_at")
    by = fields.String(
        required=True,
        attribute="author",
        validate=validate.OneOf([author.value for author in Author]),
    )
    text = fields.String(required=True, attribute="body")


class PhotoUploadSchema(Schema):
    """How photos are sent; `template` is an RFC 6570 template with the variable `uuid`."""

    template = fields.String(required=True)
    remaining = fields.Integer(required=True)


def _of_reporters(*, required: bool) -> dict[str, fields.Field[Any]]:
    """Return what only the reporter sees."""
    can = fields.String(validate=validate.OneOf(["message", "photo", "feedback", "withdraw"]))
    return {
        "contact": fields.Nested(ContactSchema, allow_none=True, required=required),
        "messages": fields.List(fields.Nested(MessageSchema), required=required),
        "can": fields.List(can, required=required),
        "photo_upload": fields.Nested(PhotoUploadSchema, required=required),
    }


ReporterViewSchema = ReportSchema.from_dict(_of_reporters(required=True), name="ReporterViewSchema")
ReadReportSchema = ReportSchema.from_dict(_of_reporters(required=False), name="ReadReportSchema")


class TakenReportSchema(ReporterViewSchema):  # type: ignore[misc,valid-type]
    """What the reporter gets once: the token that opens their own view."""

    tracking_token = fields.String(required=True)


class ReportsQuerySchema(ListQuerySchema, MomentsQuerySchema):
    """The filters of the public list."""

    jurisdiction = fields.String(load_default=None)


class ReportsSchema(Schema):
    """A page of reports."""

    items = fields.List(fields.Nested(ReportSchema), required=True)
    next = fields.Url(allow_none=True, required=True)


class PointSchema(Schema):
    """A place as GeoJSON has it: longitude, latitude."""

    type = fields.String(required=True, validate=validate.OneOf(["Point"]))
    coordinates = fields.List(fields.Float(), required=True, validate=validate.Length(equal=2))


PropertiesSchema = Schema.from_dict(
    {name: field for name, field in ReportSchema._declared_fields.items() if name != "location"},
    name="PropertiesSchema",
)


class FeatureSchema(Schema):
    """A report as GeoJSON has it."""

    type = fields.String(required=True, validate=validate.OneOf(["Feature"]))
    id = fields.String(required=True)
    geometry = fields.Nested(PointSchema, required=True)
    properties = fields.Nested(PropertiesSchema, required=True)


class FeaturesSchema(Schema):
    """A page of reports as GeoJSON has it."""

    type = fields.String(required=True, validate=validate.OneOf(["FeatureCollection"]))
    features = fields.List(fields.Nested(FeatureSchema), required=True)
    next = fields.Url(allow_none=True, required=True)


class EventSchema(Schema):
    """One line of a report's history."""

    at = Moment(required=True)
    kind = fields.String(required=True)
    by = fields.String(required=True, validate=validate.OneOf([a.value for a in Author]))
    text = fields.String(required=True)
    status = fields.String(allow_none=True, required=True)


class EventsSchema(Schema):
    """A report's public history."""

    items = fields.List(fields.Nested(EventSchema), required=True)


class NewMessageSchema(Schema):
    """Words for the city, or the city's question."""

    text = Text(required=True)
