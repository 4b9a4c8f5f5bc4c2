"""Moderation: what the public no longer sees, and sees again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.staff import Staff
from reports import gallery, history, messages, work
from reports.history import EventKind
from reports.models import Author, Photo, Report, Ticket, Visibility
from reports.resident import reading

_REPORT = {Visibility.HIDDEN: EventKind.HIDDEN, Visibility.SHOWN: EventKind.SHOWN}
_PHOTO = {Visibility.HIDDEN: EventKind.PHOTO_HIDDEN, Visibility.SHOWN: EventKind.PHOTO_SHOWN}


class UnknownPhoto(Exception):
    """The jurisdiction has no such photo."""


def find_report(session: Session, staff: Staff, reference: str) -> Report:
    """Return the report of the person's jurisdiction, or raise UnknownReport."""
    return reading.find_in(session, staff.jurisdiction_id, reference)


def find_photo(session: Session, staff: Staff, public_id: UUID) -> Photo:
    """Return the photo of the person's jurisdiction, or raise UnknownPhoto."""
    photo = session.scalar(
        select(Photo).where(
            Photo.public_id == public_id, Photo.jurisdiction_id == staff.jurisdiction_id
        )
    )
    if photo is None:
        raise UnknownPhoto(public_id)
    return photo


def set_report(
    session: Session,
    staff: Staff,
    report: Report,
    visibility: Visibility,
    reason: str | None,
    now: datetime,
) -> None:
    """Hide a report from the public or show it; again is harmless."""
    ticket = work.lock_of(session, report.id)
    session.refresh(report)
    if report.visibility != visibility:
        report.visibility = visibility.value
        _write(session, staff, ticket, report.id, _REPORT[visibility], reason, now)


def set_photo(
    session: Session,
    staff: Staff,
    photo: Photo,
    visibility: Visibility,
    reason: str | None,
    now: datetime,
) -> None:
    """Hide a photo from the public or show it; again is harmless."""
    ticket = gallery.hold_ticket(session, photo)
    session.refresh(photo)
    if photo.visibility != visibility:
        photo.visibility = visibility.value
        data = {"photo": str(photo.public_id)}
        _write(session, staff, ticket, photo.report_id, _PHOTO[visibility], reason, now, data)


def _write(
    session: Session,
    staff: Staff,
    ticket: Ticket,
    report_id: int | None,
    kind: EventKind,
    reason: str | None,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    message = reason and messages.by_city(ticket, staff.person_id, now, reason=reason)
    history.append(
        session,
        ticket,
        kind,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        report_id=report_id,
        message=message or None,
        data=data,
    )
