"""Schemas of the rules that say which team answers, as administrators read and write them."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import Choice, Code, Day, Keyed, Line, Moment, Number
from api.schemas.common import Schema
from api.schemas.setup import Etag, ReturnableSchema, SettingsSchema
from city.calendar_format import SPAN_PATTERN
from city.calendars import WEEKDAYS
from city.lint import FindingKind
from city.models import Kind
from city.rule_parts import (
    LONGEST_VALUE,
    MOST_ANSWERS,
    MOST_CHOICES,
    MOST_METRES,
    MOST_PROPERTIES,
    MOST_RULES,
)

MOST_SPANS = 24
_SHORT = validate.Length(min=1, max=LONGEST_VALUE)


class RuleSettingSchema(ReturnableSchema):
    """One rule; what is null or left out, it leaves open.

    Of those that fit a report the most specific wins: first by what it is about, a category going
    before a group and a group before everything; then by place, a layer going before a district and
    both before either; then by how many more conditions it has. Of rules that are as specific the
    first in order wins.
    """

    position = fields.Integer(dump_only=True, required=True)
    text = fields.String(
        dump_only=True, required=True, metadata={"description": "The rule as a sentence"}
    )
    category = Code(allow_none=True, load_default=None)
    group = Code(allow_none=True, load_default=None)
    district = Line(allow_none=True, load_default=None)
    layer = Code(
        allow_none=True,
        load_default=None,
        metadata={"description": "The reference layer whose nearest feature counts"},
    )
    within_m = Number(
        load_default=0,
        validate=validate.Range(min=0, max=MOST_METRES),
        metadata={"description": "How near that has to be; an area holding the spot is 0 m away"},
    )
    where = Keyed(
        keys=fields.String(validate=_SHORT),
        values=fields.List(
            fields.String(validate=_SHORT), validate=validate.Length(min=1, max=MOST_CHOICES)
        ),
        load_default=dict,
        validate=validate.Length(max=MOST_PROPERTIES),
        metadata={
            "description": "For each property of that feature, the values that it may have",
            "example": {"owner": ["department"]},
        },
    )
    kind = Choice(Kind, allow_none=True, load_default=None)
    answers = Keyed(
        keys=Code(),
        values=fields.List(Code(), validate=validate.Length(min=1, max=MOST_CHOICES)),
        load_default=dict,
        validate=validate.Length(max=MOST_ANSWERS),
        metadata={
            "description": "For each question, the choices of which one has to be given",
            "example": {"terrain-prive": ["oui"]},
        },
    )
    hours = Keyed(
        keys=fields.String(validate=validate.OneOf(WEEKDAYS)),
        values=fields.List(
            fields.String(validate=validate.Regexp(SPAN_PATTERN)),
            validate=validate.Length(max=MOST_SPANS),
        ),
        allow_none=True,
        load_default=None,
        metadata={
            "description": "When the report has to come, by the clock there",
            "example": {"saturday": ["08:00-24:00"], "sunday": ["00:00-24:00"]},
        },
    )
    first_day = Day(allow_none=True, load_default=None)
    last_day = Day(allow_none=True, load_default=None)
    team = Code(required=True)


class RulesetSchema(ReturnableSchema):
    """All rules, in order: a draft until they are published; the current ones decide."""

    version = fields.Integer(dump_only=True, required=True)
    published_at = Moment(dump_only=True, required=True, allow_none=True)
    current = fields.Boolean(dump_only=True, required=True)
    rules = fields.List(
        fields.Nested(RuleSettingSchema), required=True, validate=validate.Length(max=MOST_RULES)
    )
    etag = Etag()


class RulesetsSchema(SettingsSchema):
    """The versions of the city's rules."""

    items = fields.List(fields.Nested(RulesetSchema), required=True)


class FindingSchema(Schema):
    """One thing that is odd about rules; `districts` null is everywhere, or about no place.

    `unreached`: no rule fits some reports of the category; `conditional`: all that do have further
    conditions; `tie`: two rules that only their order decides between; `idle_rule`: one that can
    never win; `idle_team`: a team that no rule leads to.
    """

    kind = fields.String(
        required=True, validate=validate.OneOf([kind.value for kind in FindingKind])
    )
    text = fields.String(required=True)
    rules = fields.List(fields.Integer(), required=True)
    category = fields.String(required=True, allow_none=True)
    team = fields.String(required=True, allow_none=True)
    districts = fields.List(fields.String(), required=True, allow_none=True)


class FindingsSchema(SettingsSchema):
    """All that is odd about a version of the rules."""

    items = fields.List(fields.Nested(FindingSchema), required=True)
