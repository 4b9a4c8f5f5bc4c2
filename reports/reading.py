"""Reports as they are read: by the public, by the reporter, in lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from city.models import Category, Jurisdiction, Kind
from geo.coordinates import Position
from infra.words import Reader
from reports.filters import Filters, Mark, Order, conditions, read_page, says
from reports.history import status_text
from reports.models import (
    Membership,
    Message,
    Photo,
    PhotoStatus,
    Report,
    Ticket,
    Visibility,
)
from reports.references import MalformedReference, normalise
from reports.status import Status
from reports.things import Thing, Things, things_by_id


class UnknownReport(Exception):
    """There is no such report, or none that the public may see."""


class HiddenReport(Exception):
    """The report has been hidden; only its reporter learns that it existed."""


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo; `id` is the public one, None in `reason` unless it was rejected."""

    id: str
    status: str
    reason: str | None
    placeholder: str | None


@dataclass(frozen=True, slots=True)
class ReportView:
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
    due_at: datetime | None
    closed_at: datetime | None
    photos: tuple[PhotoView, ...]
    supports: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and where the next one begins."""

    items: list[ReportView]
    next: Mark | None


_together = aliased(Membership)

# Reports in their current tickets, of which all views are made. It joins little and takes columns,
# not entities, and is built once: planning many joins, building entities and writing the statement
# would each take as long as the answer.
_QUERY: Select[*tuple[Any, ...]] = (
    select(
        Report.id,
        Report.reference,
        Report.kind,
        Report.description,
        Report.location,
        Report.address,
        Report.created_at,
        Ticket.reference.label("ticket"),
        Ticket.status,
        Ticket.kind.label("ticket_kind"),
        Ticket.category_id,
        Ticket.team_id,
        Ticket.district_id,
        Ticket.withdrawn,
        Ticket.updated_at,
        Ticket.due_at,
        Ticket.closed_at,
        select(Message.body)
        .where(Message.id == Ticket.public_message_id)
        .scalar_subquery()
        .label("public_message"),
        select(func.count() - 1)
        .where(_together.ticket_id == Ticket.id, _together.left_at.is_(None))
        .scalar_subquery()
        .label("supports"),
    )
    .select_from(Report)
    .join(Membership, (Membership.report_id == Report.id) & Membership.left_at.is_(None))
    .join(Ticket, Ticket.id == Membership.ticket_id)
)

_PHOTOS = (
    select(Photo.report_id, Photo.public_id, Photo.status, Photo.reason, Photo.placeholder)
    .where(
        Photo.report_id.in_(bindparam("report_ids", expanding=True)),
        Photo.visibility == Visibility.SHOWN.value,
    )
    .order_by(Photo.id)
)

_BY_REFERENCE = select(Report).where(Report.reference == bindparam("reference"))

_PUBLIC_CATEGORIES = select(Category.id).where(
    Category.jurisdiction_id == bindparam("jurisdiction_id"), Category.public
)


def find(session: Session, reference: str, *, holder: str | None) -> Report:
    """Return the report that a reference names.

    `holder` is the reference whose tracking token the caller holds. Raise UnknownReport, or
    HiddenReport for a reporter whose report was hidden.
    """
    try:
        wanted = normalise(reference)
    except MalformedReference as error:
        raise UnknownReport(reference) from error
    report = session.scalar(_BY_REFERENCE, {"reference": wanted})
    if report is None:
        raise UnknownReport(reference)
    opened = opens(report, holder)
    if report.visibility == Visibility.HIDDEN.value:
        raise HiddenReport if opened else UnknownReport(reference)
    if not opened and not in_public_category(session, report):
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


def view(session: Session, report: Report, locale: str) -> ReportView:
    """Return the public view of one report."""
    row = session.execute(
        _QUERY.add_columns(Jurisdiction.locales)
        .join(Jurisdiction, Jurisdiction.id == Report.jurisdiction_id)
        .where(Report.id == report.id)
    ).one()
    return _views(session, [row], Reader(locale, row.locales))[0]


def page(
    session: Session,
    jurisdiction: Jurisdiction,
    wanted: Filters,
    words: str | None,
    limit: int,
    mark: Mark | None,
    locale: str,
) -> Page:
    """Return public reports, newest first; the cost does not grow with the depth."""
    public = _public_categories(session, jurisdiction.id)
    query = _QUERY.where(
        Report.jurisdiction_id == jurisdiction.id,
        Report.visibility == Visibility.SHOWN.value,
        Report.category_id.in_(public),
        Ticket.jurisdiction_id == jurisdiction.id,
        Ticket.category_id.in_(public),
        *conditions(session, wanted, Report.location, Report.created_at),
    )
    if words:
        query = query.where(says(words, Report.description, Report.address))
    order = Order(Report.created_at, Report.id)
    rows, following = read_page(
        session, query, order, wanted, limit, mark, lambda row: Mark(row.created_at, row.id)
    )
    return Page(_views(session, rows, Reader(locale, jurisdiction.locales)), following)


def public_photo(session: Session, public_id: object) -> Photo | None:
    """Return a photo that has its derivatives, with its report's visibility left to the caller."""
    return session.scalar(
        select(Photo).where(Photo.public_id == public_id, Photo.status == PhotoStatus.READY.value)
    )


def report_of_photo(session: Session, photo: Photo) -> Report:
    """Return the report that the photo belongs to."""
    return session.get_one(Report, photo.report_id)


def is_public(session: Session, report: Report) -> bool:
    """Tell whether everybody may see the report."""
    return report.visibility == Visibility.SHOWN.value and in_public_category(session, report)


def photos_of(session: Session, report_ids: Sequence[int]) -> dict[int, tuple[PhotoView, ...]]:
    """Return the shown photos of each report, in the order in which they came."""
    found: dict[int, tuple[PhotoView, ...]] = {}
    for report_id, public_id, status, reason, placeholder in session.execute(
        _PHOTOS, {"report_ids": report_ids}
    ):
        one = PhotoView(str(public_id), status, reason, placeholder)
        found[report_id] = (*found.get(report_id, ()), one)
    return found


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


def _public_categories(session: Session, jurisdiction_id: int) -> Sequence[int]:
    return session.scalars(_PUBLIC_CATEGORIES, {"jurisdiction_id": jurisdiction_id}).all()


def _views(
    session: Session, rows: Sequence[Row[*tuple[Any, ...]]], reader: Reader
) -> list[ReportView]:
    photos = photos_of(session, [row.id for row in rows])
    things = things_by_id(
        session,
        reader,
        categories={row.category_id for row in rows},
        teams={row.team_id for row in rows},
        districts={row.district_id for row in rows if row.district_id},
    )
    return [_view(row, photos.get(row.id, ()), things, reader.locale) for row in rows]


def _view(
    row: Row[*tuple[Any, ...]], photos: tuple[PhotoView, ...], things: Things, locale: str
) -> ReportView:
    return ReportView(
        reference=row.reference,
        ticket=row.ticket,
        kind=row.kind,
        category=things.categories[row.category_id],
        description=row.description,
        location=row.location,
        address=row.address,
        district=things.districts.get(row.district_id),
        team=things.teams[row.team_id],
        status=row.status,
        status_text=status_text(
            locale, Status(row.status), kind=Kind(row.ticket_kind), withdrawn=row.withdrawn
        ),
        public_message=row.public_message,
        created_at=row.created_at,
        updated_at=row.updated_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        photos=photos,
        supports=row.supports,
    )
