"""Working time and deadlines, by hand and by what must hold of any calendar."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city import calendars, deadlines
from city.calendar_format import CalendarPart
from city.calendars import WEEKDAYS, Calendar

PARIS = "Europe/Paris"
OFFICE = ["09:00-12:00", "13:00-17:00"]
WEEK = dict.fromkeys(WEEKDAYS[:5], OFFICE)
ROUND_THE_CLOCK = {weekday: ["00:00-24:00"] for weekday in WEEKDAYS}
FRANCE = {"country": "FR"}
MOSELLE = {"country": "FR", "subdivision": "57"}


def calendar(zone: str = PARIS, **said: Any) -> Calendar:
    part = CalendarPart.model_validate({"hours": WEEK, "holidays": FRANCE, **said})
    found = calendars.read(zone, json.dumps(part.model_dump(mode="json")))
    assert found is not None
    return found


def paris(written: str) -> datetime:
    """Return what clocks in Paris show, as a moment in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(PARIS)).astimezone(UTC)


# What the week says: 09:00-12:00 and 13:00-17:00 from Monday to Friday, seven hours a day.
BY_HAND: list[tuple[str, str, int, str, dict[str, Any]]] = [
    ("within a morning", "2026-03-03 09:30", 2, "2026-03-03 11:30", {}),
    ("over lunch", "2026-03-03 11:30", 1, "2026-03-03 13:30", {}),
    ("at lunch", "2026-03-03 12:20", 1, "2026-03-03 14:00", {}),
    ("in the night", "2026-03-04 03:00", 1, "2026-03-04 10:00", {}),
    ("just until closing", "2026-11-27 16:00", 1, "2026-11-27 17:00", {}),
    ("over a week-end", "2026-11-27 16:00", 2, "2026-11-30 10:00", {}),
    ("Friday evening", "2026-11-27 18:30", 2, "2026-11-30 11:00", {}),
    ("Sunday", "2026-11-29 12:00", 7, "2026-11-30 17:00", {}),
    ("a week of work", "2026-11-30 09:00", 35, "2026-12-04 17:00", {}),
    ("14 July, a Tuesday", "2026-07-13 16:00", 3, "2026-07-15 11:00", {}),
    ("14 July, reported on it", "2026-07-14 10:00", 1, "2026-07-15 10:00", {}),
    ("Easter Monday", "2026-04-03 16:30", 1, "2026-04-07 09:30", {}),
    ("Good Friday in Moselle", "2026-04-02 16:30", 1, "2026-04-07 09:30", {"holidays": MOSELLE}),
    ("New Year", "2026-12-31 16:00", 2, "2027-01-04 10:00", {}),
    ("a country without", "2026-07-13 16:00", 3, "2026-07-14 11:00", {"holidays": None}),
    ("the October change", "2026-10-23 16:00", 3, "2026-10-26 11:00", {}),
    ("the March change", "2026-03-27 16:00", 3, "2026-03-30 11:00", {}),
    (
        "the Friday after Ascension Day, closed",
        *("2026-05-13 16:00", 2, "2026-05-18 10:00"),
        {"closed": ["2026-05-15"]},
    ),
    (
        "an open Saturday",
        *("2026-12-04 16:30", 1, "2026-12-05 10:30"),
        {"open": {"2026-12-05": ["10:00-12:00"]}},
    ),
    (
        "open on 14 July",
        *("2026-07-13 16:30", 1, "2026-07-14 10:30"),
        {"open": {"2026-07-14": ["10:00-12:00"]}},
    ),
    (
        "the night of 25 hours",
        *("2026-10-25 00:00", 24, "2026-10-25 23:00"),
        {"hours": ROUND_THE_CLOCK, "holidays": None},
    ),
    (
        "the night of 23 hours",
        *("2026-03-29 00:00", 24, "2026-03-30 01:00"),
        {"hours": ROUND_THE_CLOCK, "holidays": None},
    ),
    (
        "hours that the clock skips",
        *("2026-03-29 00:00", 1, "2026-03-29 04:00"),
        {"hours": {"sunday": ["02:00-03:00", "03:00-04:00"]}, "holidays": None},
    ),
]


@pytest.mark.parametrize(
    ("start", "hours", "due", "said"), [one[1:] for one in BY_HAND], ids=[one[0] for one in BY_HAND]
)
def test_a_deadline_reckoned_by_hand(
    start: str, hours: int, due: str, said: dict[str, Any]
) -> None:
    found = deadlines.due_at(paris(start), hours, calendar(**said), owes_deadline=True)
    assert found == paris(due)
    assert found is not None
    assert found.utcoffset() == timedelta(0)


def test_what_the_wall_clock_shows_is_another_time_in_utc_after_the_change() -> None:
    before = datetime(2026, 10, 23, 14, tzinfo=UTC)
    found = deadlines.due_at(before, 3, calendar(), owes_deadline=True)
    assert found == datetime(2026, 10, 26, 10, tzinfo=UTC)


# When the deadline is, from when to when the clock stood still, and when the deadline is then.
PAUSES = [
    ("over a week-end", "2026-11-30 11:00", "2026-11-27 18:00", "2026-11-30 09:00", None),
    ("into a week-end", "2026-11-30 11:00", "2026-11-27 15:00", "2026-11-28 08:00", "11-30 14:00"),
    ("into Monday", "2026-11-30 11:00", "2026-11-27 15:00", "2026-11-30 10:00", "11-30 15:00"),
    (
        "past the deadline",
        "2026-11-27 17:00",
        "2026-11-27 16:00",
        "2026-11-28 10:00",
        "11-30 10:00",
    ),
    ("late already", "2026-11-27 10:00", "2026-11-27 11:00", "2026-11-27 14:00", "11-27 12:00"),
    ("for a moment", "2026-11-30 11:00", "2026-11-27 15:00", "2026-11-27 15:00", None),
]


@pytest.mark.parametrize(
    ("due", "paused", "resumed", "then"),
    [one[1:] for one in PAUSES],
    ids=[one[0] for one in PAUSES],
)
def test_a_pause_puts_the_deadline_off_by_the_time_that_could_have_been_worked(
    due: str, paused: str, resumed: str, then: str | None
) -> None:
    expected = paris(f"2026-{then}") if then else paris(due)
    found = deadlines.put_off(paris(due), paris(paused), paris(resumed), calendar())
    assert found == expected


def test_without_a_calendar_every_hour_counts() -> None:
    start = paris("2026-11-27 18:30")
    assert deadlines.due_at(start, 24, None, owes_deadline=True) == start + timedelta(hours=24)
    later = deadlines.put_off(start, start, start + timedelta(hours=5), None)
    assert later == start + timedelta(hours=5)


def test_a_priority_without_a_target_has_that_of_all() -> None:
    assert deadlines.target_hours(24, {"urgent": 4}, "urgent") == 4
    assert deadlines.target_hours(24, {"urgent": 4}, "low") == 24
    assert deadlines.target_hours(None, {"urgent": 4}, "low") is None


@st.composite
def hours(draw: st.DrawFn) -> list[str]:
    """Return up to three spans of a day."""
    moments = sorted(draw(st.sets(st.integers(0, 96), min_size=0, max_size=6)))
    pairs = zip(moments[::2], moments[1::2], strict=False)
    return [f"{_clock(opening)}-{_clock(closing)}" for opening, closing in pairs]


def _clock(quarters: int) -> str:
    return f"{quarters // 4:02}:{quarters % 4 * 15:02}"


DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
MOMENTS = st.integers(0, 540 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
AMOUNTS = st.integers(1, 30_000).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def said(draw: st.DrawFn) -> dict[str, Any]:
    """Return what may be said of a calendar that has at least the office's Wednesday."""
    week = {weekday: draw(hours()) for weekday in WEEKDAYS} | {"wednesday": OFFICE}
    closed = draw(st.sets(DAYS, max_size=5))
    own = draw(st.dictionaries(DAYS, hours().filter(bool), max_size=3))
    return {
        "hours": week,
        "holidays": draw(st.sampled_from([None, FRANCE, MOSELLE])),
        "closed": sorted(day.isoformat() for day in closed - own.keys()),
        "open": {day.isoformat(): spans for day, spans in own.items()},
    }


ZONES = st.sampled_from([PARIS, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


@given(zone=ZONES, said=said(), start=MOMENTS, amount=AMOUNTS, more=AMOUNTS)
def test_a_deadline_is_after_the_start_and_later_with_a_longer_target(
    zone: str, said: dict[str, Any], start: datetime, amount: timedelta, more: timedelta
) -> None:
    city = calendar(zone, **said)
    due = calendars.add(city, start, amount)
    assert due >= start + amount
    assert calendars.add(city, start, amount + more) > due
    assert calendars.add(city, start + more, amount) >= due
    # There and back, and in two steps.
    assert calendars.between(city, start, due) == amount
    assert calendars.between(city, calendars.subtract(city, due, amount), due) == amount
    assert calendars.subtract(city, due, amount) >= start
    assert calendars.add(city, due, more) == calendars.add(city, start, amount + more)


@given(zone=ZONES, said=said(), start=MOMENTS, amount=AMOUNTS, day=DAYS)
def test_another_day_off_never_makes_a_deadline_earlier(
    zone: str, said: dict[str, Any], start: datetime, amount: timedelta, day: date
) -> None:
    off = {
        **said,
        "closed": [*said["closed"], day.isoformat()],
        "open": {own: spans for own, spans in said["open"].items() if own != day.isoformat()},
    }
    before = calendars.add(calendar(zone, **said), start, amount)
    assert calendars.add(calendar(zone, **off), start, amount) >= before
    bare = calendars.add(calendar(zone, **{**said, "holidays": None}), start, amount)
    assert before >= bare


@given(said=said(), start=MOMENTS, target=AMOUNTS, ran=AMOUNTS, stood=AMOUNTS)
def test_a_deadline_put_off_is_that_of_a_clock_that_began_later(
    said: dict[str, Any], start: datetime, target: timedelta, ran: timedelta, stood: timedelta
) -> None:
    city = calendar(**said)
    paused_at, now = start + ran, start + ran + stood
    due = calendars.add(city, start, target)
    put_off = deadlines.put_off(due, paused_at, now, city)
    began = deadlines.put_off(start, paused_at, now, city)
    assert calendars.add(city, began, target) == put_off
    assert put_off >= due
