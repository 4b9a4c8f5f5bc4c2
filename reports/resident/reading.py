"""Reports as they are read: by the public, by the reporter, in lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ScalarSelect,
    Select,
    Text,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from city import jurisdictions
from city.models import Category, Jurisdiction, Kind, Team
from geo.columns import latitude, longitude
from geo.coordinates import Position
from geo.models import District
from infra.database import IN_BINARY
from infra.words import Reader
from reports.desk import work_photos
from reports.desk.work_photos import WorkPhoto
from reports.filters import Filters, Mark, Order, conditions, cut, read_page, says
from reports.history import status_text
from reports.models import (
    Membership,
    Message,
    Photo,
    Report,
    Ticket,
    Visibility,
)
from reports.references import MalformedReference, normalise
from reports.resident import supports
from reports.status import Status
from reports.things import Thing, Things


class UnknownReport(Exception):
    """There is no such report, or none that the public may see."""


class HiddenReport(Exception):
    """The report has been hidden; only its reporter learns that it existed."""


class PhotoView(NamedTuple):
    """A photo; `id` is the public one, None in `reason` unless it was rejected.

    `purpose` is None unless it shows the work.
    """

    id: str
    status: str
    reason: str | None
    placeholder: str | None
    purpose: str | None = None

    @classmethod
    def of_work(cls, photo: WorkPhoto) -> PhotoView:
        """Return the view of a photo of the work."""
        return cls(
            str(photo.public_id), photo.status, photo.reason, photo.placeholder, photo.purpose
        )


class ReportView(NamedTuple):
    """What everybody may see of a report."""

    reference: str
    ticket: str
    kind: str
    category: Thing
    description: str
    location: Position
    address: str | None
    district: Thing | None
    team: Thing
    status: str
    status_text: str
    public_message: str | None
    created_at: datetime
    updated_at: datetime
    planned_at: date | None
    due_at: datetime | None
    closed_at: datetime | None
    photos: tuple[PhotoView, ...]
    supports: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and where the next one begins."""

    items: list[ReportView]
    next: Mark | None


_PUBLIC_MESSAGE = (
    select(Message.body).where(Message.id == Ticket.public_message_id).scalar_subquery()
)
_SUPPORTS_OF = select(supports.OF_TICKET).where(Ticket.id == bindparam("ticket_id"))


def _photos_that_are(visibility: Visibility) -> ScalarSelect[Any]:
    return (
        select(
            cast(
                func.json_agg(
                    aggregate_order_by(
                        func.json_build_array(
                            Photo.public_id, Photo.status, Photo.reason, Photo.placeholder
                        ),
                        Photo.id,
                    )
                ),
                Text,
            )
        )
        .where(Photo.report_id == Report.id, Photo.visibility == visibility.value)
        .scalar_subquery()
    )


SHOWN_PHOTOS = _photos_that_are(Visibility.SHOWN)
"""The shown photos of a report in the order in which they came, for `photos`."""
_PHOTOS = msgspec.json.Decoder(tuple[PhotoView, ...])

HIDDEN_PHOTOS = _photos_that_are(Visibility.HIDDEN)
"""The hidden ones, which staff alone see."""

# Reports in their current tickets, of which all views are made. It takes columns, not entities, and
# is built once: building entities and writing the statement would each take as long as the answer.
# What is named is joined from outside, so that PostgreSQL need not guess how many rows remain.
_QUERY: Select[*tuple[Any, ...]] = (
    select(
        Report.created_at,
        Report.id,
        Report.reference,
        Ticket.reference,
        Report.kind,
        Category.code,
        cast(Category.names, Text).label("category_names"),
        Report.description,
        latitude(Report.location),
        longitude(Report.location),
        Report.address,
        District.code,
        cast(District.names, Text).label("district_names"),
        Team.code,
        cast(Team.names, Text).label("team_names"),
        Ticket.status,
        Ticket.kind,
        Ticket.withdrawn,
        _PUBLIC_MESSAGE.label("public_message"),
        Ticket.updated_at,
        Ticket.planned_on,
        Ticket.planned_at,
        Ticket.due_at,
        Ticket.closed_at,
        SHOWN_PHOTOS.label("photos"),
        supports.OF_TICKET.label("supports"),
        cast(Jurisdiction.locales, Text).label("locales"),
    )
    .select_from(Report)
    .join(Membership, (Membership.report_id == Report.id) & Membership.left_at.is_(None))
    .join(Ticket, Ticket.id == Membership.ticket_id)
    .outerjoin(Category, Category.id == Ticket.category_id)
    .outerjoin(Team, Team.id == Ticket.team_id)
    .outerjoin(District, District.id == Ticket.district_id)
    .outerjoin(Jurisdiction, Jurisdiction.id == Report.jurisdiction_id)
    .execution_options(**{IN_BINARY: True})
)

_ONE = _QUERY.where(Report.id == bindparam("report_id"))

_BY_REFERENCE = select(Report).where(Report.reference == bindparam("reference"))

_filed = aliased(Category)

PUBLIC = _QUERY.where(
    Report.jurisdiction_id == jurisdictions.id_found(bindparam("jurisdiction", type_=Text)),
    Report.visibility == Visibility.SHOWN.value,
    Report.category_id.not_in(select(_filed.id).where(_filed.public.is_(False))),
    Ticket.jurisdiction_id == Report.jurisdiction_id,
    Category.public,
)
"""What the public may see of the reports of the jurisdiction whose code is given, for `views`."""

_ORDER = Order(Report.created_at, Report.id)
_PAGES = {
    marked: cut(PUBLIC, _ORDER, by_place=False, marked=marked, narrowed=False)
    for marked in (False, True)
}


def find(session: Session, reference: str, *, holder: str | None) -> Report:
    """Return the report that a reference names.

    `holder` is the reference whose tracking token the caller holds. Raise UnknownReport, or
    HiddenReport for a reporter whose report was hidden.
    """
    report = _named(session, reference)
    opened = opens(report, holder)
    if report.visibility == Visibility.HIDDEN.value:
        raise HiddenReport if opened else UnknownReport(reference)
    if not opened and not in_public_category(session, report):
        raise UnknownReport(reference)
    return report


def find_in(session: Session, jurisdiction_id: int, reference: str) -> Report:
    """Return the report of the city, whoever may see it, or raise UnknownReport."""
    report = _named(session, reference)
    if report.jurisdiction_id != jurisdiction_id:
        raise UnknownReport(reference)
    return report


def opens(report: Report, holder: str | None) -> bool:
    """Tell whether the holder of this reference's token is the report's reporter.

    The token of a report that is no longer tied to a person opens nothing.
    """
    return report.reference == holder and report.anonymised_at is None


def current_ticket(session: Session, report: Report) -> Ticket:
    """Return the ticket that the report is in."""
    return session.scalars(
        select(Ticket)
        .join(Membership, Membership.ticket_id == Ticket.id)
        .where(Membership.report_id == report.id, Membership.left_at.is_(None))
    ).one()


def supports_of(session: Session, ticket: Ticket) -> int:
    """Return how many others say the same as the ticket's first report."""
    return int(session.execute(_SUPPORTS_OF, {"ticket_id": ticket.id}).scalar_one())


def view(session: Session, report: Report, locale: str) -> ReportView:
    """Return the public view of one report, with the photos of the work on it after its own."""
    found = views(session.execute(_ONE, {"report_id": report.id}).all(), locale)[0]
    work = map(PhotoView.of_work, work_photos.seen_with(session, report.id))
    return found._replace(photos=(*found.photos, *work))


def page(
    session: Session,
    jurisdiction: str | None,
    wanted: Filters,
    words: str | None,
    limit: int,
    mark: Mark | None,
    locale: str,
) -> Page:
    """Return public reports of the jurisdiction with the code, or of the only one, newest first.

    The cost does not grow with the depth. Raise UnknownJurisdiction or JurisdictionRequired.
    """
    narrowing = conditions(session, wanted, Report.location, Report.created_at)
    if words:
        narrowing.append(says(words))
    marked = mark is not None
    query = _PAGES[marked]
    if narrowing:
        query = cut(PUBLIC.where(*narrowing), _ORDER, by_place=wanted.by_place, marked=marked)
    rows, following = read_page(
        session.connection(),
        query,
        _ORDER,
        limit,
        mark,
        itemgetter(0, 1),
        jurisdiction=jurisdiction,
    )
    if not rows:
        # Perhaps because there is no such jurisdiction.
        jurisdictions.find(session, jurisdiction)
    return Page(views(rows, locale), following)


def is_public(session: Session, report: Report) -> bool:
    """Tell whether everybody may see the report."""
    return report.visibility == Visibility.SHOWN.value and in_public_category(session, report)


def photos(shown: str | None) -> tuple[PhotoView, ...]:
    """Return the photos that SHOWN_PHOTOS of a report gave."""
    return _PHOTOS.decode(shown) if shown else ()


def in_public_category(session: Session, report: Report) -> bool:
    """Tell whether the category that the report was filed under and its ticket's are public."""
    filed, current = session.execute(
        select(
            select(Category.public).where(Category.id == report.category_id).scalar_subquery(),
            select(Category.public)
            .join(Ticket, Ticket.category_id == Category.id)
            .join(Membership, Membership.ticket_id == Ticket.id)
            .where(Membership.report_id == report.id, Membership.left_at.is_(None))
            .scalar_subquery(),
        )
    ).one()
    return bool(filed and current)


def _named(session: Session, reference: str) -> Report:
    try:
        wanted = normalise(reference)
    except MalformedReference as error:
        raise UnknownReport(reference) from error
    report = session.scalar(_BY_REFERENCE, {"reference": wanted})
    if report is None:
        raise UnknownReport(reference)
    return report


def views(rows: Sequence[Sequence[Any]], locale: str) -> list[ReportView]:
    """Return the views of rows of one jurisdiction."""
    if not rows:
        return []
    things = Things(Reader(locale, json.loads(rows[0][-1])))
    return [_view(row, things, locale) for row in rows]


def _view(row: Sequence[Any], things: Things, locale: str) -> ReportView:
    # Unpacked in the order of _QUERY: asking each row for its columns by name takes far longer.
    (
        created_at,
        _id,
        reference,
        ticket,
        kind,
        category,
        category_names,
        description,
        latitude_deg,
        longitude_deg,
        address,
        district,
        district_names,
        team,
        team_names,
        status,
        ticket_kind,
        withdrawn,
        public_message,
        updated_at,
        planned_on,
        planned_at,
        due_at,
        closed_at,
        shown,
        supports,
        _locales,
    ) = row
    return ReportView(
        reference,
        ticket,
        kind,
        things.named(category, category_names),
        description,
        Position(latitude_deg, longitude_deg),
        address,
        things.named(district, district_names) if district else None,
        things.named(team, team_names),
        status,
        _status_text(locale, status, ticket_kind, withdrawn),
        public_message,
        created_at,
        updated_at,
        planned_on or planned_at,
        due_at,
        closed_at,
        photos(shown),
        supports,
    )


@cache
def _status_text(locale: str, status: str, kind: str, withdrawn: bool) -> str:
    return status_text(locale, Status(status), kind=Kind(kind), withdrawn=withdrawn)
