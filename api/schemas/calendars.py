"""Schemas of a city's working time; what holds of it as a whole, `city/calendar_format.py` says."""

from __future__ import annotations

from datetime import date
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.fields import Code, Texts, Whole
from api.schemas.common import Schema
from api.schemas.setup import SettingSchema, SettingsSchema
from city.calendar_format import MOST_RELANCE_HOURS, SPAN_PATTERN
from city.calendars import WEEKDAYS
from infra.words import mark

MAX_SPANS = 24
MAX_DAYS = 2_000

NOT_A_SPAN = mark("Expected hours such as 08:30-12:00.")
NOT_A_DAY = mark("Expected a date such as 2026-01-31.")

_DAY = r"^\d{4}-\d{2}-\d{2}$"


class _OfCalendar(validate.Regexp):
    """Holds a day to be one of the calendar's, which the pattern by itself cannot."""

    def __call__(self, value: Any) -> Any:
        """Return the day, or raise ValidationError."""
        try:
            date.fromisoformat(super().__call__(value))
        except ValueError as error:
            raise ma.ValidationError(NOT_A_DAY) from error
        return value


class _Day(fields.String):
    """A day of the calendar."""

    def __init__(self) -> None:
        super().__init__(validate=_OfCalendar(_DAY, error=NOT_A_DAY))


class _Hours(fields.List[str]):
    """The hours of a day, in order."""

    def __init__(self, fewest: int = 0) -> None:
        span = fields.String(validate=validate.Regexp(SPAN_PATTERN, error=NOT_A_SPAN))
        super().__init__(span, validate=validate.Length(min=fewest, max=MAX_SPANS))


class _Keyed(fields.Dict):
    """Values by keys; a fault is told at its key, and within its value."""

    def deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        """Return the values, or raise ValidationError."""
        try:
            return super().deserialize(value, *arguments, **named)
        except ma.ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            faults = {
                key: places.get("key") or places["value"] for key, places in error.messages.items()
            }
            raise ma.ValidationError(faults) from error


class HolidaysSchema(Schema):
    """Whose public holidays are kept: an ISO 3166 country, and a part of it that has its own."""

    country = fields.String(required=True, validate=validate.Length(equal=2))
    subdivision = fields.String(
        allow_none=True, load_default=None, validate=validate.Length(max=10)
    )


class CalendarSchema(Schema):
    """When the city is at work: by weekday, save on holidays and on days of its own."""

    hours = _Keyed(
        keys=fields.String(validate=validate.OneOf(WEEKDAYS)),
        values=_Hours(),
        required=True,
        validate=validate.Length(min=1),
    )
    holidays = fields.Nested(HolidaysSchema, allow_none=True, load_default=None)
    closed = fields.List(_Day(), load_default=list, validate=validate.Length(max=MAX_DAYS))
    open = _Keyed(
        keys=_Day(),
        values=_Hours(fewest=1),
        load_default=dict,
        validate=validate.Length(max=MAX_DAYS),
    )


class RelanceSchema(Schema):
    """How many working hours before and after a deadline people are told of it."""

    before_hours = Whole(required=True, validate=validate.Range(min=1, max=MOST_RELANCE_HOURS))
    after_hours = Whole(required=True, validate=validate.Range(min=1, max=MOST_RELANCE_HOURS))


class WorkingTimeSchema(SettingSchema):
    """A calendar; where the city's own is null, every hour is a working hour.

    `names` and `relance` of the city's own are the city's, and null `relance` is that of others.
    """

    code = Code()
    names = Texts()
    time_zone = fields.String(dump_only=True, required=True)
    calendar = fields.Nested(CalendarSchema, required=True, allow_none=True)
    relance = fields.Nested(RelanceSchema, allow_none=True)
    following = fields.Boolean(
        dump_only=True,
        required=True,
        metadata={"description": "Deadlines of open tickets have yet to follow the last change"},
    )


class NewCalendarSchema(SettingSchema):
    """A calendar for teams."""

    class Meta:
        """What a new one is not."""

        exclude = ("retired", "etag")

    code = Code(required=True)
    names = Texts(required=True)
    calendar = fields.Nested(CalendarSchema, required=True)


class CalendarsSchema(SettingsSchema):
    """The city's own calendar, and those for teams."""

    items = fields.List(fields.Nested(WorkingTimeSchema), required=True)
