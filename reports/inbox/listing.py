"""Tickets as staff read them: the inbox and one ticket with everything about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    literal,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from city.models import Category, Jurisdiction, Person, Team
from city.staff import Staff
from geo.columns import latitude, longitude
from geo.coordinates import Position
from geo.models import District
from infra.database import PLANNED_ANEW
from infra.words import Reader
from reports import history
from reports.filters import Filters, Mark, Order, cut, read_page
from reports.inbox import tallies
from reports.inbox.narrowing import (
    OPEN_FIRST,
    InboxFilters,
    Narrowed,
    Sort,
    gave_up_a_mail,
    narrow,
    pressure,
)
from reports.inbox.tallies import Counts
from reports.models import Event, Membership, Message, Report, Ticket
from reports.resident import reading, supports
from reports.resident.reading import PhotoView
from reports.status import CLOSED, Status
from reports.things import Thing, Things

# The clock of such tickets does.
_STANDS_STILL = {*CLOSED, Status.WAITING}


class LastEvent(NamedTuple):
    """What happened to a ticket last, in words."""

    at: datetime
    kind: str
    by: str
    text: str


class OpenMark(NamedTuple):
    """The last of a page of open tickets by what presses most; `key` says how little it does."""

    key: int
    id: int


@dataclass(frozen=True, slots=True)
class TicketItem:
    """One line of the inbox; `description` is the oldest report's.

    `undelivered` says that a mail about the ticket was given up. `age_s` and `time_left_s` are as
    of now; there is no time left to tell where nothing is due, and less than none where it is late.
    """

    reference: str
    status: str
    kind: str
    category: Thing
    priority: str
    team: Thing
    assignee: str | None
    district: Thing | None
    location: Position
    address: str | None
    planned_at: date | None
    due_at: datetime | None
    late: bool
    unrouted: bool
    uncertain: bool
    undelivered: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    version: int
    age_s: int
    time_left_s: int | None
    last_event: LastEvent | None
    description: str = ""
    supports: int = 0
    report_count: int = 0
    photos: tuple[PhotoView, ...] = ()


class _Held(NamedTuple):
    """A report of a ticket, as far as its line tells of it."""

    description: str
    photos: tuple[PhotoView, ...]
    supports: int


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of the inbox, where the next begins, and how much there is in all."""

    items: list[TicketItem]
    next: Mark | OpenMark | None
    counts: Counts


_WORDS_OF_EVENT = select(Message.body).where(Message.id == Event.message_id).scalar_subquery()
_LOCALES = (
    select(Jurisdiction.locales).where(Jurisdiction.id == Ticket.jurisdiction_id).scalar_subquery()
)

# Columns, not entities, and built once, as for the public's list in `reports.reading`. With what
# narrows them, no more than eight tables are joined: of more, PostgreSQL tries but one order.
_QUERY: Select[*tuple[Any, ...]] = (
    select(
        Ticket.created_at,
        Ticket.id,
        Ticket.reference,
        Ticket.status,
        Ticket.kind,
        Category.code,
        cast(Category.names, Text).label("category_names"),
        Ticket.priority,
        Team.code,
        cast(Team.names, Text).label("team_names"),
        Person.email,
        District.code,
        cast(District.names, Text).label("district_names"),
        latitude(Ticket.location),
        longitude(Ticket.location),
        Ticket.address,
        Ticket.planned_on,
        Ticket.planned_at,
        Ticket.due_at,
        Ticket.unrouted,
        Ticket.uncertain,
        gave_up_a_mail().label("undelivered"),
        Ticket.updated_at,
        Ticket.closed_at,
        Ticket.version,
        Event.at,
        Event.kind,
        Event.author,
        cast(Event.data, Text).label("event_data"),
        _WORDS_OF_EVENT.label("event_body"),
        cast(_LOCALES, Text).label("locales"),
    )
    .select_from(Ticket)
    .outerjoin(Category, Category.id == Ticket.category_id)
    .outerjoin(Team, Team.id == Ticket.team_id)
    .outerjoin(District, District.id == Ticket.district_id)
    .outerjoin(Person, Person.id == Ticket.assignee_id)
    .outerjoin(Event, (Event.ticket_id == Ticket.id) & (Event.seq == Ticket.version))
)

_REPORTS = (
    select(
        Membership.ticket_id,
        Report.description,
        reading.SHOWN_PHOTOS.label("photos"),
        supports.OF_REPORT.label("supports"),
    )
    .join(Report, Report.id == Membership.report_id)
    .where(
        Membership.ticket_id == any_(bindparam("ticket_ids", type_=ARRAY(BigInteger))),
        Membership.left_at.is_(None),
    )
    .order_by(Membership.ticket_id, Membership.joined_at, Membership.id)
)


def page(
    session: Session,
    staff: Staff,
    wanted: Filters,
    extra: InboxFilters,
    limit: int,
    mark: Mark | OpenMark | None,
    locale: str,
    now: datetime,
) -> InboxPage:
    """Return a page of the tickets that the person may see, and the counts of all of them."""
    narrowed = narrow(session, staff, wanted, extra, now)
    if extra.sort in OPEN_FIRST:
        rows, following = _open_first(
            session, narrowed, extra.sort, limit, mark, by_place=wanted.by_place
        )
    else:
        rows, following = _by_time(
            session,
            narrowed,
            limit,
            mark if isinstance(mark, Mark) else None,
            by_place=wanted.by_place,
            newest_first=extra.sort is Sort.NEWEST,
            statuses=wanted.status,
        )
    return InboxPage(
        items=_items(session, rows, locale, now),
        next=following,
        counts=tallies.count(session, narrowed, now),
    )


def line(session: Session, ticket: Ticket, locale: str, now: datetime) -> TicketItem:
    """Return the ticket's line in the inbox."""
    row = session.execute(_QUERY.where(Ticket.id == ticket.id)).one()
    return _items(session, [row], locale, now)[0]


def _by_time(
    session: Session,
    narrowed: Narrowed,
    limit: int,
    mark: Mark | None,
    *,
    by_place: bool,
    newest_first: bool = True,
    statuses: Sequence[str] = (),
) -> tuple[Sequence[Sequence[Any]], Mark | None]:
    query = _QUERY.where(
        *narrowed.next_in_time(statuses, mark, limit + 1, newest_first=newest_first)
    )
    order = Order(Ticket.created_at, Ticket.id, newest_first=newest_first)
    query = cut(
        query,
        order,
        by_place=by_place and narrowed.found is None,
        marked=mark is not None,
        narrowed=not narrowed.is_whole or bool(statuses) or narrowed.team_ids is not None,
    )
    return read_page(
        session.connection(), query, order, limit, mark, lambda row: Mark(row[0], row[1])
    )


def _open_first(
    session: Session,
    narrowed: Narrowed,
    sort: Sort,
    limit: int,
    mark: Mark | OpenMark | None,
    *,
    by_place: bool,
) -> tuple[Sequence[Sequence[Any]], Mark | OpenMark | None]:
    """Return open tickets by what presses most, and closed ones where there are no more of them."""
    rows: list[Sequence[Any]] = []
    marks: list[OpenMark] = []
    after = mark if isinstance(mark, Mark) else None
    if after is None and (still_open := narrowed.listed(closed=False)):
        rows, marks = _pressing(session, narrowed, sort, still_open, limit + 1, mark)
        if len(rows) > limit:
            return rows[:limit], marks[limit - 1]
    closed = narrowed.listed(closed=True)
    if not closed:
        return rows, None
    room = limit - len(rows)
    more, last = _by_time(
        session, narrowed, max(room, 1), after, by_place=by_place, statuses=closed
    )
    if room == 0:
        # The open ones fill the page: all that was to be known is whether another follows.
        return rows, marks[-1] if more else None
    return [*rows, *more], last


def _pressing(
    session: Session,
    narrowed: Narrowed,
    sort: Sort,
    statuses: Sequence[str],
    limit: int,
    mark: Mark | OpenMark | None,
) -> tuple[list[Sequence[Any]], list[OpenMark]]:
    """Return open tickets and the mark of each; all that fit are looked at and sorted."""
    found = (
        select(Ticket.id, pressure(sort).label("key"))
        .where(*narrowed.any_status, Ticket.status.in_(statuses), Ticket.closed_at.is_(None))
        .subquery()
    )
    first = select(found).order_by(found.c.key, found.c.id).limit(limit)
    if mark is not None:
        first = first.where(tuple_(found.c.key, found.c.id) > tuple_(*map(literal, mark)))
    page = first.subquery()
    query = _QUERY.add_columns(page.c.key).join(page, page.c.id == Ticket.id)
    rows = session.connection().execute(
        query.order_by(page.c.key, page.c.id), execution_options={PLANNED_ANEW: True}
    )
    keyed = rows.all()
    return [row[:-1] for row in keyed], [OpenMark(row[-1], row[1]) for row in keyed]


def _items(
    session: Session, rows: Sequence[Sequence[Any]], locale: str, now: datetime
) -> list[TicketItem]:
    """Return the lines of rows of one jurisdiction."""
    if not rows:
        return []
    reader = Reader(locale, json.loads(rows[0][-1]))
    things = Things(reader)
    reports: dict[int, list[_Held]] = {row[1]: [] for row in rows}
    for ticket_id, description, shown, supported in session.connection().execute(
        _REPORTS, {"ticket_ids": list(reports)}
    ):
        reports[ticket_id].append(_Held(description, reading.photos(shown), supported))
    return [_item(row, reports[row[1]], things, reader, now) for row in rows]


def _item(
    row: Sequence[Any],
    reports: Sequence[_Held],
    things: Things,
    reader: Reader,
    now: datetime,
) -> TicketItem:
    (
        created_at,
        _id,
        reference,
        status,
        kind,
        category,
        category_names,
        priority,
        team,
        team_names,
        assignee,
        district,
        district_names,
        latitude_deg,
        longitude_deg,
        address,
        planned_on,
        planned_at,
        due_at,
        unrouted,
        uncertain,
        undelivered,
        updated_at,
        closed_at,
        version,
        event_at,
        event_kind,
        event_author,
        event_data,
        event_body,
        _locales,
    ) = row
    runs = due_at is not None and Status(status) not in _STANDS_STILL
    last_event = None
    if event_kind is not None:
        text = history.tell(event_kind, json.loads(event_data), event_body, reader)
        last_event = LastEvent(event_at, event_kind, event_author, text)
    return TicketItem(
        reference=reference,
        status=status,
        kind=kind,
        category=things.named(category, category_names),
        priority=priority,
        team=things.named(team, team_names),
        assignee=assignee,
        district=things.named(district, district_names) if district else None,
        location=Position(latitude_deg, longitude_deg),
        address=address,
        planned_at=planned_on or planned_at,
        due_at=due_at,
        late=runs and due_at < now,
        unrouted=unrouted,
        uncertain=uncertain,
        undelivered=undelivered,
        created_at=created_at,
        updated_at=updated_at,
        closed_at=closed_at,
        version=version,
        age_s=int((now - created_at).total_seconds()),
        time_left_s=int((due_at - now).total_seconds()) if runs else None,
        last_event=last_event,
        description=reports[0].description if reports else "",
        supports=max(0, len(reports) - 1) + sum(report.supports for report in reports),
        report_count=len(reports),
        photos=tuple(photo for report in reports for photo in report.photos),
    )
