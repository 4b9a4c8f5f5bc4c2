"""Schemas about the city: categories, places, sessions."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import MAX_ACCURACY_M, MAX_LINE, Moment, QueryNumber
from api.schemas.common import MaybePointQuerySchema, PointQuerySchema, Schema, ThingSchema
from city.access import Role
from city.models import Kind, QuestionType

MAX_PASSWORD = 1_000


class CategoriesQuerySchema(MaybePointQuerySchema):
    """Where the categories are asked for; the only city's own without a place."""

    jurisdiction = fields.String()


class QuestionSchema(Schema):
    """What a category asks."""

    code = fields.String(required=True)
    text = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf([t.value for t in QuestionType]))
    required = fields.Boolean(required=True)
    choices = fields.List(fields.Nested(ThingSchema), required=True)


class CategorySchema(ThingSchema):
    """What can be reported."""

    description = fields.String(required=True)
    group = fields.Nested(ThingSchema, required=True)
    kinds = fields.List(
        fields.String(validate=validate.OneOf([kind.value for kind in Kind])), required=True
    )
    public = fields.Boolean(required=True)
    questions = fields.List(fields.Nested(QuestionSchema), required=True)


class CategoriesSchema(Schema):
    """The categories of a place."""

    items = fields.List(fields.Nested(CategorySchema), required=True)


class LocateQuerySchema(PointQuerySchema):
    """A place, how sure it is, and what it is about."""

    accuracy_m = QueryNumber(load_default=None, validate=validate.Range(min=0, max=MAX_ACCURACY_M))
    category = fields.String(load_default=None)


class ShareSchema(Schema):
    """A district that the spot may lie in; `share` is 0 to 1."""

    district = fields.Nested(ThingSchema, required=True)
    share = fields.Float(required=True)


class NearestSchema(ThingSchema):
    """The nearest city to a spot outside of all."""

    distance_m = fields.Float(required=True)


class LocationSchema(Schema):
    """Where a spot lies and who answers for it."""

    jurisdiction = fields.Nested(ThingSchema, allow_none=True, required=True)
    district = fields.Nested(ThingSchema, allow_none=True, required=True)
    team = fields.Nested(ThingSchema, allow_none=True, required=True)
    certain = fields.Boolean(required=True)
    candidates = fields.List(fields.Nested(ShareSchema), required=True)
    question = fields.String(
        allow_none=True, required=True, metadata={"description": "What to ask when in doubt"}
    )
    nearest = fields.Nested(NearestSchema, allow_none=True, required=True)


class LoginSchema(Schema):
    """Who wants in; `code` is of the second factor, or one of the recovery codes."""

    email = fields.String(required=True, validate=validate.Length(max=MAX_LINE))
    password = fields.String(
        required=True, load_only=True, validate=validate.Length(max=MAX_PASSWORD)
    )
    code = fields.String(allow_none=True, validate=validate.Length(max=20))


class PersonSchema(Schema):
    """Who is logged in."""

    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in Role]))
    jurisdiction = fields.String(required=True)
    teams = fields.List(fields.String(), required=True)


class SessionSchema(Schema):
    """A login."""

    token = fields.String(required=True)
    expires_at = Moment(required=True)
    person = fields.Nested(PersonSchema, required=True)
