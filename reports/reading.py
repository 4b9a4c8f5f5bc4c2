"""Reports as they are read: by the public, by the reporter, in lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from city.models import Category, Jurisdiction, Kind, Team
from geo.coordinates import Position
from geo.models import District
from infra.words import Reader
from reports import gallery
from reports.filters import Filters, Mark, before, conditions, says
from reports.history import status_text
from reports.models import (
    Contact,
    Membership,
    Message,
    Photo,
    PhotoStatus,
    Report,
    Ticket,
    Visibility,
)
from reports.references import MalformedReference, normalise
from reports.status import CLOSED, Status
from reports.things import Thing


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
class ReporterExtras:
    """What only the reporter sees beside the public view."""

    contact: Contact | None
    can: tuple[str, ...]
    photos_remaining: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and where the next one begins."""

    items: list[ReportView]
    next: Mark | None


# A report in no district comes with None in the district's place.
_Row = Row[Report, Ticket, Category, Team, District, str | None, list[str]]
_Query = Select[Report, Ticket, Category, Team, District, str | None, list[str]]


def find(session: Session, reference: str, *, holder: str | None) -> Report:
    """Return the report that a reference names.

    `holder` is the reference whose tracking token the caller holds. Raise UnknownReport, or
    HiddenReport for a reporter whose report was hidden.
    """
    try:
        wanted = normalise(reference)
    except MalformedReference as error:
        raise UnknownReport(reference) from error
    report = session.scalar(select(Report).where(Report.reference == wanted))
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
    rows = session.execute(_query().where(Report.id == report.id)).all()
    return _views(session, rows, locale)[0]


def reporter_extras(session: Session, report: Report, ticket: Ticket) -> ReporterExtras:
    """Return what the reporter sees beside the public view, and what they can do now."""
    remaining = gallery.remaining(session, report.id)
    can = ["message"]
    if remaining and not ticket.withdrawn:
        can.append("photo")
    if Status(ticket.status) not in CLOSED:
        can.append("withdraw")
    contact = session.get(Contact, report.id, populate_existing=True)
    return ReporterExtras(contact, tuple(can), remaining)


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
    query = (
        _query()
        .where(
            Report.jurisdiction_id == jurisdiction.id,
            Report.visibility == Visibility.SHOWN.value,
            Category.public,
            Report.category_id.in_(_public_categories(jurisdiction.id)),
            *conditions(wanted, Report.location, Report.created_at),
        )
        .order_by(Report.created_at.desc(), Report.id.desc())
        .limit(limit + 1)
    )
    if words:
        query = query.where(says(words, Report.description, Report.address))
    if mark is not None:
        query = query.where(before(mark, Report.created_at, Report.id))
    rows = session.execute(query).all()
    last = rows[limit - 1][0] if len(rows) > limit else None
    return Page(
        items=_views(session, rows[:limit], locale),
        next=Mark(last.created_at, last.id) if last else None,
    )


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
    for photo in session.scalars(
        select(Photo)
        .where(Photo.report_id.in_(report_ids), Photo.visibility == Visibility.SHOWN.value)
        .order_by(Photo.id)
    ):
        one = PhotoView(str(photo.public_id), photo.status, photo.reason, photo.placeholder)
        found[photo.report_id] = (*found.get(photo.report_id, ()), one)
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


def _public_categories(jurisdiction_id: int) -> Select[int]:
    return select(Category.id).where(Category.jurisdiction_id == jurisdiction_id, Category.public)


def _query() -> _Query:
    """Return the query that all views are made of: reports in their current tickets."""
    return (
        select(Report, Ticket, Category, Team, District, Message.body, Jurisdiction.locales)
        .join(Membership, (Membership.report_id == Report.id) & Membership.left_at.is_(None))
        .join(Ticket, Ticket.id == Membership.ticket_id)
        .join(Category, Category.id == Ticket.category_id)
        .join(Team, Team.id == Ticket.team_id)
        .join(Jurisdiction, Jurisdiction.id == Report.jurisdiction_id)
        .outerjoin(District, District.id == Ticket.district_id)
        .outerjoin(Message, Message.id == Ticket.public_message_id)
    )


def _views(session: Session, rows: Sequence[_Row], locale: str) -> list[ReportView]:
    photos = photos_of(session, [row[0].id for row in rows])
    together = _reports_per_ticket(session, {row[1].id for row in rows})
    return [_view(row, photos.get(row[0].id, ()), together[row[1].id] - 1, locale) for row in rows]


def _view(row: _Row, photos: tuple[PhotoView, ...], supports: int, locale: str) -> ReportView:
    report, ticket, category, team, district, message, locales = row
    reader = Reader(locale, locales)
    return ReportView(
        reference=report.reference,
        ticket=ticket.reference,
        kind=report.kind,
        category=Thing.of(category, reader),
        description=report.description,
        location=report.location,
        address=report.address,
        district=Thing.of(district, reader) if district else None,
        team=Thing.of(team, reader),
        status=ticket.status,
        status_text=status_text(
            locale, Status(ticket.status), kind=Kind(ticket.kind), withdrawn=ticket.withdrawn
        ),
        public_message=message,
        created_at=report.created_at,
        updated_at=ticket.updated_at,
        due_at=ticket.due_at,
        closed_at=ticket.closed_at,
        photos=photos,
        supports=supports,
    )


def _reports_per_ticket(session: Session, ticket_ids: set[int]) -> dict[int, int]:
    query = (
        select(Membership.ticket_id, func.count())
        .where(Membership.ticket_id.in_(ticket_ids), Membership.left_at.is_(None))
        .group_by(Membership.ticket_id)
    )
    return dict(session.execute(query).all())
