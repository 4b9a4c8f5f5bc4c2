"""Fields that several schemas share: what clients may send, read strictly and told plainly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import email_validator
import marshmallow as ma
from marshmallow import fields, validate

from api import cursors
from api.cursors import BadCursor
from city.parts import CODE_PATTERN
from geo.coordinates import Box, ImpossiblePosition, Position
from infra.notation import NUMBER, in_utc, read_day, read_moment, read_number, read_whole
from infra.words import mark
from reports.filters import Near
from reports.privacy import phones

MAX_TEXT = 4_000
MAX_LINE = 200
MAX_WORDS = 200
MAX_LANGUAGES = 20
MAX_NEAR_M = 100_000
MAX_ACCURACY_M = 10_000_000
_YEARS = range(1900, 3000)
_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")

BLANK = mark("Please write something.")
# Letters and signs by their kind, of which nobody sees anything.
_BLANKS = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}
ONE_LINE = mark("Expected a single line.")
NOT_AN_EMAIL = mark("Not a valid e-mail address.")
NOT_A_BOX = mark("Expected west,south,east,north in degrees.")
NOT_NEAR = mark("Expected latitude,longitude,metres.")
NOT_A_CURSOR = mark("This is no cursor of this list.")
NOT_A_MOMENT = mark("Expected a date and time such as 2026-01-31T12:00:00Z.")
NOT_A_DAY = mark("Expected a day such as 2026-01-31.")
NOT_A_CODE = mark("Expected up to 63 small letters, digits and hyphens.")
BOTH_OR_NONE = mark("Latitude and longitude belong together.")

A_CURSOR = (
    "Where the page before ended, as its `next` has it. It is opaque, and holds for the list that"
    " it came with: the same address with the same parameters, of which `limit` alone may change."
    " Any other list's, or one that was altered, is refused. It does not run out."
)

Latitude = validate.Range(min=-90, max=90)
Longitude = validate.Range(min=-180, max=180)


class Moment(fields.AwareDateTime):
    """A time with its offset, told in UTC with a Z."""

    def __init__(self, **arguments: Any) -> None:
        messages: dict[str, Any] = dict.fromkeys(
            ("invalid", "invalid_awareness", "format"), NOT_A_MOMENT
        )
        super().__init__(format="iso", error_messages=messages, **arguments)

    def _serialize(self, value: datetime | None, *_arguments: Any, **_named: Any) -> str | None:
        return in_utc(value)

    def _deserialize(self, value: Any, *_arguments: Any, **_named: Any) -> datetime:
        try:
            moment = read_moment(value)
        except (OverflowError, TypeError, ValueError) as error:
            raise ma.ValidationError(NOT_A_MOMENT) from error
        if moment.year not in _YEARS:
            raise ma.ValidationError(NOT_A_MOMENT)
        return moment


class Day(fields.Date):
    """A day of the calendar, as the city's own clocks have it."""

    def __init__(self, **arguments: Any) -> None:
        messages: dict[str, Any] = dict.fromkeys(("invalid", "format"), NOT_A_DAY)
        super().__init__(format="iso", error_messages=messages, **arguments)

    def _deserialize(self, value: Any, *_arguments: Any, **_named: Any) -> date:
        try:
            day = read_day(value)
        except (TypeError, ValueError) as error:
            raise ma.ValidationError(NOT_A_DAY) from error
        if day.year not in _YEARS:
            raise ma.ValidationError(NOT_A_DAY)
        return day


class Number(fields.Float):
    """A finite number of a JSON document, and no text that looks like one."""

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> float:
        if isinstance(value, str):
            raise self.make_error("invalid")
        return super()._deserialize(value, *arguments, **named)


class QueryNumber(fields.Float):
    """A finite number of a query, in decimal digits."""

    def _deserialize(self, value: str, *arguments: Any, **named: Any) -> float:
        try:
            return super()._deserialize(read_number(value), *arguments, **named)
        except (TypeError, ValueError) as error:
            raise self.make_error("invalid") from error


class Whole(fields.Integer):
    """A whole number of a JSON document, and no text that looks like one."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(strict=True, **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> int:
        if isinstance(value, str):
            raise self.make_error("invalid")
        return super()._deserialize(value, *arguments, **named)


class QueryWhole(fields.Integer):
    """A whole number of a query, in decimal digits."""

    def _deserialize(self, value: str, *arguments: Any, **named: Any) -> int:
        try:
            return super()._deserialize(read_whole(value), *arguments, **named)
        except (TypeError, ValueError) as error:
            raise self.make_error("invalid") from error


class QueryFlag(fields.Boolean):
    """`true` or `false` in a query, as languages write them: Python's `True`, and 1 or 0."""

    def __init__(self, **arguments: Any) -> None:
        truthy, falsy = {"true", "True", "1"}, {"false", "False", "0"}
        super().__init__(truthy=truthy, falsy=falsy, **arguments)


class Text(fields.String):
    """Some lines, up to `longest` characters, that say something, unless they may be blank."""

    def __init__(
        self, longest: int = MAX_TEXT, *, may_be_blank: bool = False, **arguments: Any
    ) -> None:
        checks = [] if may_be_blank else [_says_something]
        super().__init__(validate=[validate.Length(max=longest), *checks], **arguments)


class AtMost(validate.Length):
    """A bound on the length of a text that may be none."""

    def __call__(self, value: Any) -> Any:
        """Let none pass, since it is no text that could be too long."""
        return value if value is None else super().__call__(value)


class Line(fields.String):
    """A single line without controls; a blank one counts as none, and none where one must be."""

    def __init__(self, longest: int = MAX_LINE, **arguments: Any) -> None:
        super().__init__(validate=[AtMost(max=longest), _is_one_line], **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *arguments, **named).strip(" ") or None
        if text is None and self.required:
            raise ma.ValidationError(BLANK)
        return text


class Email(Line):
    """An address that mail can be sent to, as far as its form tells."""

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *arguments, **named)
        if text is None:
            return None
        if "=?" in text:
            # In a header this would be read as an encoded word, and could hold another address.
            raise ma.ValidationError(NOT_AN_EMAIL)
        try:
            found = email_validator.validate_email(
                text,
                allow_smtputf8=False,
                check_deliverability=False,
                globally_deliverable=False,
            )
        except email_validator.EmailNotValidError as error:
            raise ma.ValidationError(NOT_AN_EMAIL) from error
        return found.ascii_email or found.normalized


class Phone(Line):
    """A telephone number, as somebody writes it, in whatever script."""

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *arguments, **named)
        return text and phones.plain(text)


class Choice(fields.String):
    """One of an enumeration's values, read as its member."""

    def __init__(self, enum: type[StrEnum], **arguments: Any) -> None:
        self._enum = enum
        values = [member.value for member in enum]
        super().__init__(validate=validate.OneOf(values), **arguments)


class Flag(fields.Boolean):
    """True or false, and nothing that could be taken for one of them."""

    def _deserialize(self, value: Any, *_arguments: Any, **_named: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Code(fields.String):
    """What the city calls something in addresses and files."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(validate=validate.Regexp(CODE_PATTERN, error=NOT_A_CODE), **arguments)


class Keyed(fields.Dict):
    """Values by key; a fault is told at its key."""

    def deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        """Return the values, or raise ValidationError."""
        try:
            return super().deserialize(value, *arguments, **named)
        except ma.ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            # The library would say besides whether it is the key or the value.
            faults = {key: _of_both(places) for key, places in error.messages.items()}
            raise ma.ValidationError(faults) from error


class Texts(Keyed):
    """A text for each language, by its code."""

    def __init__(self, longest: int = MAX_LINE, **arguments: Any) -> None:
        super().__init__(
            keys=fields.String(),
            values=fields.String(validate=validate.Length(max=longest)),
            validate=validate.Length(min=1, max=MAX_LANGUAGES),
            **arguments,
        )


class CommaList(fields.List[Any]):
    """Values parted by commas, given once or several times."""

    def __init__(self, enum: type[StrEnum] | None = None, **arguments: Any) -> None:
        inner = Choice(enum) if enum else fields.String(validate=validate.Length(max=MAX_LINE))
        super().__init__(inner, load_default=(), **arguments)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **named: Any
    ) -> list[Any]:
        given = value if isinstance(value, list) else [value]
        parts = [part.strip() for one in given for part in str(one).split(",") if part.strip()]
        return super()._deserialize(parts, attr, data, **named)


class BoxField(fields.String):
    """`west,south,east,north` in degrees."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(metadata={"pattern": f"^ *{NUMBER} *(, *{NUMBER} *){{3}}$"}, **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        numbers = _numbers(super()._deserialize(value, *arguments, **named), 4, NOT_A_BOX)
        try:
            return Box(*numbers)
        except ImpossiblePosition as error:
            raise ma.ValidationError(NOT_A_BOX) from error


class NearField(fields.String):
    """`latitude,longitude,metres`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(metadata={"pattern": f"^ *{NUMBER} *(, *{NUMBER} *){{2}}$"}, **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *arguments, **named)
        latitude, longitude, metres = _numbers(text, 3, NOT_NEAR)
        if not 0 <= metres <= MAX_NEAR_M:
            raise ma.ValidationError(NOT_NEAR)
        try:
            return Near(Position(latitude, longitude), metres)
        except ImpossiblePosition as error:
            raise ma.ValidationError(NOT_NEAR) from error


class CursorField(fields.String):
    """Where the page before ended."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(metadata={"description": A_CURSOR}, **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return cursors.decode(super()._deserialize(value, *arguments, **named))
        except BadCursor as error:
            raise ma.ValidationError(NOT_A_CURSOR) from error


def none_where_blank(text: str | None) -> str | None:
    """Return the text, or None where nobody would see anything of it."""
    signs = text or ""
    blank = all(unicodedata.category(sign)[0] in "CZ" or sign in _BLANKS for sign in signs)
    return None if blank else text


def _of_both(places: dict[str, Any]) -> Any:
    """Return what is wrong with a key and its value, which may be wrong within."""
    within = places.get("value")
    if isinstance(within, dict):
        return within
    return [said for found in places.values() for said in found]


def _says_something(text: str) -> None:
    if none_where_blank(text) is None:
        raise ma.ValidationError(BLANK)


def _is_one_line(text: str | None) -> None:
    if text is not None and _CONTROL.search(text):
        raise ma.ValidationError(ONE_LINE)


def _numbers(text: str, count: int, complaint: str) -> list[float]:
    try:
        numbers = [read_number(part.strip(" ")) for part in text.split(",")]
    except ValueError as error:
        raise ma.ValidationError(complaint) from error
    if len(numbers) != count:
        raise ma.ValidationError(complaint)
    return numbers
