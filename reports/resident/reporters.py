"""A report as its own reporter sees it: the public view, and what is only theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from city.models import Kind
from infra.words import Reader
from reports import closings, gallery
from reports.closings import Standing
from reports.history import status_text
from reports.intake import ContactDetails, Opening, Taken
from reports.models import Contact, Membership, Message, Photo, Report, Ticket
from reports.resident import conversation, reading
from reports.resident.reading import ReportView
from reports.status import CLOSED, Status
from reports.things import Thing


@dataclass(frozen=True, slots=True)
class ReporterView:
    """The public view, and beside it what only the reporter sees and can do now."""

    public: ReportView
    contact: ContactDetails | None
    messages: Sequence[Message]
    can: tuple[str, ...]
    photos_remaining: int


_photos = select(Photo.id).where(Photo.report_id == bindparam("report_id"))

_BESIDE = closings.beside(
    select(
        Ticket.id,
        Ticket.status,
        Ticket.withdrawn,
        Contact.report_id,
        Contact.name,
        Contact.email,
        Contact.phone,
        _photos.with_only_columns(gallery.USABLE).scalar_subquery().label("usable"),
        _photos.with_only_columns(func.count()).scalar_subquery().label("photos"),
    )
    .select_from(Membership)
    .join(Ticket, Ticket.id == Membership.ticket_id)
    .outerjoin(Contact, Contact.report_id == Membership.report_id)
    .where(Membership.report_id == bindparam("report_id"), Membership.left_at.is_(None))
)


def view(session: Session, report: Report, locale: str, now: datetime) -> ReporterView:
    """Return the report as it is now."""
    row = session.execute(_BESIDE, {"report_id": report.id}).one()
    remaining = gallery.room(row.usable, row.photos)
    return ReporterView(
        public=reading.view(session, report, locale),
        contact=ContactDetails(row.name, row.email, row.phone) if row.report_id else None,
        messages=conversation.messages_of(session, report.id),
        can=_can(Status(row.status), row.withdrawn, remaining, Standing.of(row).takes_answer(now)),
        photos_remaining=remaining,
    )


def view_of_taken(session: Session, taken: Taken, locale: str, now: datetime) -> ReporterView:
    """Return the report just taken in; of one with a new ticket, all is known already."""
    if taken.opening is None:
        return view(session, taken.report, locale, now)
    status = Status(taken.ticket.status)
    remaining = gallery.room(0, 0)
    return ReporterView(
        public=_public_view(taken.report, taken.ticket, taken.opening, locale),
        contact=taken.contact,
        messages=(),
        can=_can(status, taken.ticket.withdrawn, remaining),
        photos_remaining=remaining,
    )


def _public_view(report: Report, ticket: Ticket, opening: Opening, locale: str) -> ReportView:
    reader = Reader(locale, opening.setup.locales)
    district, status = opening.routed.record["district"], Status(ticket.status)
    return ReportView(
        reference=report.reference,
        ticket=ticket.reference,
        kind=report.kind,
        category=Thing.of(opening.setup.category, reader),
        description=report.description,
        location=report.location,
        address=report.address,
        district=Thing.told(district, reader) if district else None,
        team=Thing.of(opening.routed.team, reader),
        status=status,
        status_text=status_text(locale, status, kind=Kind(ticket.kind), withdrawn=ticket.withdrawn),
        public_message=None,
        created_at=report.created_at,
        updated_at=ticket.updated_at,
        planned_at=None,
        due_at=ticket.due_at,
        closed_at=ticket.closed_at,
        photos=(),
        supports=0,
    )


def _can(
    status: Status, withdrawn: bool, photos_remaining: int, takes_answer: bool = False
) -> tuple[str, ...]:
    can = ["message"]
    if photos_remaining and not withdrawn:
        can.append("photo")
    if takes_answer:
        can.append("feedback")
    if status not in CLOSED:
        can.append("withdraw")
    return tuple(can)
