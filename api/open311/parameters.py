"""What a request says beside its path: by name, where an empty value is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NoReturn, cast
from zoneinfo import ZoneInfo

from flask import g, request
from werkzeug.datastructures import MultiDict

from api.bodies import NOT_A_TEXT, BadInput, is_storable
from api.problems import Fault
from api.services import db, locale
from city import jurisdictions
from city.models import Jurisdiction
from infra import words
from infra.notation import read_number, read_whole
from infra.words import mark, say

NOT_A_MOMENT = mark("Expected a date and time such as 2026-01-31T12:00:00Z.")
NOT_A_NUMBER = mark("Not a valid number.")
NOT_WHOLE = mark("Expected a whole number from 1 on.")
TOO_LONG = mark("Expected at most 200 characters.")
NOT_A_FLAG = mark("Expected true or false.")

_LARGEST = 1_000_000
_YEARS = range(1900, 3000)
# A plus sign that nobody has quoted arrives as a space.
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?([.,]\d{1,9})?(Z|z|[-+ ]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time that a client has named: a day, a second, or less; `end` is the moment after it."""

    begin: datetime
    end: datetime


class Parameters:
    """Parameters by name; what is wrong with one raises BadInput."""

    def __init__(self, given: MultiDict[str, str]) -> None:
        for name, value in given.items(multi=True):
            if not (is_storable(name) and is_storable(value)):
                refuse("", NOT_A_TEXT)
        self.given = given

    def one(self, name: str) -> str | None:
        """Return the value, the first that says something, or None."""
        values = (value.strip() for value in self.given.getlist(name))
        return next((value for value in values if value), None)

    def each(self, name: str) -> list[str]:
        """Return all values that say something, once each, whatever commas they have."""
        values = (value.strip() for value in self.given.getlist(name))
        return list(dict.fromkeys(value for value in values if value))

    def many(self, name: str) -> list[str]:
        """Return the values that are parted by commas, or come one by one, each once."""
        parts = (part.strip() for value in self.given.getlist(name) for part in value.split(","))
        return list(dict.fromkeys(part for part in parts if part))

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Return all names and values, in the order in which they came."""
        return self.given.items(multi=True)

    def number(self, name: str) -> float | None:
        """Return the number, in decimal digits."""
        text = self.one(name)
        try:
            return None if text is None else read_number(text)
        except ValueError:
            refuse(name, NOT_A_NUMBER)

    def count(self, name: str) -> int | None:
        """Return the whole number, from 1 to a million."""
        text = self.one(name)
        if text is None:
            return None
        try:
            number = read_whole(text)
        except ValueError:
            refuse(name, NOT_WHOLE)
        if not 1 <= number <= _LARGEST:
            refuse(name, NOT_WHOLE)
        return number

    def flag(self, name: str) -> bool:
        """Tell whether it is true; what is not given is not."""
        text = self.one(name)
        if text is None:
            return False
        if text.lower() not in _FLAGS:
            refuse(name, NOT_A_FLAG)
        return _FLAGS[text.lower()]

    def stretch(self, name: str) -> Stretch | None:
        """Return the time that is named; without an offset it is in UTC."""
        text = self.one(name)
        if text is None:
            return None
        try:
            return _read_stretch(text)
        except (OverflowError, ValueError):
            refuse(name, NOT_A_MOMENT)


def with_offset(text: str, zone: ZoneInfo) -> str:
    """Return a time with its offset, by the zone's clocks where it has none; else what it is."""
    try:
        stretch = _read_stretch(text.strip(), zone)
    except (OverflowError, ValueError):
        return text
    is_day = stretch.end - stretch.begin > timedelta(seconds=1)
    return text if is_day else stretch.begin.isoformat()


def _read_stretch(text: str, zone: tzinfo = UTC) -> Stretch:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    day, minute, second, fraction, offset = found.groups()
    clock = f"{minute or '00:00'}{second or ':00'}{(fraction or '').replace(',', '.')[:7]}"
    begin = datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper().replace(' ', '+')}")
    begin = (begin if offset else begin.replace(tzinfo=zone)).astimezone(UTC)
    if begin.year not in _YEARS:
        raise ValueError(text)
    if minute is None:
        return Stretch(begin, begin + timedelta(days=1))
    return Stretch(begin, begin + timedelta(**{"microseconds" if fraction else "seconds": 1}))


def of_query() -> Parameters:
    """Return the parameters of the query string."""
    return Parameters(request.args)


def with_query(form: Parameters) -> Parameters:
    """Return where the city is named: known clients do so in the address of what they send too."""
    return form if form.one("jurisdiction_id") else of_query()


def jurisdiction(given: Parameters) -> Jurisdiction:
    """Return the city that is meant: the one that is named, or the only one.

    Raise UnknownJurisdiction or JurisdictionRequired.
    """
    return jurisdictions.find(db(), given.one("jurisdiction_id"))


def language(given: Parameters, city: Jurisdiction) -> str:
    """Return the language that is wanted, by `locale` or by the header, or the city's own.

    It is what the answer says that it is in.
    """
    g.open311_language = _language(given, city)
    return cast(str, g.open311_language)


def language_of(tag: str) -> str | None:
    """Return which of our languages a tag such as fr-CA or en_GB means, or None."""
    found = tag.strip().replace("_", "-").partition("-")[0].lower()
    return found if found in words.locales() else None


def _language(given: Parameters, city: Jurisdiction) -> str:
    wanted = given.one("locale")
    if wanted is not None:
        if known := language_of(wanted):
            return known
    elif request.accept_languages and request.accept_languages[0][0] != "*":
        return locale()
    return city.locales[0]


def refuse(name: str, complaint: str) -> NoReturn:
    """Raise BadInput that says what is wrong with the parameter."""
    raise BadInput(Fault(say(locale(), complaint), parameter=name))


def lines(text: str) -> str:
    """Return the text with its lines ended in the one way that Vigie ends them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
