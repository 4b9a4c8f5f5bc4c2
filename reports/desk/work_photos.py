"""Photos of the work on a ticket: what the spot looked like before it was done, and after.

They stay with the ticket that they were put on, and are shown with the one that it was merged into.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from city.access import Act
from city.staff import Staff
from infra.queue import Job
from reports import errands, gallery, history
from reports.desk import flags, handling
from reports.desk.handling import NotAllowed, TicketMerged, UnknownTicket
from reports.gallery import OtherPhoto, TooManyPhotos, Upload
from reports.history import EventKind
from reports.imaging.origin import Origin
from reports.models import Author, Membership, Photo, PhotoStatus, Ticket, Visibility
from reports.purposes import Purpose

REFUSALS = (NotAllowed, OtherPhoto, TicketMerged, TooManyPhotos, UnknownTicket)


class WorkPhoto(NamedTuple):
    """A photo of the work, as far as it is told of."""

    id: int
    public_id: UUID
    status: str
    reason: str | None
    placeholder: str | None
    purpose: str | None
    visibility: str

    @property
    def is_hidden(self) -> bool:
        """Tell whether the public may not see it."""
        return self.visibility == Visibility.HIDDEN.value


def find_same(session: Session, ticket_id: int, purpose: Purpose, upload: Upload) -> Photo | None:
    """Return the photo if it is here already; raise OtherPhoto or TooManyPhotos if it cannot be."""
    alike = Photo.purpose == purpose.value
    standing = select(
        func.count().filter(alike, Photo.status != PhotoStatus.REJECTED.value).label("usable"),
        func.count().filter(alike).label("photos"),
        func.max(Photo.id).filter(Photo.uuid == upload.uuid).label("same_id"),
    )
    row = session.execute(standing.where(Photo.ticket_id == ticket_id)).one()
    photo = gallery.same(session, row, upload)
    if photo is not None and photo.purpose != purpose.value:
        raise OtherPhoto
    return photo


def add(
    session: Session,
    staff: Staff,
    ticket_id: int,
    purpose: Purpose,
    upload: Upload,
    origin: Origin,
    now: datetime,
) -> tuple[Photo, bool]:
    """Note a photo whose original is in the storage; tell whether it is new.

    Raise NotAllowed, OtherPhoto, TicketMerged, TooManyPhotos or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.ADD_PHOTOS, ticket_id)
    earlier = find_same(session, ticket.id, purpose, upload)
    if earlier is not None:
        return earlier, False
    photo = gallery.pending(
        ticket.jurisdiction_id,
        gallery.key_of_work(ticket.id, upload.name),
        upload,
        now,
        ticket_id=ticket.id,
        person_id=staff.person_id,
        purpose=purpose.value,
    )
    session.add(photo)
    session.flush()
    history.append(
        session,
        ticket,
        EventKind.WORK_PHOTO_ADDED,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        data={"photo": str(photo.public_id), "purpose": purpose.value},
    )
    flags.examine(session, ticket, photo, origin, now)
    errands.owe(session, Job.RENDER_PHOTO, photo.id)
    return photo, True


def of_ticket(session: Session, ticket_id: int) -> Sequence[WorkPhoto]:
    """Return the photos of the work on the ticket, and on those merged into it, as they came."""
    return _with(session, select(Ticket.id).where(Ticket.id == ticket_id))


def seen_with(session: Session, report_id: int) -> Sequence[WorkPhoto]:
    """Return those of the ticket that a report is in, as far as its readers see them."""
    current = select(Membership.ticket_id.label("id")).where(
        Membership.report_id == report_id, Membership.left_at.is_(None)
    )
    rejected = PhotoStatus.REJECTED.value
    found = _with(session, current)
    return [one for one in found if not one.is_hidden and one.status != rejected]


def _with(session: Session, tickets: Select[int]) -> Sequence[WorkPhoto]:
    """Return the photos of these tickets and of all that were merged into them."""
    found = tickets.cte("joined", recursive=True)
    found = found.union(select(Ticket.id).join(found, Ticket.merged_into_id == found.c.id))
    rows = session.execute(
        select(
            Photo.id,
            Photo.public_id,
            Photo.status,
            Photo.reason,
            Photo.placeholder,
            Photo.purpose,
            Photo.visibility,
        )
        .where(Photo.ticket_id.in_(select(found.c.id)))
        .order_by(Photo.id)
    )
    return [WorkPhoto(*row) for row in rows]
