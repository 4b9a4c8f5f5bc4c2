"""Gives the demo city a past: its reports go through the same doors as everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import yaml
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from city.access import Role
from city.models import Channel, Jurisdiction, Kind, Person
from geo.coordinates import Position
from infra.storage import Storage
from reports import conversation, errands, gallery, intake, work
from reports.demo.pictures import draw
from reports.intake import ContactDetails, NewReport, Recorder
from reports.models import Notice, NoticeStatus, Report, Ticket
from reports.photos import Rendering, render
from reports.relance import Stage
from reports.status import Status
from reports.work import Move

PAST = Path(__file__).parent / "reports.yaml"


def is_loaded(session: Session, jurisdiction: Jurisdiction) -> bool:
    """Tell whether the city has any report already."""
    found = select(Report.id).where(Report.jurisdiction_id == jurisdiction.id).limit(1)
    return session.scalar(found) is not None


def load(
    session: Session, storage: Storage, jurisdiction: Jurisdiction, now: datetime
) -> Iterator[tuple[int, int]]:
    """Write the past, telling after each report how many of how many are done."""
    dispatcher = session.scalars(
        select(Person)
        .where(Person.jurisdiction_id == jurisdiction.id, Person.role == Role.DISPATCHER.value)
        .order_by(Person.id)
        .limit(1)
    ).one()
    entries = cast(list[dict[str, Any]], yaml.safe_load(PAST.read_text(encoding="utf-8")))
    # Drawing takes most of the time. The processes are spawned, since a fork would inherit the
    # storage's threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        drawn = [
            [pool.submit(_draw, **picture) for picture in entry.get("pictures", [])]
            for entry in entries
        ]
        for number, entry in enumerate(entries, start=1):
            pictures = [future.result() for future in drawn[number - 1]]
            _relive(session, storage, dispatcher, entry, pictures, now)
            yield number, len(entries)
    # What happened long ago is news to nobody.
    session.execute(
        update(Notice)
        .where(
            Notice.jurisdiction_id == jurisdiction.id,
            Notice.status == NoticeStatus.PENDING.value,
        )
        .values(status=NoticeStatus.DROPPED.value)
    )
    session.execute(
        update(Ticket)
        .where(Ticket.jurisdiction_id == jurisdiction.id, Ticket.due_at < now)
        .values(relance=Stage.ESCALATED)
    )
    errands.take(session)


def _draw(subject: str, seed: int) -> tuple[bytes, Rendering]:
    data = draw(subject, seed)
    return data, render(data)


def _relive(
    session: Session,
    storage: Storage,
    dispatcher: Person,
    entry: dict[str, Any],
    pictures: list[tuple[bytes, Rendering]],
    now: datetime,
) -> None:
    sent_at = now - timedelta(**entry["age"])
    taken = intake.submit(session, _new_report(entry, dispatcher, sent_at), sent_at)
    report = session.get_one(Report, taken.report.id)
    for data, rendering in pictures:
        _add_photo(session, storage, report, data, rendering, sent_at + timedelta(seconds=20))
    acts = [*entry["steps"], *entry.get("messages", [])]
    for act in sorted(acts, key=lambda act: timedelta(**act["after"])):
        at = sent_at + timedelta(**act["after"])
        if "to" in act:
            ticket = work.lock_of(session, report.id)
            step = Move(Status(act["to"]), dispatcher.id, act["reason"], act.get("public_message"))
            work.move(session, ticket, step, at)
        else:
            conversation.write_message(session, report, act["text"], at)


def _add_photo(
    session: Session,
    storage: Storage,
    report: Report,
    data: bytes,
    rendering: Rendering,
    at: datetime,
) -> None:
    upload = gallery.receive(uuid4(), data)
    key = gallery.original_key(report.id, upload.name)
    storage.put(key, data, upload.facts.media_type)
    photo, _ = gallery.add(session, report, upload, at)
    claimed = gallery.claim(session, photo.id, at, lease_s=1)
    if claimed is not None:
        gallery.publish(storage, photo, rendering)
        gallery.record_ready(session, claimed, rendering, at)


def _new_report(entry: dict[str, Any], dispatcher: Person, sent_at: datetime) -> NewReport:
    channel = Channel(entry["channel"])
    contact = entry.get("contact")
    recorded = channel is not Channel.APP
    return NewReport(
        kind=Kind(entry["kind"]),
        category=entry["category"],
        description=entry["description"],
        position=Position(**entry["location"]),
        address=entry.get("address"),
        answers=_answers(entry.get("answers", {}), sent_at),
        contact=ContactDetails(**contact) if contact else None,
        locale=entry["locale"],
        channel=channel,
        recorder=Recorder(dispatcher.jurisdiction_id, dispatcher.id) if recorded else None,
    )


def _answers(given: dict[str, Any], sent_at: datetime) -> dict[str, object]:
    return {
        code: (sent_at - timedelta(**answer["before"])).isoformat()
        if isinstance(answer, dict)
        else answer
        for code, answer in given.items()
    }
