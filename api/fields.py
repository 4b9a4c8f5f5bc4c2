"""Fields that several schemas share: what clients may send, read strictly and told plainly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import email_validator
import marshmallow as ma
from marshmallow import fields, validate

from api import cursors
from api.cursors import BadCursor
from geo.coordinates import Box, ImpossiblePosition, Position
from infra.words import mark
from reports.filters import Near

MAX_TEXT = 4_000
MAX_LINE = 200
MAX_WORDS = 200
MAX_NEAR_M = 100_000
MAX_ACCURACY_M = 10_000_000
_YEARS = range(1900, 3000)
# Python reads more than this as a number: digits of other scripts, underscores, names.
_NUMBER = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")

BLANK = mark("Please write something.")
ONE_LINE = mark("Expected a single line.")
NOT_AN_EMAIL = mark("Not a valid e-mail address.")
NOT_A_BOX = mark("Expected west,south,east,north in degrees.")
NOT_NEAR = mark("Expected latitude,longitude,metres.")
NOT_A_CURSOR = mark("This is no cursor of this list.")
NOT_A_MOMENT = mark("Expected a date and time such as 2026-01-31T12:00:00Z.")
BOTH_OR_NONE = mark("Latitude and longitude belong together.")

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

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> datetime:
        found = super()._deserialize(value, *arguments, **named)
        try:
            moment = found.astimezone(UTC)
        except OverflowError as error:
            raise ma.ValidationError(NOT_A_MOMENT) from error
        if moment.year not in _YEARS:
            raise ma.ValidationError(NOT_A_MOMENT)
        return moment


class Text(fields.String):
    """Some lines that say something, up to `longest` characters."""

    def __init__(self, longest: int = MAX_TEXT, **arguments: Any) -> None:
        super().__init__(validate=[validate.Length(max=longest), _says_something], **arguments)


class AtMost(validate.Length):
    """A bound on the length of a text that may be none."""

    def __call__(self, value: Any) -> Any:
        """Let none pass, since it is no text that could be too long."""
        return value if value is None else super().__call__(value)


class Line(fields.String):
    """A single line without controls; a blank one counts as none."""

    def __init__(self, longest: int = MAX_LINE, **arguments: Any) -> None:
        super().__init__(validate=[AtMost(max=longest), _is_one_line], **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        return super()._deserialize(value, *arguments, **named).strip(" ") or None


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


class Choice(fields.String):
    """One of an enumeration's values, read as its member."""

    def __init__(self, enum: type[StrEnum], **arguments: Any) -> None:
        self._enum = enum
        values = [member.value for member in enum]
        super().__init__(validate=validate.OneOf(values), **arguments)


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
        super().__init__(metadata={"pattern": f"^ *{_NUMBER} *(, *{_NUMBER} *){{3}}$"}, **arguments)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        numbers = _numbers(super()._deserialize(value, *arguments, **named), 4, NOT_A_BOX)
        try:
            return Box(*numbers)
        except ImpossiblePosition as error:
            raise ma.ValidationError(NOT_A_BOX) from error


class NearField(fields.String):
    """`latitude,longitude,metres`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(metadata={"pattern": f"^ *{_NUMBER} *(, *{_NUMBER} *){{2}}$"}, **arguments)

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

    def __init__(self, decode: Callable[[str], Any] = cursors.decode, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._decode = decode

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return self._decode(super()._deserialize(value, *arguments, **named))
        except BadCursor as error:
            raise ma.ValidationError(NOT_A_CURSOR) from error


def in_utc(moment: datetime | None) -> str | None:
    """Return a time as we tell it: in UTC with a Z."""
    return f"{moment.astimezone(UTC).isoformat()[:-6]}Z" if moment else None


def number(**arguments: Any) -> fields.Float:
    """Return a field for a finite number."""
    return fields.Float(allow_nan=False, **arguments)


def _says_something(text: str) -> None:
    if not text.strip():
        raise ma.ValidationError(BLANK)


def _is_one_line(text: str | None) -> None:
    if text is not None and _CONTROL.search(text):
        raise ma.ValidationError(ONE_LINE)


def _numbers(text: str, count: int, complaint: str) -> list[float]:
    parts = text.split(",")
    if len(parts) != count or not all(re.fullmatch(_NUMBER, part.strip(" ")) for part in parts):
        raise ma.ValidationError(complaint)
    return [float(part) for part in parts]
