"""What of the demo city's past is written by hand, in `reports.yaml`, as acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import yaml

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


def acts(now: datetime) -> Iterator[Act]:
    """Return what happened, report after report."""
    entries = cast(list[dict[str, Any]], yaml.safe_load(PAST.read_text(encoding="utf-8")))
    for number, entry in enumerate(entries):
        yield from _acts(f"written/{number}", entry, now)


def _acts(key: str, entry: Mapping[str, Any], now: datetime) -> Iterator[Act]:
    rng = Random(key)  # noqa: S311 - Invented moments keep no secret.
    sent_at = _sent_at(timedelta(**entry["age"]), now, rng)
    pictures = tuple((one["subject"], one["seed"]) for one in entry.get("pictures", []))
    yield Act(sent_at, deeds.send(key, _new_report(entry, sent_at)), True, pictures)
    for number, picture in enumerate(pictures, start=1):
        yield Act(sent_at + timedelta(seconds=20 * number), deeds.photograph(key, picture))
    told = [*_steps(key, entry), *_messages(key, entry)]
    yield from _in_time(sorted(told, key=lambda one: one[0]), sent_at, now, rng)


def _sent_at(age: timedelta, now: datetime, rng: Random) -> datetime:
    """Return when it was sent: about as long ago as is written, and at another minute each."""
    if age < _A_DAY:
        return now - age * rng.uniform(0.85, 1)
    return by_day(now - age - timedelta(minutes=rng.randrange(420)), rng)


def _steps(key: str, entry: Mapping[str, Any]) -> Iterator[tuple[timedelta, Deed]]:
    for step in entry["steps"]:
        reply = Reply(step["reason"], step.get("public_message"))
        deed = deeds.move(key, Status(step["to"]), reply, by_dispatcher=True)
        yield timedelta(**step["after"]), deed


def _messages(key: str, entry: Mapping[str, Any]) -> Iterator[tuple[timedelta, Deed]]:
    for message in entry.get("messages", []):
        yield timedelta(**message["after"]), deeds.write(key, message["text"])


def _in_time(
    told: Sequence[tuple[timedelta, Deed]], sent_at: datetime, now: datetime, rng: Random
) -> Iterator[Act]:
    """Have everything happen by day, one after the other, and before now."""
    at = sent_at
    for left, (after, deed) in zip(range(len(told), 0, -1), told, strict=True):
        wanted = sent_at + after
        if after >= _A_DAY:
            wanted = by_day(wanted + timedelta(minutes=rng.randrange(180)), rng)
        at = min(max(wanted, at + _BETWEEN), now - left * _BETWEEN)
        yield Act(at, deed)


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
