"""Tickets as staff read them: the inbox and one ticket with everything about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from city.access import Act, Reach
from city.models import Category, Jurisdiction, Person, Team
from city.sessions import Staff
from geo.columns import latitude, longitude
from geo.coordinates import Position
from geo.models import District
from infra.database import PLANNED_ANEW
from infra.words import Reader
from reports import reading, supports
from reports.filters import Filters, Mark, Order, conditions, cut, mentions, read_page
from reports.models import Membership, Notice, NoticeStatus, Report, Ticket
from reports.reading import PhotoView
from reports.status import CLOSED, Status
from reports.things import Thing, Things

MOST_COUNTED = 10_000
"""How far the tickets of a status are counted: every page of the inbox tells the counts."""
# A ticket whose clock does not run is not late, however long that takes.
_STANDS_STILL = {*CLOSED, Status.WAITING}


class Sort(StrEnum):
    """The order of the inbox."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class InboxFilters:
    """What only the inbox can be narrowed by; None leaves a filter out."""

    words: str | None = None
    priority: Sequence[str] = ()
    assignee: str | None = None
    late: bool | None = None
    unrouted: bool | None = None
    uncertain: bool | None = None
    undelivered: bool | None = None
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True, slots=True)
class TicketItem:
    """One line of the inbox; `description` is the oldest report's.

    `undelivered` says that a mail about the ticket was given up.
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
    due_at: datetime | None
    late: bool
    unrouted: bool
    uncertain: bool
    undelivered: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    version: int
    description: str = ""
    supports: int = 0
    photos: tuple[PhotoView, ...] = ()


class _Held(NamedTuple):
    """A report of a ticket, as far as its line tells of it."""

    description: str
    photos: tuple[PhotoView, ...]
    supports: int


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of the inbox and where the next begins.

    `counts` tells how many tickets each status holds, and MOST_COUNTED where there are more.
    """

    items: list[TicketItem]
    next: Mark | None
    counts: dict[str, int]


def _gave_up_a_mail() -> ColumnElement[bool]:
    return (
        select(Notice.id)
        .where(Notice.ticket_id == Ticket.id, Notice.status == NoticeStatus.FAILED.value)
        .exists()
    )


# Columns, not entities, and built once, as for the public's list in `reports.reading`.
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
        Ticket.due_at,
        Ticket.unrouted,
        Ticket.uncertain,
        _gave_up_a_mail().label("undelivered"),
        Ticket.updated_at,
        Ticket.closed_at,
        Ticket.version,
        cast(Jurisdiction.locales, Text).label("locales"),
    )
    .select_from(Ticket)
    .join(Jurisdiction, Jurisdiction.id == Ticket.jurisdiction_id)
    .outerjoin(Category, Category.id == Ticket.category_id)
    .outerjoin(Team, Team.id == Ticket.team_id)
    .outerjoin(District, District.id == Ticket.district_id)
    .outerjoin(Person, Person.id == Ticket.assignee_id)
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
    mark: Mark | None,
    locale: str,
    now: datetime,
) -> InboxPage:
    """Return the tickets that the person may see."""
    any_status = [
        *_within_reach(staff),
        *conditions(session, replace(wanted, status=()), Ticket.location, Ticket.created_at),
        *_extra_conditions(extra, now),
    ]
    narrowed = len(any_status) > 2 or bool(wanted.status)
    query = _QUERY.where(*any_status)
    if wanted.status:
        query = query.where(Ticket.status.in_(wanted.status))
    order = Order(Ticket.created_at, Ticket.id, newest_first=extra.sort is Sort.NEWEST)
    query = cut(query, order, by_place=wanted.by_place, marked=mark is not None, narrowed=narrowed)
    rows, following = read_page(session.connection(), query, order, limit, mark, itemgetter(0, 1))
    return InboxPage(
        items=_items(session, rows, locale, now),
        next=following,
        counts=_counts(session, any_status, anew=narrowed),
    )


def line(session: Session, ticket: Ticket, locale: str, now: datetime) -> TicketItem:
    """Return the ticket's line in the inbox."""
    row = session.execute(_QUERY.where(Ticket.id == ticket.id)).one()
    return _items(session, [row], locale, now)[0]


def _within_reach(staff: Staff) -> list[ColumnElement[bool]]:
    # The work on what was merged goes on elsewhere.
    found = [Ticket.jurisdiction_id == staff.jurisdiction_id, Ticket.merged_into_id.is_(None)]
    if staff.reach(Act.READ_TICKETS) is not Reach.JURISDICTION:
        found.append(Ticket.team_id.in_(staff.team_ids))
    return found


def _extra_conditions(extra: InboxFilters, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if extra.priority:
        found.append(Ticket.priority.in_(extra.priority))
    if extra.assignee is not None:
        known = select(Person.id).where(Person.email == extra.assignee.lower())
        found.append(Ticket.assignee_id.in_(known))
    late = (
        Ticket.due_at.is_not(None)
        & (Ticket.due_at < now)
        & Ticket.closed_at.is_(None)
        & Ticket.paused_at.is_(None)
    )
    for fact, wanted in (
        (late, extra.late),
        (Ticket.unrouted.is_(True), extra.unrouted),
        (Ticket.uncertain.is_(True), extra.uncertain),
        (_gave_up_a_mail(), extra.undelivered),
    ):
        if wanted is not None:
            found.append(fact if wanted else ~fact)
    if extra.words:
        found.append(mentions(extra.words))
    return found


def _counts(
    session: Session, narrowed: Sequence[ColumnElement[bool]], *, anew: bool
) -> dict[str, int]:
    """Return how many tickets each status holds, none counted beyond MOST_COUNTED."""
    found = union_all(
        *(
            select(
                literal(status.value),
                select(func.count())
                .select_from(
                    select(Ticket.id)
                    .where(*narrowed, Ticket.status == status.value)
                    .limit(MOST_COUNTED)
                    .subquery()
                )
                .scalar_subquery(),
            )
            for status in Status
        )
    )
    counted = session.execute(found, execution_options={PLANNED_ANEW: anew})
    return dict(counted.all())


def _items(
    session: Session, rows: Sequence[Sequence[Any]], locale: str, now: datetime
) -> list[TicketItem]:
    """Return the lines of rows of one jurisdiction."""
    if not rows:
        return []
    things = Things(Reader(locale, json.loads(rows[0][-1])))
    reports: dict[int, list[_Held]] = {row[1]: [] for row in rows}
    for ticket_id, description, shown, supported in session.connection().execute(
        _REPORTS, {"ticket_ids": list(reports)}
    ):
        reports[ticket_id].append(_Held(description, reading.photos(shown), supported))
    return [_item(row, reports[row[1]], things, now) for row in rows]


def _item(
    row: Sequence[Any],
    reports: Sequence[_Held],
    things: Things,
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
        due_at,
        unrouted,
        uncertain,
        undelivered,
        updated_at,
        closed_at,
        version,
        _locales,
    ) = row
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
        due_at=due_at,
        late=due_at is not None and due_at < now and Status(status) not in _STANDS_STILL,
        unrouted=unrouted,
        uncertain=uncertain,
        undelivered=undelivered,
        created_at=created_at,
        updated_at=updated_at,
        closed_at=closed_at,
        version=version,
        description=reports[0].description if reports else "",
        supports=max(0, len(reports) - 1) + sum(report.supports for report in reports),
        photos=tuple(photo for report in reports for photo in report.photos),
    )
