"""What is held about one resident: finding it, handing it out, erasing it."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal_column, or_, select
from sqlalchemy.orm import Session

from city import audit
from city.audit import AuditAct
from city.models import Category, Jurisdiction, KeptText
from city.staff import Staff
from reports import closings, phone_ends, subscriptions, work
from reports.closings import Feedback
from reports.link_models import PhotoLink
from reports.models import (
    Audience,
    Contact,
    Event,
    Membership,
    Message,
    Notice,
    Photo,
    Report,
    Ticket,
)
from reports.privacy import forgetting, phones
from reports.resident import conversation


@dataclass(frozen=True, slots=True)
class Details:
    """The contact details by which a resident is found; either may be None, not both."""

    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class HeldPhoto:
    """A photo, the storage's key of its original, and the name that it is handed out under."""

    photo: Photo
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class HeldReport:
    """One report with everything that came of it and that its reporter may know."""

    report: Report
    category: Category
    ticket: Ticket
    contact: Contact
    messages: list[Message]
    photos: list[HeldPhoto]
    photo_links: Sequence[str]
    notices: list[Notice]
    events: list[Event]
    feedback: Sequence[Feedback]


@dataclass(frozen=True, slots=True)
class HeldSubscription:
    """A report whose news the resident asked for."""

    report: str
    email: str | None
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that a jurisdiction holds about one resident."""

    jurisdiction: Jurisdiction
    exported_at: datetime
    reports: list[HeldReport]
    subscriptions: list[HeldSubscription]


def collect(session: Session, staff: Staff, who: Details, now: datetime) -> Held:
    """Return what the person's own jurisdiction holds about the resident."""
    found = _reports_of(session, staff.jurisdiction_id, who)
    return Held(
        jurisdiction=session.get_one(Jurisdiction, staff.jurisdiction_id),
        exported_at=now,
        reports=[_held(session, report) for report in found],
        subscriptions=_subscriptions(session, staff.jurisdiction_id, who),
    )


def record_export(
    session: Session, staff: Staff, who: Details, held: Held, now: datetime, secret_key: str
) -> None:
    """Write down that what was collected has been handed out."""
    counts = Counter(reports=len(held.reports), photos=sum(len(one.photos) for one in held.reports))
    _write_down(session, AuditAct.EXPORT, staff, who, counts, now, secret_key)


def erase(
    session: Session,
    staff: Staff,
    who: Details,
    text: KeptText,
    now: datetime,
    secret_key: str,
) -> Counter[str]:
    """Forget the resident in all reports of the person's own jurisdiction; return what went.

    A second time finds nothing, and is written down as well.
    """
    counts: Counter[str] = Counter()
    for report in _reports_of(session, staff.jurisdiction_id, who):
        ticket = work.lock_of(session, report.id)
        counts += forgetting.forget(session, ticket, report, text, now, person_id=staff.person_id)
    if who.email:
        ended = subscriptions.end_of_person(session, staff.jurisdiction_id, who.email)
        counts += Counter(contacts=ended)
    _write_down(session, AuditAct.ERASURE, staff, who, counts, now, secret_key, text=text)
    return counts


def _reports_of(session: Session, jurisdiction_id: int, who: Details) -> Sequence[Report]:
    """Return the reports that carry the e-mail address or the telephone number, in order of id."""
    ways: list[ColumnElement[bool]] = []
    if who.email:
        ways.append(func.lower(Contact.email) == who.email.lower())
    if who.phone:
        ways.append(literal_column(phone_ends.END_SQL) == phones.end(who.phone))
    rows = session.execute(
        select(Report, Contact)
        .join(Contact, Contact.report_id == Report.id)
        .where(Contact.jurisdiction_id == jurisdiction_id, or_(*ways))
        .order_by(Report.id)
    ).all()
    return [report for report, contact in rows if _belongs(contact, who)]


def _belongs(contact: Contact, who: Details) -> bool:
    by_email = who.email and contact.email and contact.email.lower() == who.email.lower()
    by_phone = who.phone and contact.phone and phones.same_number(contact.phone, who.phone)
    return bool(by_email or by_phone)


def _held(session: Session, report: Report) -> HeldReport:
    ticket, category = session.execute(
        select(Ticket, Category)
        .join(Membership, Membership.ticket_id == Ticket.id)
        .join(Category, Category.id == report.category_id)
        .where(Membership.report_id == report.id, Membership.left_at.is_(None))
    ).one()
    tickets = select(Membership.ticket_id).where(Membership.report_id == report.id)
    theirs = or_(Event.report_id == report.id, Event.public & Event.report_id.is_(None))
    return HeldReport(
        report=report,
        category=category,
        ticket=ticket,
        contact=session.get_one(Contact, report.id),
        messages=conversation.messages_of(session, report.id),
        photos=_photos(session, report),
        photo_links=session.scalars(
            select(PhotoLink.url).where(PhotoLink.report_id == report.id).order_by(PhotoLink.id)
        ).all(),
        notices=list(
            session.scalars(
                select(Notice)
                .where(
                    Notice.report_id == report.id,
                    Notice.audience == Audience.REPORTER.value,
                )
                .order_by(Notice.id)
            )
        ),
        events=list(
            session.scalars(
                select(Event)
                .where(Event.ticket_id.in_(tickets), theirs)
                .order_by(Event.at, Event.ticket_id, Event.seq)
            )
        ),
        feedback=closings.of_report(session, report.id),
    )


def _subscriptions(session: Session, jurisdiction_id: int, who: Details) -> list[HeldSubscription]:
    if not who.email:
        return []
    return [
        HeldSubscription(
            session.get_one(Report, one.report_id).reference,
            one.email,
            one.created_at,
            one.confirmed_at,
        )
        for one in subscriptions.of_person(session, jurisdiction_id, who.email)
    ]


def _photos(session: Session, report: Report) -> list[HeldPhoto]:
    found = session.scalars(select(Photo).where(Photo.report_id == report.id).order_by(Photo.id))
    return [
        HeldPhoto(
            photo,
            photo.original,
            f"photos/{report.reference}/{number}.{photo.media_type.partition('/')[2]}",
        )
        for number, photo in enumerate(found, start=1)
    ]


def _write_down(
    session: Session,
    act: AuditAct,
    staff: Staff,
    who: Details,
    counts: Counter[str],
    now: datetime,
    secret_key: str,
    **more: str,
) -> None:
    """Audit the act with a seal of each detail: it shows a repeat, and gives nothing away."""
    details = {
        "email": who.email and who.email.lower(),
        "phone": who.phone and phones.bare(who.phone),
    }
    seals = {
        name: _seal(secret_key, jurisdiction_id=staff.jurisdiction_id, detail=detail)
        for name, detail in details.items()
        if detail
    }
    audit.record(
        session,
        staff.jurisdiction_id,
        act,
        now,
        person_id=staff.person_id,
        thing_kind="resident",
        changes={**more, **counts, "seals": seals},
    )


def _seal(secret_key: str, jurisdiction_id: int, detail: str) -> str:
    text = f"vigie.resident\0{jurisdiction_id}\0{detail}"
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
