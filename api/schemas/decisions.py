"""Schemas of decisions: why a report went where it went."""

from __future__ import annotations

from marshmallow import fields, validate

from api.fields import Moment
from api.schemas.common import Schema, ThingSchema
from reports.inbox.candidates import MOST_MISSES


class RuleSchema(Schema):
    """The rule that was applied."""

    id = fields.String(required=True)
    text = fields.String(required=True)


class CandidateSchema(Schema):
    """A district or rule that was considered."""

    kind = fields.String(required=True, validate=validate.OneOf(["district", "rule"]))
    code = fields.String(required=True)
    name = fields.String(required=True)
    taken = fields.Boolean(required=True)
    reason = fields.String(required=True)


class OverriddenSchema(Schema):
    """That a dispatcher chose another team than the rules did."""

    reason = fields.String(required=True, allow_none=True)
    at = Moment(required=True)


class DecisionSchema(Schema):
    """Why a report went where it went."""

    text = fields.String(required=True)
    decided_at = Moment(required=True)
    ruleset = fields.Integer(allow_none=True, required=True)
    district = fields.Nested(ThingSchema, allow_none=True, required=True)
    team = fields.Nested(ThingSchema, allow_none=True, required=True)
    rule = fields.Nested(RuleSchema, allow_none=True, required=True)
    certain = fields.Boolean(required=True)
    border_distance_m = fields.Float(allow_none=True, required=True)
    candidates = fields.List(fields.Nested(CandidateSchema), required=True)
    overridden = fields.Nested(OverriddenSchema, allow_none=True, required=True)


class TicketDecisionSchema(DecisionSchema):
    """Why a ticket went where it went, with the rules that did not fit and why not."""

    rules_considered = fields.Integer(
        required=True,
        metadata={
            "description": "How many rules of the version are about the category, its group or"
            f" everything. Of those that did not fit, {MOST_MISSES} at the most are among the"
            " candidates, those for other districts last"
        },
    )
