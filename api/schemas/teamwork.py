"""Schemas about what teams do with their tickets."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from api.fields import Choice, Code, Day, Line, Moment, Text
from api.schemas.common import Schema, ThingSchema
from api.schemas.tickets import MAX_REASON, ONE_OF_TWO, PublicMessage
from city.access import Role
from reports.desk.third_parties import Handing
from reports.status import Status


class ReporterQuestionSchema(Schema):
    """A question to the reporters."""

    at = Moment(required=True, attribute="created_at")
    text = fields.String(required=True, attribute="body")


class HandBackSchema(Schema):
    """Why a ticket is not the team's."""

    reason = Text(longest=MAX_REASON, required=True)


class PlanSchema(Schema):
    """The day or the time that the work is planned for; null where it is planned no more."""

    on = Day(allow_none=True)
    at = Moment(allow_none=True)
    public_message = PublicMessage(load_default=None)

    @validates_schema
    def check_one(self, data: dict[str, Any], **_named: Any) -> None:
        """Refuse neither and both."""
        if len(data.keys() & {"on", "at"}) != 1:
            raise ValidationError(ONE_OF_TWO, "on")


class HandingSchema(Schema):
    """A third party, by its code or by any name, and why the work is theirs now.

    Everybody reads the name.
    """

    code = Code()
    name = Line()
    reason = Text(longest=MAX_REASON, required=True)
    expected_at = Moment(allow_none=True)

    @validates_schema
    def check_one(self, data: dict[str, Any], **_named: Any) -> None:
        """Refuse neither and both."""
        if bool(data.get("code")) is bool(data.get("name")):
            raise ValidationError(ONE_OF_TWO, "code")

    @post_load
    def make(self, data: dict[str, Any], **_named: Any) -> Handing:
        """Make of it what is handed over."""
        return Handing(**data)


class CloseReasonSchema(ThingSchema):
    """Why tickets are closed, and what reporters are told by that alone."""

    statuses = fields.List(fields.String(), required=True)
    public_text = fields.String(allow_none=True, required=True)


class CloseReasonsSchema(Schema):
    """The reasons in use, in the city's order."""

    items = fields.List(fields.Nested(CloseReasonSchema), required=True)


class ThirdPartiesSchema(Schema):
    """The third parties in use, in the city's order."""

    items = fields.List(fields.Nested(ThingSchema), required=True)


class OffersQuerySchema(Schema):
    """The step that is to be answered for."""

    status = Choice(Status, load_default=None)


class OfferSchema(ThingSchema):
    """A template that fits the ticket, with its places filled.

    `texts` are in the reporters' languages, and `text` in the one that all of them are written to
    in. Where the ticket lacks what a template speaks of, which `missing` names, there is no text.
    """

    status = fields.String(allow_none=True, required=True)
    language = fields.String(required=True)
    text = fields.String(allow_none=True, required=True)
    texts = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True), required=True)
    missing = fields.List(fields.String(), required=True)


class OffersSchema(Schema):
    """The templates for the ticket's category and the step."""

    items = fields.List(fields.Nested(OfferSchema), required=True)


class ColleagueSchema(Schema):
    """Somebody who may see the ticket, and can be mentioned in a note on it by `id`."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in Role]))
    teams = fields.List(fields.String(), required=True)


class ColleaguesSchema(Schema):
    """Who may see the ticket, by name."""

    items = fields.List(fields.Nested(ColleagueSchema), required=True)


class HandBackCountSchema(Schema):
    """How often a team gave back what a rule had sent it in a district."""

    rule = fields.String(
        required=True, allow_none=True, metadata={"description": "None where no rule had fitted"}
    )
    district = fields.Nested(ThingSchema, required=True, allow_none=True)
    team = fields.Nested(ThingSchema, required=True)
    count = fields.Integer(required=True)
    latest = Moment(required=True)


class HandBacksSchema(Schema):
    """What was handed back, the most frequent first."""

    items = fields.List(fields.Nested(HandBackCountSchema), required=True)
