"""Working time: when a city is at work by its calendar, and how that time adds up.

A calendar's hours are what a clock on the wall shows there; what is counted is time as it passes,
so that the two days a year on which the clock is changed count with what they really have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from city import public_holidays

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Spans = tuple[tuple[int, int], ...]
"""Opening and closing in minutes since midnight, in order, none within another."""

_NONE = timedelta(0)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When a city is at work; `own_days` go before holidays, and these before the week."""

    zone: ZoneInfo
    week: tuple[Spans, ...]
    holidays: tuple[str, str | None] | None
    own_days: Mapping[date, Spans]

    def hours_on(self, day: date) -> Spans:
        """Return the working hours of a day."""
        own = self.own_days.get(day)
        if own is not None:
            return own
        if self.holidays and day in public_holidays.of_year(*self.holidays, day.year):
            return ()
        return self.week[day.weekday()]


@lru_cache(maxsize=256)
def read(time_zone: str, document: str | None) -> Calendar | None:
    """Return the calendar of a jurisdiction from its JSON; None, where every hour counts."""
    if document is None:
        return None
    said = json.loads(document)
    off = said["holidays"]
    return Calendar(
        zone=ZoneInfo(time_zone),
        week=tuple(spans(said["hours"].get(weekday, ())) for weekday in WEEKDAYS),
        holidays=(off["country"], off["subdivision"]) if off else None,
        own_days={
            **{date.fromisoformat(day): () for day in said["closed"]},
            **{date.fromisoformat(day): spans(hours) for day, hours in said["open"].items()},
        },
    )


def spans(hours: list[str] | tuple[str, ...]) -> Spans:
    """Return the spans of hours such as 08:00-12:00."""
    return tuple(_span(written) for written in hours)


def add(calendar: Calendar | None, start: datetime, amount: timedelta) -> datetime:
    """Return when so much working time will have passed since the start."""
    if calendar is None:
        return start + amount
    left, day = amount, start.astimezone(calendar.zone).toordinal()
    while left > _NONE:
        for opening, closing in _open_on(calendar, day):
            begin = max(opening, start)
            room = closing - begin
            if room >= left:
                return begin + left
            left -= max(room, _NONE)
        day += 1
    return start


def subtract(calendar: Calendar | None, end: datetime, amount: timedelta) -> datetime:
    """Return the last moment since which so much working time has passed by the end."""
    if calendar is None:
        return end - amount
    left, day = amount, end.astimezone(calendar.zone).toordinal()
    while left > _NONE:
        for opening, closing in reversed(_open_on(calendar, day)):
            finish = min(closing, end)
            room = finish - opening
            if room >= left:
                return finish - left
            left -= max(room, _NONE)
        day -= 1
    return end


def between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """Return the working time from start to end; none where the end comes first."""
    if calendar is None:
        return max(end - start, _NONE)
    first = start.astimezone(calendar.zone).toordinal()
    last = end.astimezone(calendar.zone).toordinal()
    return sum(
        (
            max(min(closing, end) - max(opening, start), _NONE)
            for day in range(first, last + 1)
            for opening, closing in _open_on(calendar, day)
        ),
        _NONE,
    )


def _span(written: str) -> tuple[int, int]:
    opening, closing = written.split("-")
    return _minutes(opening), _minutes(closing)


def _minutes(written: str) -> int:
    hours, minutes = written.split(":")
    return int(hours) * 60 + int(minutes)


@lru_cache(maxsize=16_384)
def _open_on(calendar: Calendar, ordinal: int) -> tuple[tuple[datetime, datetime], ...]:
    """Return the working hours of a day in UTC, in order; none overlaps another."""
    midnight = datetime.combine(date.fromordinal(ordinal), time.min)
    found, past = [], datetime.min.replace(tzinfo=UTC)
    for opening, closing in calendar.hours_on(midnight.date()):
        begin = max(past, _moment(calendar.zone, midnight, opening))
        past = max(begin, _moment(calendar.zone, midnight, closing))
        # What the clock skips in spring nobody has worked.
        if begin < past:
            found.append((begin, past))
    return tuple(found)


def _moment(zone: ZoneInfo, midnight: datetime, minutes: int) -> datetime:
    return (midnight + timedelta(minutes=minutes)).replace(tzinfo=zone).astimezone(UTC)
