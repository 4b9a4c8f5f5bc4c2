"""Target times: until when a ticket should be closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from city import calendars
from city.calendars import Calendar


def target_hours(for_all: int | None, by_priority: Mapping[str, int], priority: str) -> int | None:
    """Return a category's target for the priority, in working hours; None: nothing is promised."""
    return by_priority.get(priority, for_all)


def due_at(
    start: datetime,
    target_hours: int | None,
    calendar: Calendar | None = None,
    *,
    owes_deadline: bool,
) -> datetime | None:
    """Return the deadline, or None where nothing is owed: ideas, compliments, no target.

    The target is in working hours of the calendar; without one every hour is such an hour.
    """
    if target_hours is None or not owes_deadline:
        return None
    return calendars.add(calendar, start, timedelta(hours=target_hours))


def put_off(
    moment: datetime, paused_at: datetime, now: datetime, calendar: Calendar | None
) -> datetime:
    """Return the moment moved by the working time for which the clock stood still until now."""
    return calendars.add(calendar, moment, calendars.between(calendar, paused_at, now))
