"""What became of reports: the public lines of their history, as other systems poll them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session, aliased

from city.models import Category, Jurisdiction, Kind
from infra.words import Reader
from reports.chronicle import meanwhile
from reports.exchange_models import OutsideUpdate
from reports.history import EventKind, tell
from reports.models import (
    Event,
    Membership,
    Message,
    Photo,
    PhotoStatus,
    Report,
    Ticket,
    Visibility,
)
from reports.status import Status

KINDS = (
    EventKind.STATUS,
    EventKind.PLANNED,
    EventKind.THIRD_PARTY,
    EventKind.QUESTION,
    EventKind.NEWS,
    EventKind.WORK_PHOTO_ADDED,
)


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened to a report, in words, and where its work stood then.

    `photo` is the public id of a picture of the work that everybody may see.
    """

    id: str
    reference: str
    kind: EventKind
    status: Status
    code: str | None
    at: datetime
    text: str
    photo: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """From when on and before when it happened, and to which reports, None standing for any.

    `limit` and `offset` count the oldest first.
    """

    begin: datetime
    end: datetime | None
    references: Sequence[str] | None
    limit: int
    offset: int


_before = aliased(Event)
_filed = aliased(Category)
# Where the work stood: where the last step until then had brought it.
_STATUS = (
    select(_before.data["to"].astext)
    .where(
        _before.ticket_id == Event.ticket_id,
        _before.seq <= Event.seq,
        _before.data.has_key("to"),
    )
    .order_by(_before.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_LINES = (
    select(Report.reference, Event, Message.body, _STATUS, Ticket.kind, Photo.public_id)
    .select_from(Event)
    .join(Ticket, Ticket.id == Event.ticket_id)
    .join(Membership, (Membership.ticket_id == Event.ticket_id) & meanwhile(Event.at))
    .join(Report, Report.id == Membership.report_id)
    .join(Category, Category.id == Ticket.category_id)
    .join(_filed, _filed.id == Report.category_id)
    .outerjoin(Message, Message.id == Event.message_id)
    .outerjoin(
        Photo,
        (Photo.ticket_id == Event.ticket_id)
        & (cast(Photo.public_id, String) == Event.data["photo"].astext)
        & (Photo.status == PhotoStatus.READY.value)
        & (Photo.visibility == Visibility.SHOWN.value),
    )
    .where(
        Event.public,
        Event.kind.in_([kind.value for kind in KINDS]),
        Report.visibility == Visibility.SHOWN.value,
        Category.public,
        _filed.public,
    )
    .order_by(Event.at, Event.ticket_id, Event.seq, Report.id)
)


def read(session: Session, city: Jurisdiction, wanted: Wanted, locale: str) -> list[News]:
    """Return what happened to the city's public reports, the oldest first, by one statement."""
    query = _LINES.where(Event.jurisdiction_id == city.id, Event.at >= wanted.begin)
    if wanted.end is not None:
        query = query.where(Event.at < wanted.end)
    if wanted.references is not None:
        query = query.where(Report.reference.in_(wanted.references))
    reader = Reader(locale, city.locales)
    return [
        News(
            id=str(_id(reference, event.ticket_id, event.seq)),
            reference=reference,
            kind=EventKind(event.kind),
            status=Status(status or Status.RECEIVED),
            code=event.data.get("code"),
            at=event.at,
            text=tell(event.kind, {"kind": Kind(kind), **event.data}, body, reader),
            photo=str(photo) if photo else None,
        )
        for reference, event, body, status, kind, photo in session.execute(
            query.limit(wanted.limit).offset(wanted.offset)
        )
    ]


def id_of(session: Session, kept: OutsideUpdate) -> str:
    """Return by what name the news is known that an update from outside became.

    One that led to nothing has a name too, which is that of nothing else.
    """
    if kept.seq is None:
        return str(uuid5(NAMESPACE_OID, f"update {kept.api_key_id} {kept.update_id}"))
    report = session.get_one(Report, kept.report_id)
    return str(_id(report.reference, kept.ticket_id, kept.seq))


def _id(reference: str, ticket_id: int, seq: int) -> UUID:
    return uuid5(NAMESPACE_OID, f"{reference} {ticket_id} {seq}")
