"""What of the demo city's past is written by hand, in `reports.yaml`, as acts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import yaml

from city import calendars
from city.calendars import Calendar
from city.models import Channel, Kind
from geo.coordinates import Position
from reports.demo import deeds
from reports.demo.courses import by_day
from reports.demo.stage import Act, Deed
from reports.demo.words import Reply, answers
from reports.intake import ContactDetails, NewReport
from reports.status import Status

PAST = Path(__file__).parent / "reports.yaml"

_A_DAY = timedelta(days=1)
_BETWEEN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Told:
    """Something that is told of a report, so long after it was sent."""

    after: timedelta
    deed: Deed
    by_staff: bool


def acts(now: datetime, calendar: Calendar | None) -> Iterator[Act]:
    """Return what happened, report after report; staff do their part in the calendar's hours."""
    entries = cast(list[dict[str, Any]], yaml.safe_load(PAST.read_text(encoding="utf-8")))
    for number, entry in enumerate(entries):
        yield from _acts(f"written/{number}", entry, now, calendar)


def _acts(
    key: str, entry: Mapping[str, Any], now: datetime, calendar: Calendar | None
) -> Iterator[Act]:
    rng = Random(key)  # noqa: S311 - Invented moments keep no secret.
    sent_at = _sent_at(timedelta(**entry["age"]), now, rng)
    if entry["channel"] != Channel.APP:
        # Somebody of the city was there to take it.
        sent_at = calendars.subtract(calendar, sent_at, timedelta(minutes=rng.randrange(5, 90)))
    pictures = tuple((one["subject"], one["seed"]) for one in entry.get("pictures", []))
    yield Act(sent_at, deeds.send(key, _new_report(entry, sent_at)), True, pictures)
    for number, picture in enumerate(pictures, start=1):
        yield Act(sent_at + timedelta(seconds=20 * number), deeds.photograph(key, picture))
    told = sorted([*_steps(key, entry), *_messages(key, entry)], key=lambda one: one.after)
    for act in _in_time(told, sent_at, calendar, rng):
        # What follows would answer to what has not happened yet.
        if act.at >= now:
            return
        yield act


def _sent_at(age: timedelta, now: datetime, rng: Random) -> datetime:
    """Return when it was sent: about as long ago as is written, and at another minute each."""
    if age < _A_DAY:
        return now - age * rng.uniform(0.85, 1)
    return by_day(now - age - timedelta(minutes=rng.randrange(420)), rng)


def _steps(key: str, entry: Mapping[str, Any]) -> Iterator[_Told]:
    for step in entry["steps"]:
        reply = Reply(step["reason"], step.get("public_message"))
        deed = deeds.move(key, Status(step["to"]), reply, by_dispatcher=True)
        yield _Told(timedelta(**step["after"]), deed, by_staff=True)


def _messages(key: str, entry: Mapping[str, Any]) -> Iterator[_Told]:
    for message in entry.get("messages", []):
        deed = deeds.write(key, message["text"])
        yield _Told(timedelta(**message["after"]), deed, by_staff=False)


def _in_time(
    told: Iterable[_Told], sent_at: datetime, calendar: Calendar | None, rng: Random
) -> Iterator[Act]:
    """Have everything happen one after the other, when whoever does it is about."""
    at = sent_at
    for one in told:
        at = max(sent_at + one.after, at + _BETWEEN)
        if one.by_staff:
            at = calendars.add(calendar, at, timedelta(minutes=rng.randrange(1, 40)))
        elif one.after >= _A_DAY:
            at = by_day(at + timedelta(minutes=rng.randrange(180)), rng)
        yield Act(at, one.deed)


def _new_report(entry: Mapping[str, Any], sent_at: datetime) -> NewReport:
    contact = entry.get("contact")
    return NewReport(
        kind=Kind(entry["kind"]),
        category=entry["category"],
        description=entry["description"],
        position=Position(**entry["location"]),
        address=entry.get("address"),
        answers=answers(entry.get("answers", {}), sent_at),
        contact=ContactDetails(**contact) if contact else None,
        locale=entry["locale"],
        channel=Channel(entry["channel"]),
    )
