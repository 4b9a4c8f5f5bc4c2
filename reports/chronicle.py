"""A history as its readers get it: the whole of a ticket for staff, a report's own for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, or_, select
from sqlalchemy.orm import Session

from city.models import Jurisdiction, Kind, Person
from infra.words import Reader, mark
from reports import snapshots
from reports.history import EventKind, ground, step_text, team_name, tell
from reports.models import Author, Event, Membership, Message, Ticket
from reports.status import CLOSED

# What its own reporter, and whoever reads about that report, is told of it.
_OWN_TEXTS = {
    EventKind.JOINED: mark("The report was received, and joined with others about the same thing."),
    EventKind.MOVED_IN: mark("The report was joined with others about the same thing."),
}
_NEW_TEAM = mark("{team} answers for it now.")

_LINES = (
    select(Event, Message, Person.name, Jurisdiction.locales)
    .join(Jurisdiction, Jurisdiction.id == Event.jurisdiction_id)
    .outerjoin(Message, Message.id == Event.message_id)
    .outerjoin(Person, Person.id == Event.person_id)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of history, in words; from `public` on stands what only staff see.

    `changes` are {"field", "from", "to"}, with codes and moments, and people by name; of a place or
    an address they are {"field"} alone.
    """

    at: datetime
    kind: str
    by: Author
    text: str
    status: str | None
    body: str | None
    public: bool = True
    person: str | None = None
    reason: str | None = None
    changes: Sequence[Mapping[str, Any]] = ()
    mentions: Sequence[str] = ()


def read(session: Session, ticket_id: int, locale: str) -> list[Entry]:
    """Return the ticket's whole history in the locale, as staff read it, oldest first."""
    query = _LINES.where(Event.ticket_id == ticket_id).order_by(Event.seq)
    rows = session.execute(query).all()
    names = _names(session, [event for event, *_ in rows])
    return [
        replace(
            _entry(event, message, _text(event, message, reader)),
            public=event.public,
            person=person or event.data.get("client"),
            reason=_reason(event, message, reader),
            changes=_changes(event, names),
            mentions=[names[id_] for id_ in _mentioned(event)],
        )
        for event, message, person, locales in rows
        for reader in (Reader(locale, locales),)
    ]


def meanwhile(at: SQLColumnExpression[datetime]) -> ColumnElement[bool]:
    """Return the condition that something was at a time when a membership's report was there."""
    return (at >= Membership.joined_at) & or_(Membership.left_at.is_(None), at < Membership.left_at)


def of_wait(ticket: Ticket) -> ColumnElement[bool]:
    """Return the condition that an event is one of the ticket, or of the wait it was born into.

    What parts from a ticket that waits goes on waiting for the same thing.
    """
    own = Event.ticket_id == ticket.id
    if ticket.paused_at is None or ticket.paused_at >= ticket.created_at:
        return own
    stays = select(Membership.ticket_id).where(
        Membership.report_id.in_(
            select(Membership.report_id).where(Membership.ticket_id == ticket.id)
        )
    )
    before = (Event.at >= ticket.paused_at) & (Event.at < ticket.created_at)
    return own | (Event.ticket_id.in_(stays) & before)


def of_report(session: Session, report_id: int, locale: str) -> list[Entry]:
    """Return what the public may know of the report's history in the locale, oldest first.

    Of each ticket that it was in, that is what happened in the meantime.
    """
    query = (
        _LINES.add_columns(Ticket.kind)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .join(Membership, Membership.ticket_id == Event.ticket_id)
        .where(Membership.report_id == report_id, Event.public, meanwhile(Event.at))
        .order_by(Event.at, Membership.id, Event.seq)
    )
    told = []
    for event, message, _, locales, kind in session.execute(query):
        reader = Reader(locale, locales)
        if event.report_id == report_id and event.kind in _OWN_TEXTS:
            text = _own_text(event, message, Kind(kind), reader)
        else:
            text = _text(event, message, reader)
        told.append(_entry(event, message, text))
    return told


def _entry(event: Event, message: Message | None, text: str) -> Entry:
    return Entry(
        at=event.at,
        kind=event.kind,
        by=Author(event.author),
        text=text,
        status=event.data.get("to"),
        body=message.body if message else None,
    )


def _names(session: Session, events: Iterable[Event]) -> dict[int, str]:
    """Return the names of the people whom the events speak of, by id."""
    spoken_of = {
        id_
        for event in events
        for id_ in (*event.data.get("changes", {}).get("assignee", ()), *_mentioned(event))
        if id_ is not None
    }
    if not spoken_of:
        return {}
    query = select(Person.id, Person.name).where(Person.id.in_(spoken_of))
    return dict(session.execute(query).all())


def _mentioned(event: Event) -> Sequence[int]:
    ids: Sequence[int] = event.data.get("mentions", ())
    return ids


def _changes(event: Event, names: Mapping[int, str]) -> list[Mapping[str, Any]]:
    data = snapshots.told(event.data)
    kept = data.get("changes", {}).items()
    withheld = data.get("withheld", ())
    return [
        *(_change(field, before, after, names) for field, (before, after) in kept),
        *({"field": field} for field in withheld),
    ]


def _change(field: str, before: Any, after: Any, names: Mapping[int, str]) -> dict[str, Any]:
    if field == "assignee":
        before, after = names.get(before), names.get(after)
    return {"field": field, "from": before, "to": after}


def _reason(event: Event, message: Message | None, reader: Reader) -> str | None:
    """Return why it was done: in staff's words, in the city's, or as a code of ours."""
    words = ground(event, message)
    if words is not None:
        return words
    if "close_reason" in event.data:
        return reader.name(event.data["close_reason"]["names"])
    code: str | None = event.data.get("code")
    return code


def _own_text(event: Event, message: Message | None, kind: Kind, reader: Reader) -> str:
    """Say where the report came to, and of what was closed before how it ended."""
    told = [reader.say(_OWN_TEXTS[EventKind(event.kind)])]
    if "team" in event.data:
        told.append(reader.say(_NEW_TEAM, team=team_name(event.data, reader)))
    if event.data.get("to") in CLOSED:
        told.append(step_text(reader.locale, event.data, kind=kind))
        if message is not None and message.body:
            told.append(message.body)
    return " ".join(told)


def _text(event: Event, message: Message | None, reader: Reader) -> str:
    return tell(event.kind, event.data, message.body if message else None, reader)
