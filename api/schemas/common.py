"""Schemas that the others are made of."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api import documents
from api.errors import PHOTO_REASONS
from api.fields import (
    BOTH_OR_NONE,
    MAX_WORDS,
    BoxField,
    CommaList,
    CursorField,
    Latitude,
    Longitude,
    Moment,
    NearField,
    QueryNumber,
    QueryWhole,
)
from city.models import Kind
from geo.coordinates import Position
from reports.filters import Filters
from reports.models import PhotoStatus
from reports.photos import SIZES
from reports.purposes import Purpose
from reports.resident.reading import PhotoView
from reports.status import Status

PLANNED = {
    "description": "A day where only that was said, such as 2026-01-31, and else a time in UTC"
}
DEFAULT_LIMIT = 50
MAX_LIMIT = 100


class Schema(ma.Schema):
    """What every schema here is made from."""


class ThingSchema(Schema):
    """A code and its name in the caller's language."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class PositionSchema(Schema):
    """A place on WGS 84."""

    latitude = fields.Float(required=True)
    longitude = fields.Float(required=True)


class FaultSchema(Schema):
    """One thing wrong with the input."""

    pointer = fields.String(metadata={"description": "JSON pointer into the body"})
    parameter = fields.String(metadata={"description": "Name of the parameter or header"})
    detail = fields.String(required=True)


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema))
    allowed = fields.List(
        fields.String(validate=validate.OneOf([status.value for status in Status])),
        metadata={"description": "The statuses that a refused ticket could take"},
    )
    assignee = fields.String(
        metadata={"description": "Who has a ticket that somebody else wants to take"}
    )
    reason = fields.String(
        validate=validate.OneOf(list(PHOTO_REASONS)),
        metadata={"description": "Why a photo was not taken"},
    )


class PhotoUrlsSchema(Schema):
    """The addresses of one size."""

    jpg = fields.Url(required=True)
    webp = fields.Url(required=True)


PhotoSizesSchema = Schema.from_dict(
    {str(size): fields.Nested(PhotoUrlsSchema, required=True) for size in sorted(SIZES)},
    name="PhotoSizesSchema",
)


class PhotoSchema(Schema):
    """A photo of a report, or of the work on it."""

    id = fields.String(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf([status.value for status in PhotoStatus])
    )
    reason = fields.String(allow_none=True, required=True)
    placeholder = fields.String(
        allow_none=True, required=True, metadata={"description": "A tiny picture as a data: URI"}
    )
    purpose = fields.String(
        allow_none=True,
        required=True,
        validate=validate.OneOf([*(purpose.value for purpose in Purpose), None]),
        metadata={"description": "What it shows of the work; null where it came with a report"},
    )
    urls = fields.Nested(PhotoSizesSchema, required=True)

    @ma.pre_dump
    def tell(self, photo: PhotoView, **_named: Any) -> dict[str, Any]:
        """Say why the photo was rejected, and where its derivatives are."""
        return documents.photo(photo)


class PointQuerySchema(Schema):
    """A place in a query."""

    latitude = QueryNumber(required=True, validate=Latitude)
    longitude = QueryNumber(required=True, validate=Longitude)


class MaybePointQuerySchema(Schema):
    """A place in a query, or none."""

    latitude = QueryNumber(validate=Latitude)
    longitude = QueryNumber(validate=Longitude)

    @ma.validates_schema
    def check_pair(self, data: dict[str, Any], **_named: Any) -> None:
        """Refuse one number without the other."""
        if len(data.keys() & {"latitude", "longitude"}) == 1:
            missing = "longitude" if "latitude" in data else "latitude"
            raise ma.ValidationError(BOTH_OR_NONE, missing)


class ListQuerySchema(Schema):
    """What every list of reports or tickets takes."""

    status = CommaList(Status)
    category = CommaList()
    kind = CommaList(Kind)
    district = CommaList()
    bbox = BoxField()
    q = fields.String(validate=validate.Length(max=MAX_WORDS))
    limit = QueryWhole(load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT))
    cursor = CursorField(load_default=None)


class MomentsQuerySchema(Schema):
    """A stretch of time."""

    created_after = Moment()
    created_before = Moment()
    near = NearField()


def filters_from(query: dict[str, Any]) -> Filters:
    """Return the filters that a query names."""
    names = (
        "status",
        "category",
        "kind",
        "district",
        "team",
        "bbox",
        "near",
        "created_after",
        "created_before",
    )
    return Filters(**{name: query[name] for name in names if name in query})


def position_of(point: dict[str, Any]) -> Position:
    """Return the position that a body or a query holds."""
    return Position(point["latitude"], point["longitude"])
