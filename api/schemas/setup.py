"""Schemas of what a city has set up, as its administrators read and change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.fields import MAX_TEXT, Choice, Code, Email, Flag, Line, Texts, Whole
from api.schemas.common import Schema
from city.access import Role
from city.models import Kind, Priority, QuestionType
from city.parts import MAX_TARGET_HOURS

MAX_POSITION = 1_000_000
MAX_QUESTIONS = 50
MAX_CHOICES = 200
MAX_TEAMS = 200


class Etag(fields.String):
    """The entity tag of a setting, for those that come in a list."""

    def __init__(self, **arguments: Any) -> None:
        told = {"description": "For `If-Match` of a change"}
        super().__init__(dump_only=True, required=True, metadata=told, **arguments)


class ReturnableSchema(Schema):
    """What one reads can be sent back as it came."""

    @ma.pre_load
    def drop_told(self, data: Any, **_named: Any) -> Any:
        """Leave out what is only told."""
        if not isinstance(data, Mapping):
            return data
        return {name: value for name, value in data.items() if name not in self.dump_fields_only}

    @property
    def dump_fields_only(self) -> set[str]:
        """Return the names of what is told and not taken."""
        return {name for name, field in self.fields.items() if field.dump_only}


class SettingSchema(ReturnableSchema):
    """What every setting has."""

    retired = Flag(
        load_default=None,
        metadata={"description": "Left out of a change, it stays what it is"},
    )
    etag = Etag()


class SettingsSchema(Schema):
    """All settings of a kind; there are never so many that a next page was needed."""

    next = fields.String(required=True, allow_none=True)


class TeamSchema(SettingSchema):
    """Who answers, where they are told, and in whose working time: null is the city's."""

    code = Code(required=True)
    names = Texts(required=True)
    email = Email(required=True, longest=254)
    calendar = Code(allow_none=True, load_default=None)


class TeamChangeSchema(TeamSchema):
    """What a team is to be; a code stays what it is."""

    code = Code()


class GroupSchema(SettingSchema):
    """A heading for categories; without a position it comes last, or stays where it is."""

    code = Code(required=True)
    names = Texts(required=True)
    position = Whole(validate=validate.Range(min=0, max=MAX_POSITION))


class GroupChangeSchema(GroupSchema):
    """What a group is to be; a code stays what it is."""

    code = Code()


class ChoiceSchema(Schema):
    """One of the answers that a question offers."""

    code = Code(required=True)
    names = Texts(required=True)


class AskedSchema(Schema):
    """What a category asks, with its texts in every language."""

    code = Code(required=True)
    texts = Texts(required=True, longest=500)
    type = Choice(QuestionType, required=True)
    required = Flag(load_default=False)
    choices = fields.List(
        fields.Nested(ChoiceSchema), load_default=list, validate=validate.Length(max=MAX_CHOICES)
    )


class CategorySettingSchema(SettingSchema):
    """What can be reported, with its texts in every language."""

    code = Code(required=True)
    group = Code(required=True)
    names = Texts(required=True)
    descriptions = Texts(required=True, longest=MAX_TEXT)
    kinds = fields.List(Choice(Kind), required=True, validate=validate.Length(min=1, max=len(Kind)))
    public = Flag(load_default=True)
    priority = Choice(Priority, load_default=Priority.NORMAL.value)
    target_hours = Whole(
        allow_none=True,
        load_default=None,
        validate=validate.Range(min=1, max=MAX_TARGET_HOURS),
    )
    target_hours_by_priority = fields.Dict(
        keys=Choice(Priority),
        values=Whole(validate=validate.Range(min=1, max=MAX_TARGET_HOURS)),
        load_default=dict,
    )
    position = Whole(validate=validate.Range(min=0, max=MAX_POSITION))
    questions = fields.List(
        fields.Nested(AskedSchema), load_default=list, validate=validate.Length(max=MAX_QUESTIONS)
    )


class CategoryChangeSchema(CategorySettingSchema):
    """What a category is to be; a code stays what it is."""

    code = Code()


class StaffSchema(SettingSchema):
    """Somebody who works for the city, known by `id`, since an address may change."""

    id = fields.Integer(dump_only=True, required=True)
    email = Email(required=True, longest=254)
    name = Line(required=True)
    role = Choice(Role, required=True)
    locale = fields.String(required=True, validate=validate.Length(min=2, max=3))
    teams = fields.List(Code(), load_default=list, validate=validate.Length(max=MAX_TEAMS))
    password_set = fields.Boolean(dump_only=True, required=True)
    second_factor = fields.Boolean(dump_only=True, required=True)


class TeamsSchema(SettingsSchema):
    """The city's teams."""

    items = fields.List(fields.Nested(TeamSchema), required=True)


class GroupsSchema(SettingsSchema):
    """The city's groups of categories."""

    items = fields.List(fields.Nested(GroupSchema), required=True)


class CategorySettingsSchema(SettingsSchema):
    """The city's categories."""

    items = fields.List(fields.Nested(CategorySettingSchema), required=True)


class StaffListSchema(SettingsSchema):
    """Who works for the city."""

    items = fields.List(fields.Nested(StaffSchema), required=True)
