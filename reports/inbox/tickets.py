"""One ticket as staff read it, with everything about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Jurisdiction
from city.staff import Staff
from geo.coordinates import Position
from infra.words import Reader
from reports import chronicle, closings, decisions
from reports.chronicle import Entry
from reports.closings import Answer
from reports.decisions import Decision
from reports.desk import close_reasons, flags, third_parties, work_photos
from reports.desk.flags import FlagView
from reports.desk.third_parties import Held
from reports.inbox import listing
from reports.inbox.listing import TicketItem
from reports.models import Contact, Membership, Report, Ticket
from reports.resident import reading
from reports.resident.reading import PhotoView
from reports.status import GRAPH, Status
from reports.things import Thing


@dataclass(frozen=True, slots=True)
class ReportItem:
    """A report within a ticket, as staff see it."""

    reference: str
    kind: str
    description: str
    location: Position
    accuracy_m: float | None
    address: str | None
    answers: dict[str, object]
    channel: str
    external_ref: str | None
    locale: str
    observed_at: datetime | None
    created_at: datetime
    contact: Contact | None
    photos: tuple[PhotoView, ...]
    hidden_photos: tuple[PhotoView, ...]
    visibility: str


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket with all that staff may know about it.

    Its photos of the work follow those of its reports; the hidden ones are apart.
    """

    item: TicketItem
    reports: list[ReportItem]
    decision: Decision
    events: list[Entry]
    next: list[Status] = field(default_factory=list)
    merged_into: str | None = None
    feedback: list[Answer] = field(default_factory=list)
    close_reason: Thing | None = None
    third_party: Held | None = None
    hidden_photos: list[PhotoView] = field(default_factory=list)
    flags: list[FlagView] = field(default_factory=list)


def view(session: Session, staff: Staff, ticket: Ticket, locale: str, now: datetime) -> TicketView:
    """Return the ticket with its reports, its decision and its whole history, as one may see it."""
    merged_into = (
        session.get_one(Ticket, ticket.merged_into_id).reference if ticket.merged_into_id else None
    )
    locales = session.get_one(Jurisdiction, ticket.jurisdiction_id).locales
    reader = Reader(locale, locales)
    item, work = (
        listing.line(session, ticket, locale, now),
        work_photos.of_ticket(session, ticket.id),
    )
    shown = [PhotoView.of_work(photo) for photo in work if not photo.is_hidden]
    return TicketView(
        item=replace(item, photos=(*item.photos, *shown)),
        reports=_reports(session, ticket),
        decision=decisions.read(session, ticket.id, locale),
        events=chronicle.read(session, ticket.id, locale),
        next=[] if merged_into else list(GRAPH[Status(ticket.status)]),
        merged_into=merged_into,
        feedback=closings.answers(session, ticket.id),
        close_reason=close_reasons.of_ticket(session, ticket, reader),
        third_party=third_parties.holding(session, ticket, reader),
        hidden_photos=[PhotoView.of_work(photo) for photo in work if photo.is_hidden],
        flags=flags.standing(session, staff, [photo.id for photo in work], locale),
    )


def _reports(session: Session, ticket: Ticket) -> list[ReportItem]:
    rows = session.execute(
        select(Report, Contact, reading.SHOWN_PHOTOS, reading.HIDDEN_PHOTOS)
        .join(Membership, Membership.report_id == Report.id)
        .outerjoin(Contact, Contact.report_id == Report.id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
        .order_by(Membership.joined_at, Membership.id)
    ).all()
    return [
        ReportItem(
            reference=report.reference,
            kind=report.kind,
            description=report.description,
            location=report.location,
            accuracy_m=report.accuracy_m,
            address=report.address,
            answers=report.answers,
            channel=report.channel,
            external_ref=report.external_ref,
            locale=report.locale,
            observed_at=report.observed_at,
            created_at=report.created_at,
            contact=contact,
            photos=reading.photos(shown),
            hidden_photos=reading.photos(hidden),
            visibility=report.visibility,
        )
        for report, contact, shown, hidden in rows
    ]
