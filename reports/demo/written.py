"""What of the demo city's past is written by hand, in `reports.yaml`, as acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

from city.models import Channel, Kind
from geo.coordinates import Position
from reports.demo import deeds
from reports.demo.stage import Act
from reports.demo.words import Reply, answers
from reports.intake import ContactDetails, NewReport
from reports.status import Status

PAST = Path(__file__).parent / "reports.yaml"


def acts(now: datetime) -> Iterator[Act]:
    """Return what happened, report after report."""
    entries = cast(list[dict[str, Any]], yaml.safe_load(PAST.read_text(encoding="utf-8")))
    for number, entry in enumerate(entries):
        yield from _acts(f"written/{number}", entry, now - timedelta(**entry["age"]))


def _acts(key: str, entry: Mapping[str, Any], sent_at: datetime) -> Iterator[Act]:
    pictures = tuple((one["subject"], one["seed"]) for one in entry.get("pictures", []))
    yield Act(sent_at, deeds.send(key, _new_report(entry, sent_at)), True, pictures)
    for number, picture in enumerate(pictures, start=1):
        yield Act(sent_at + timedelta(seconds=20 * number), deeds.photograph(key, picture))
    for step in entry["steps"]:
        reply = Reply(step["reason"], step.get("public_message"))
        deed = deeds.move(key, Status(step["to"]), reply, by_dispatcher=True)
        yield Act(sent_at + timedelta(**step["after"]), deed)
    for message in entry.get("messages", []):
        yield Act(sent_at + timedelta(**message["after"]), deeds.write(key, message["text"]))


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
