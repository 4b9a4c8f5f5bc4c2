"""Schemas of simulations: rules and layers that are tried on the reports of the past."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from api.fields import Code, CursorField, Keyed, Moment, QueryWhole, Whole
from api.schemas.common import DEFAULT_LIMIT, MAX_LIMIT, PositionSchema, Schema, ThingSchema
from api.schemas.setup import SettingsSchema
from reports.simulation.asking import DEFAULT_LAST, MOST_LAYERS, MOST_REPORTS, Wanted
from reports.simulation.telling import Between
from reports.simulation_models import SimulationStatus

_MOST_NUMBER = 2**31 - 1


class SimulationRequestSchema(Schema):
    """What is to be tried, and on which reports; the rest is as it is in force."""

    ruleset = Whole(
        allow_none=True,
        load_default=None,
        validate=validate.Range(min=1, max=_MOST_NUMBER),
        metadata={"description": "The version of the rules, a draft or an earlier one"},
    )
    layers = Keyed(
        keys=Code(),
        values=Whole(validate=validate.Range(min=1, max=_MOST_NUMBER)),
        load_default=dict,
        validate=validate.Length(max=MOST_LAYERS),
        metadata={
            "description": "Versions of layers, by the layer's code",
            "example": {"quartiers": 2},
        },
    )
    last = Whole(
        allow_none=True,
        load_default=None,
        validate=validate.Range(min=1, max=MOST_REPORTS),
        metadata={
            "description": (
                f"So many of the newest reports; {DEFAULT_LAST:,} where no period is given either"
            )
        },
    )
    since = Moment(data_key="from", allow_none=True, load_default=None)
    until = Moment(data_key="to", allow_none=True, load_default=None)


class ComparedSchema(Schema):
    """By which versions one side decides."""

    ruleset = fields.Integer(required=True, allow_none=True)
    layers = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"example": {"quartiers": 1}},
    )


class RightSchema(Schema):
    """How many of the reports each side sends to the team that has their ticket by now."""

    before = fields.Integer(required=True)
    after = fields.Integer(required=True)


class ChangesCountSchema(Schema):
    """How many reports would have got another team, and how many another district."""

    teams = fields.Integer(required=True)
    districts = fields.Integer(required=True)


class MoveSchema(Schema):
    """How many reports would have gone from one team to another."""

    before = fields.Nested(ThingSchema, required=True)
    after = fields.Nested(ThingSchema, required=True)
    reports = fields.Integer(required=True)


class SimulationSchema(Schema):
    """A simulation: what it compares, how far it is, and what it has found so far.

    It is over when `status` is no longer `pending`; `done` of `total` reports are decided. `before`
    is what was in force when it was asked for, `after` what is tried.
    """

    number = fields.Integer(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf([status.value for status in SimulationStatus])
    )
    created_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)
    since = Moment(data_key="from", required=True, allow_none=True)
    until = Moment(data_key="to", required=True)
    last = fields.Integer(required=True, allow_none=True)
    done = fields.Integer(required=True)
    total = fields.Integer(required=True)
    before = fields.Nested(ComparedSchema, required=True)
    after = fields.Nested(ComparedSchema, required=True)
    changed = fields.Nested(ChangesCountSchema, required=True)
    right = fields.Nested(RightSchema, required=True)
    moves = fields.List(fields.Nested(MoveSchema), required=True)


class SimulationsSchema(SettingsSchema):
    """The city's simulations, the newest first; only so many are kept."""

    items = fields.List(fields.Nested(SimulationSchema), required=True)


class BetweenSchema(Schema):
    """Only the reports that would have gone from this team, or to that one."""

    before = Code(load_default=None)
    after = Code(load_default=None)


class ChangedQuerySchema(BetweenSchema):
    """Which of the changed reports, and which page of them."""

    limit = QueryWhole(load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT))
    cursor = CursorField(load_default=None)


class ChosenSchema(Schema):
    """What a report is given by one side."""

    team = fields.Nested(ThingSchema, required=True)
    district = fields.Nested(ThingSchema, required=True, allow_none=True)


class ChangedReportSchema(Schema):
    """A report that would have got another team or another district."""

    reference = fields.String(required=True)
    ticket = fields.String(required=True, allow_none=True)
    category = fields.Nested(ThingSchema, required=True)
    location = fields.Nested(PositionSchema, required=True)
    created_at = Moment(required=True)
    before = fields.Nested(ChosenSchema, required=True)
    after = fields.Nested(ChosenSchema, required=True)


class ChangedReportsSchema(Schema):
    """A page of changed reports, the newest first."""

    items = fields.List(fields.Nested(ChangedReportSchema), required=True)
    next = fields.String(required=True, allow_none=True)


def wanted_from(body: dict[str, Any]) -> Wanted:
    """Return what a body asks for."""
    return Wanted(**body)


def between_from(query: dict[str, Any]) -> Between:
    """Return which changes a query asks for."""
    return Between(query["before"], query["after"])
