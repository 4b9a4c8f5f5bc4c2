"""Words in the reader's language: gettext catalogues beside this file, English in the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, format_timedelta, get_datetime_format
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

CATALOGUES = Path(__file__).parent / "locales"
SOURCE_LOCALE = "en"
_A_MINUTE = timedelta(minutes=1)


@cache
def locales() -> tuple[str, ...]:
    """Return the languages that Vigie itself speaks."""
    return (SOURCE_LOCALE, *sorted(path.stem for path in CATALOGUES.glob("*.po")))


@cache
def catalogue(locale: str) -> Catalog:
    """Read the catalogue of a locale, or an empty one where there is none."""
    path = CATALOGUES / f"{locale}.po"
    if not path.is_file():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def say(locale: str, message: str, **values: object) -> str:
    """Return the message in the locale, with `{name}` places filled; English where it is missing.

    Only text that the code holds may be given as `message`, never what somebody typed.
    """
    found = catalogue(locale).get(message)
    text = str(found.string) if found is not None and found.string else message
    return text.format(**values)


def say_moment(locale: str, moment: datetime, time_zone: str) -> str:
    """Return the day and time in the locale's way and in the place's own time."""
    return say_local(locale, moment.astimezone(ZoneInfo(time_zone)))


def say_local(locale: str, local: datetime) -> str:
    """Return the day and time in the locale's way, by the clock that the time is told by."""
    frame = str(get_datetime_format("long", locale=locale))
    day, hour = say_day(locale, local), format_time(local, "short", locale=locale)
    return frame.replace("{1}", day).replace("{0}", hour)


def say_day(locale: str, day: date) -> str:
    """Return the day in the locale's way."""
    said = str(format_date(day, "long", locale))
    # Unicode's data, which Babel has, lacks the one ordinal of French dates.
    return said.replace("1", "1er", 1) if locale.startswith("fr") and day.day == 1 else said


def say_number(locale: str, number: float) -> str:
    """Return the number in the locale's way, with one decimal."""
    return format_decimal(number, format="0.0", locale=locale)


def say_ago(locale: str, age: timedelta) -> str:
    """Return how long ago something was, in the locale's way; at least a minute."""
    past = -max(age, _A_MINUTE)
    return format_timedelta(past, granularity="minute", add_direction=True, locale=locale)


def say_span(locale: str, span: timedelta) -> str:
    """Return a stretch of time in the locale's way; at least a minute."""
    return format_timedelta(max(span, _A_MINUTE), granularity="minute", locale=locale)


def say_amount(locale: str, number: float) -> str:
    """Return the number in the locale's way, with as many decimals as it has, at most three."""
    return format_decimal(number, locale=locale)


def say_all(locale: str, words: Sequence[str]) -> str:
    """Return the words as a list in the locale's way, such as “a, b and c”."""
    return format_list(words, locale=locale)


def say_either(locale: str, words: Sequence[str]) -> str:
    """Return the words as a choice in the locale's way, such as “a, b or c”."""
    return format_list(words, style="or", locale=locale)


def mark(message: str) -> str:
    """Mark a message for the catalogue where it stands, to be said later."""
    return message


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the language asked for, and the city's own languages to fall back on."""

    locale: str
    fallbacks: Sequence[str]

    def say(self, message: str, **values: object) -> str:
        """Return a message of ours in the reader's language."""
        return say(self.locale, message, **values)

    def name(self, names: Mapping[str, str]) -> str:
        """Return a name of the city's in the reader's language, or the nearest to it."""
        return choose(names, self.locale, self.fallbacks)


def choose(names: Mapping[str, str], locale: str, fallbacks: Sequence[str]) -> str:
    """Return the name in the locale, else in the first fallback that has one, else any."""
    for candidate in (locale, *fallbacks):
        if candidate in names:
            return names[candidate]
    return next(iter(names.values()), "")
