"""Schemas of what came back from where rules had sent it, and of what would have sent it right."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import Moment, QueryWhole
from api.schemas.common import PositionSchema, Schema, ThingSchema
from api.schemas.rulesets import RuleSettingSchema
from reports.bounces.changes import Parting, Refusal

DEFAULT_CLUSTERS = 20
MOST_CLUSTERS = 100


class BouncesQuerySchema(Schema):
    """Tickets of which time are looked at, and how many clusters are wanted."""

    since = Moment(
        data_key="from",
        load_default=None,
        metadata={"description": "Since when tickets came; else 90 days before `to`"},
    )
    until = Moment(
        data_key="to",
        load_default=None,
        metadata={"description": "Before when they came; else now"},
    )
    limit = QueryWhole(
        load_default=DEFAULT_CLUSTERS, validate=validate.Range(min=1, max=MOST_CLUSTERS)
    )


class SendingRuleSchema(Schema):
    """A rule that sent tickets; `position` is null where it is no longer in force."""

    id = fields.String(required=True)
    position = fields.Integer(required=True, allow_none=True)
    text = fields.String(required=True)


class ExtentSchema(Schema):
    """A box in degrees; one that crosses the antimeridian has its west greater than its east."""

    west = fields.Float(required=True)
    south = fields.Float(required=True)
    east = fields.Float(required=True)
    north = fields.Float(required=True)


class BounceSchema(Schema):
    """What a rule, or none, sent of a category in a district, of which something came back.

    `team` is whom it was sent to, `sent` how much that was. Of the `bounced` some were handed back,
    some given to another team by a dispatcher, some both; `agreed` of them ended with the same
    other team, `ended_with`. `change` is a rule that would have sent them there: put into `rules`
    at its `position` it makes a draft. By it `would_mend` of the bounced would go right that do not
    by the rules in force, and `would_mend_elsewhere` others of the category; `would_spoil` of the
    category would go wrong. Where there is none, `why_not` says why.
    """

    rule = fields.Nested(SendingRuleSchema, required=True, allow_none=True)
    category = fields.Nested(ThingSchema, required=True)
    district = fields.Nested(ThingSchema, required=True, allow_none=True)
    team = fields.Nested(ThingSchema, required=True)
    sent = fields.Integer(required=True)
    bounced = fields.Integer(required=True)
    share = fields.Float(required=True)
    handed_back = fields.Integer(required=True)
    overridden = fields.Integer(required=True)
    ended_with = fields.Nested(ThingSchema, required=True, allow_none=True)
    agreed = fields.Integer(required=True)
    location = fields.Nested(
        PositionSchema, required=True, metadata={"description": "The middle of what bounced"}
    )
    extent = fields.Nested(ExtentSchema, required=True)
    separated_by = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*(one.value for one in Parting), None]),
        metadata={"description": "What parts it from what the same rule sent right"},
    )
    change = fields.Nested(RuleSettingSchema, required=True, allow_none=True)
    would_mend = fields.Integer(required=True, allow_none=True)
    would_mend_elsewhere = fields.Integer(required=True, allow_none=True)
    would_spoil = fields.Integer(required=True, allow_none=True)
    why_not = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*(one.value for one in Refusal), None]),
    )
    text = fields.String(required=True, metadata={"description": "All of it in words"})


class BouncesSchema(Schema):
    """What came back of the tickets of a time, the largest clusters first.

    `from` is later than asked for where there were more than 100,000 tickets. `rules` are those in
    force, of the version `ruleset`; `clusters` counts all there are.
    """

    since = Moment(data_key="from", required=True)
    until = Moment(data_key="to", required=True)
    ruleset = fields.Integer(required=True, allow_none=True)
    rules = fields.List(fields.Nested(RuleSettingSchema), required=True)
    clusters = fields.Integer(required=True)
    items = fields.List(fields.Nested(BounceSchema), required=True)
