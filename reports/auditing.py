"""Looking back: the audit of the set-up and the history of tickets as one list, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, sessionmaker

from city.models import AuditEntry, Team
from geo.models import District
from reports import snapshots
from reports.filters import Mark
from reports.history import EventKind
from reports.models import Event, Report, Ticket
from reports.references import MalformedReference, normalise

TICKET = "ticket"
EXPORTED_AT_ONCE = 1_000

# What happened at the same moment is told in the order of one number, so that a cursor need hold no
# more: tickets' events by their ticket and sequence number, after all entries of the audit.
_SEQ_BITS = 20
_ENTRIES_FROM = 1 << 62


class Source(StrEnum):
    """Where something was written down: in the audit, or in a ticket's history."""

    AUDIT = "audit"
    TICKETS = "tickets"


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What the list is narrowed to; an empty sequence or None leaves a filter out."""

    sources: Sequence[str] = ()
    person_id: int | None = None
    acts: Sequence[str] = ()
    things: Sequence[str] = ()
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Who did what to which thing, and when; `changes` holds ids, codes and the city's words."""

    at: datetime
    source: Source
    actor: str
    person_id: int | None
    act: str
    thing: str
    reference: str | None
    changes: dict[str, Any]
    rank: int

    @property
    def mark(self) -> Mark:
        """Return where the line stands in the list."""
        return Mark(self.at, self.rank)


@dataclass(frozen=True, slots=True)
class _Names:
    """By what the things are known outside of which events hold the ids, by these."""

    tickets: dict[int, str]
    reports: dict[int, str]
    teams: dict[int, str]
    districts: dict[int, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the mark after which there are more."""

    items: list[Line]
    next: Mark | None


def page(
    session: Session, jurisdiction_id: int, filters: AuditFilters, limit: int, after: Mark | None
) -> Page:
    """Return up to `limit` of what was done in the city, the newest first."""
    lists = []
    if _wants(filters, Source.AUDIT):
        lists.append(_entries(session, jurisdiction_id, filters, limit + 1, after))
    if _wants(filters, Source.TICKETS) and (not filters.things or TICKET in filters.things):
        lists.append(_events(session, jurisdiction_id, filters, limit + 1, after))
    lines = list(islice(merge(*lists, key=lambda line: line.mark, reverse=True), limit + 1))
    more = len(lines) > limit
    return Page(lines[:limit], lines[limit - 1].mark if more else None)


def export(
    sessions: sessionmaker[Session], jurisdiction_id: int, filters: AuditFilters
) -> Iterator[Line]:
    """Yield all that was done in the city, the newest first.

    No transaction is open while the caller sends what it got, however slow its reader is.
    """
    after: Mark | None = None
    while True:
        with sessions() as session:
            found = page(session, jurisdiction_id, filters, EXPORTED_AT_ONCE, after)
        yield from found.items
        after = found.next
        if after is None:
            return


def _wants(filters: AuditFilters, source: Source) -> bool:
    return not filters.sources or source in filters.sources


def _entries(
    session: Session, jurisdiction_id: int, filters: AuditFilters, limit: int, after: Mark | None
) -> list[Line]:
    query = select(AuditEntry).where(AuditEntry.jurisdiction_id == jurisdiction_id)
    query = _narrow(query, AuditEntry, AuditEntry.act, filters)
    if filters.things:
        query = query.where(AuditEntry.thing_kind.in_(filters.things))
    if filters.reference is not None:
        query = query.where(AuditEntry.thing_reference == filters.reference)
    if after is not None:
        ended = tuple_(literal(after.created_at), literal(after.id - _ENTRIES_FROM, BigInteger))
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < ended)
    newest = (AuditEntry.at.desc(), AuditEntry.id.desc())
    return [
        Line(
            at=entry.at,
            source=Source.AUDIT,
            actor=entry.actor,
            person_id=entry.person_id,
            act=entry.act,
            thing=entry.thing_kind,
            reference=entry.thing_reference,
            changes=entry.changes,
            rank=_ENTRIES_FROM + entry.id,
        )
        for entry in session.scalars(query.order_by(*newest).limit(limit))
    ]


def _events(
    session: Session, jurisdiction_id: int, filters: AuditFilters, limit: int, after: Mark | None
) -> list[Line]:
    query = select(Event).where(Event.jurisdiction_id == jurisdiction_id)
    query = _narrow(query, Event, Event.kind, filters)
    if filters.reference is not None:
        ticket_id = _ticket_id(session, jurisdiction_id, filters.reference)
        if ticket_id is None:
            return []
        query = query.where(Event.ticket_id == ticket_id)
    if after is not None:
        ticket, seq = after.id >> _SEQ_BITS, after.id & ((1 << _SEQ_BITS) - 1)
        ended = tuple_(
            literal(after.created_at), literal(ticket, BigInteger), literal(seq, Integer)
        )
        query = query.where(tuple_(Event.at, Event.ticket_id, Event.seq) < ended)
    newest = (Event.at.desc(), Event.ticket_id.desc(), Event.seq.desc())
    events = session.scalars(query.order_by(*newest).limit(limit)).all()
    names = _names(session, events)
    return [_line(event, names) for event in events]


def _names(session: Session, events: Sequence[Event]) -> _Names:
    handed = [event.data for event in events if event.kind == EventKind.HANDED_BACK.value]
    merged = {id_ for event in events for id_ in event.data.get("reports", ())}
    return _Names(
        tickets=_look_up(session, Ticket, Ticket.reference, {event.ticket_id for event in events}),
        reports=_look_up(
            session, Report, Report.reference, merged | {event.report_id for event in events}
        ),
        teams=_look_up(session, Team, Team.code, {data["team"] for data in handed}),
        districts=_look_up(session, District, District.code, {data["district"] for data in handed}),
    )


def _line(event: Event, names: _Names) -> Line:
    changes = snapshots.told(event.data)
    if event.report_id is not None:
        changes["report"] = names.reports[event.report_id]
    if "reports" in changes:
        changes["reports"] = [names.reports[id_] for id_ in changes["reports"]]
    if event.kind == EventKind.HANDED_BACK.value:
        changes["team"] = names.teams[changes["team"]]
        changes["district"] = names.districts.get(changes["district"])
    return Line(
        at=event.at,
        source=Source.TICKETS,
        actor=event.author,
        person_id=event.person_id,
        act=event.kind,
        thing=TICKET,
        reference=names.tickets[event.ticket_id],
        changes=changes,
        rank=event.ticket_id << _SEQ_BITS | event.seq,
    )


def _narrow(
    query: Select[Any], model: type[AuditEntry] | type[Event], act: Any, filters: AuditFilters
) -> Select[Any]:
    if filters.person_id is not None:
        query = query.where(model.person_id == filters.person_id)
    if filters.acts:
        query = query.where(act.in_(filters.acts))
    if filters.since is not None:
        query = query.where(model.at >= filters.since)
    if filters.until is not None:
        query = query.where(model.at < filters.until)
    return query


def _ticket_id(session: Session, jurisdiction_id: int, reference: str) -> int | None:
    try:
        wanted = normalise(reference)
    except MalformedReference:
        return None
    query = select(Ticket.id).where(Ticket.jurisdiction_id == jurisdiction_id)
    return session.scalar(query.where(Ticket.reference == wanted))


def _look_up(
    session: Session, model: Any, name: InstrumentedAttribute[str], ids: set[Any]
) -> dict[int, str]:
    """Return what things are known by outside, by id; None among the ids is nothing."""
    wanted = ids - {None}
    if not wanted:
        return {}
    return dict(session.execute(select(model.id, name).where(model.id.in_(wanted))).all())
