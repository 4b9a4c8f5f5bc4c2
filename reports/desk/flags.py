"""What looks odd about a photo that was put up as proof of the work, for a dispatcher to look at.

Nobody is told by mail: the inbox can be narrowed to tickets with such photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Index,
    PrimaryKeyConstraint,
    cast,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import Mapped, Session, mapped_column

from city.access import Act
from city.models import Jurisdiction
from city.staff import Staff
from geo import filters
from infra.database import Base, one_of, within_jurisdiction
from infra.words import mark, say
from reports import gallery, history, messages, work
from reports.history import EventKind
from reports.imaging.origin import Origin
from reports.leases import Lease
from reports.likeness import COPY_BITS
from reports.models import Author, Membership, Photo, Report, Ticket
from reports.photos import Rendering
from reports.purposes import Purpose

FAR_M = 150
"""Who stands farther away from the pin than this has hardly taken a picture of what is there."""

CLOCKS_APART = timedelta(minutes=10)
"""By how much a camera's clock may go wrong without anybody being suspected for it."""

MOST_COMPARED = 50_000
"""With how many photos a new one is compared by its looks, the newest; by its bytes, with all."""

_MOST_CANDIDATES = 50
_HASH_BITS = 64


class FlagCode(StrEnum):
    """What may be odd about a photo that shows the work as done."""

    FAR = "far"
    SEEN_BEFORE = "seen_before"
    TOO_EARLY = "too_early"


_FAR = mark("It was taken {metres} m away from the ticket's place.")
_SEEN_WITH = mark("The same picture was sent before, with ticket {ticket}.")
_SEEN = mark("The same picture was sent before, with another ticket.")
_EARLY = mark("It was taken before the report was received.")


class PhotoFlag(Base):
    """Something odd about a photo of the work, until somebody has looked at it and cleared it.

    Of where the photo was taken there is the distance alone.
    """

    __tablename__ = "photo_flags"
    __table_args__ = (
        PrimaryKeyConstraint("photo_id", "code"),
        within_jurisdiction("photo_id", "photos"),
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("other_ticket_id", "tickets"),
        within_jurisdiction("cleared_by", "people"),
        one_of("code", FlagCode),
        Index(
            "ix_photo_flags_standing",
            "jurisdiction_id",
            "ticket_id",
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    photo_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    distance_m: Mapped[int | None]
    other_ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[int | None] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class FlagView:
    """A flag in words; `photo` is the public id, `ticket` where it was before, if one sees that."""

    code: str
    text: str
    photo: str
    ticket: str | None
    at: datetime


def examine(session: Session, ticket: Ticket, photo: Photo, origin: Origin, now: datetime) -> None:
    """Flag a photo just put on a held ticket for what its camera wrote of where and when."""
    if photo.purpose != Purpose.AFTER.value:
        return
    distance_m = _distance_m(session, ticket, origin)
    if distance_m is not None and distance_m - origin.error_m > FAR_M:
        _raise(session, ticket, photo, FlagCode.FAR, now, distance_m=round(distance_m))
    if origin.taken_at is not None and _is_early(session, ticket, origin.taken_at):
        _raise(session, ticket, photo, FlagCode.TOO_EARLY, now)


def record_ready(
    session: Session, lease: Lease[Photo], rendering: Rendering, now: datetime
) -> None:
    """Write down that all derivatives are in the storage, and flag a photo that was seen before."""
    photo = lease.row
    if photo.purpose != Purpose.AFTER.value:
        gallery.record_ready(session, lease, rendering, now)
        return
    other_id = _seen_with(session, photo, rendering.perceptual_hash)
    # As everywhere, the ticket is held before its photo.
    ticket = gallery.hold_ticket(session, photo)
    if gallery.record_ready(session, lease, rendering, now) and other_id is not None:
        _raise(session, ticket, photo, FlagCode.SEEN_BEFORE, now, other_ticket_id=other_id)


def clear(session: Session, staff: Staff, photo: Photo, reason: str, now: datetime) -> None:
    """Write down that somebody looked at a photo and why it may stay; again is harmless."""
    ticket = gallery.hold_ticket(session, photo)
    cleared = session.scalars(
        update(PhotoFlag)
        .where(PhotoFlag.photo_id == photo.id, PhotoFlag.cleared_at.is_(None))
        .values(cleared_at=now, cleared_by=staff.person_id)
        .returning(PhotoFlag.code)
    ).all()
    if not cleared:
        return
    message = messages.by_city(ticket, staff.person_id, now, reason=reason)
    history.append(
        session,
        ticket,
        EventKind.FLAG_CLEARED,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        message=message,
        data={"photo": str(photo.public_id), "codes": sorted(cleared)},
    )


def standing(
    session: Session, staff: Staff, photo_ids: Sequence[int], locale: str
) -> list[FlagView]:
    """Return what nobody has cleared about the photos, the oldest first."""
    if not photo_ids:
        return []
    rows = session.execute(
        select(PhotoFlag, Photo.public_id, Ticket.reference, Ticket.team_id)
        .join(Photo, Photo.id == PhotoFlag.photo_id)
        .outerjoin(Ticket, Ticket.id == PhotoFlag.other_ticket_id)
        .where(PhotoFlag.photo_id.in_(photo_ids), PhotoFlag.cleared_at.is_(None))
        .order_by(PhotoFlag.created_at, PhotoFlag.photo_id, PhotoFlag.code)
    )
    views = []
    for flag, public_id, reference, team_id in rows:
        seen = reference is not None and staff.may(Act.READ_TICKETS, team_id)
        other = reference if seen else None
        words = _words(flag, other, locale)
        views.append(FlagView(flag.code, words, str(public_id), other, flag.created_at))
    return views


def flagged_tickets(session: Session, jurisdiction_id: int) -> Sequence[int]:
    """Return the tickets with a photo that nobody has cleared; of merged ones, where they went."""
    flagged = select(PhotoFlag.ticket_id.label("id")).where(
        PhotoFlag.jurisdiction_id == jurisdiction_id, PhotoFlag.cleared_at.is_(None)
    )
    found = flagged.cte("flagged", recursive=True)
    survivors = select(Ticket.merged_into_id).join(found, found.c.id == Ticket.id)
    found = found.union(survivors.where(Ticket.merged_into_id.is_not(None)))
    return session.scalars(select(found.c.id)).all()


def _words(flag: PhotoFlag, other: str | None, locale: str) -> str:
    if flag.code == FlagCode.FAR:
        return say(locale, _FAR, metres=flag.distance_m)
    if flag.code == FlagCode.TOO_EARLY:
        return say(locale, _EARLY)
    return say(locale, _SEEN_WITH, ticket=other) if other else say(locale, _SEEN)


def _distance_m(session: Session, ticket: Ticket, origin: Origin) -> float | None:
    if origin.position is None:
        return None
    distance = filters.distance_m(Ticket.location, origin.position)
    return session.scalars(select(distance).where(Ticket.id == ticket.id)).one()


def _is_early(session: Session, ticket: Ticket, taken_at: datetime) -> bool:
    """Tell whether it was taken before the first of the ticket's reports had come."""
    received_at = session.scalars(
        select(func.min(Report.created_at))
        .join(Membership, Membership.report_id == Report.id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
    ).one()
    if taken_at.tzinfo is None:
        zone = session.get_one(Jurisdiction, ticket.jurisdiction_id).time_zone
        taken_at = taken_at.replace(tzinfo=ZoneInfo(zone))
    return bool(taken_at < received_at - CLOCKS_APART)


def _raise(
    session: Session,
    ticket: Ticket,
    photo: Photo,
    code: FlagCode,
    now: datetime,
    *,
    distance_m: int | None = None,
    other_ticket_id: int | None = None,
) -> None:
    session.add(
        PhotoFlag(
            photo_id=photo.id,
            code=code.value,
            jurisdiction_id=photo.jurisdiction_id,
            ticket_id=photo.ticket_id,
            distance_m=distance_m,
            other_ticket_id=other_ticket_id,
            created_at=now,
        )
    )
    history.append(
        session,
        ticket,
        EventKind.PHOTO_FLAGGED,
        now,
        author=Author.CITY,
        data={"photo": str(photo.public_id), "code": code.value},
    )


def _seen_with(session: Session, photo: Photo, perceptual_hash: int | None) -> int | None:
    """Return the ticket with which the picture came first, where that is other work."""
    own = work.survivor_id(session, photo.ticket_id) if photo.ticket_id else None
    for id_ in sorted(
        {*_same_bytes(session, photo), *_same_looks(session, photo, perceptual_hash)}
    ):
        ticket_id = _ticket_id(session, session.get_one(Photo, id_))
        if work.survivor_id(session, ticket_id) != own:
            return ticket_id
    return None


def _same_bytes(session: Session, photo: Photo) -> Sequence[int]:
    query = select(Photo.id).where(
        Photo.jurisdiction_id == photo.jurisdiction_id,
        Photo.sha256 == photo.sha256,
        Photo.id < photo.id,
    )
    return session.scalars(query.order_by(Photo.id).limit(_MOST_CANDIDATES)).all()


def _same_looks(session: Session, photo: Photo, perceptual_hash: int | None) -> Sequence[int]:
    if perceptual_hash is None:
        # It is of a single tone, like every other such picture.
        return []
    newest = (
        select(Photo.id, Photo.perceptual_hash)
        .where(Photo.jurisdiction_id == photo.jurisdiction_id, Photo.id < photo.id)
        .order_by(Photo.id.desc())
        .limit(MOST_COMPARED)
        .subquery()
    )
    differing = newest.c.perceptual_hash.op("#")(cast(perceptual_hash, BigInteger))
    bits = func.bit_count(cast(differing, BIT(_HASH_BITS)))
    query = select(newest.c.id).where(bits <= COPY_BITS)
    return session.scalars(query.order_by(newest.c.id).limit(_MOST_CANDIDATES)).all()


def _ticket_id(session: Session, photo: Photo) -> int:
    if photo.ticket_id is not None:
        return photo.ticket_id
    return session.scalars(
        select(Membership.ticket_id).where(
            Membership.report_id == photo.report_id, Membership.left_at.is_(None)
        )
    ).one()
