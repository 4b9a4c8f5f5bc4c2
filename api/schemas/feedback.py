"""Schemas about what reporters say once their report is closed."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import MAX_TEXT, AtMost, Choice, Flag, Moment, none_where_blank
from api.schemas.common import Schema, ThingSchema
from reports.satisfaction import By


class NewFeedbackSchema(Schema):
    """Whether it is solved, and what there is to say about that."""

    satisfied = Flag(required=True)
    comment = fields.String(
        allow_none=True,
        load_default=None,
        validate=AtMost(max=MAX_TEXT),
        post_load=none_where_blank,
    )


class FeedbackSchema(Schema):
    """What the reporter has answered, and where the work stands since."""

    satisfied = fields.Boolean(required=True)
    comment = fields.String(allow_none=True, required=True)
    at = Moment(required=True)
    closed_at = Moment(required=True)
    status = fields.String(required=True)


class SatisfactionQuerySchema(Schema):
    """By what to count, and closings of which time: from `after` on, and before `before`."""

    by = Choice(By, load_default=By.CATEGORY.value)
    after = Moment()
    before = Moment()


class FiguresSchema(Schema):
    """Of how many closed reports somebody was asked by mail, answered, and was satisfied.

    `share` is of the answers.
    """

    thing = fields.Nested(ThingSchema, allow_none=True, required=True)
    closed = fields.Integer(required=True)
    asked = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    satisfied = fields.Integer(required=True)
    share = fields.Float(allow_none=True, required=True)


class SatisfactionSchema(Schema):
    """The figures by category, team or district, most answers first."""

    by = fields.String(required=True, validate=validate.OneOf([by.value for by in By]))
    items = fields.List(fields.Nested(FiguresSchema), required=True)
