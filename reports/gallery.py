"""Photos: taking in those of a report, and working on all of them in the background.

Those of the work on a ticket come in by `reports.work_photos`, and are worked on here as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, bindparam, func, or_, select, true, update
from sqlalchemy.orm import Session

from infra import rows
from infra.queue import Job
from infra.storage import Storage
from reports import errands, history, leases, work
from reports.history import EventKind
from reports.leases import Lease
from reports.models import Author, Photo, PhotoStatus, Report, Ticket, Visibility
from reports.photos import FORMATS, SIZES, PhotoFacts, Rendering, probe
from reports.work import ReportAnonymised

MAX_PHOTOS = 5
MAX_PHOTO_BYTES = 25_000_000
# Rejected ones do not count among the five, but nobody may send broken files for ever.
MAX_ATTEMPTED = 15
ORIGINALS = "originals"
_OF_WORK = "ticket-"
MAX_STRIKES = 4
MEDIA_TYPES = {"jpg": "image/jpeg", "webp": "image/webp"}
GAVE_UP = "could_not_be_processed"

USABLE = func.count().filter(Photo.status != PhotoStatus.REJECTED.value)
"""How many photos are or may become usable."""


# How many photos a report has, and whether one of them came under this identifier.
_STANDING: Select[*tuple[Any, ...]] = select(
    USABLE.label("usable"),
    func.count().label("photos"),
    func.max(Photo.id).filter(Photo.uuid == bindparam("uuid")).label("same_id"),
).where(Photo.report_id == bindparam("report_id"))

_standing = _STANDING.subquery()
_LOCKED_STANDING = work.LOCKED.add_columns(
    _standing.c.usable,
    _standing.c.photos,
    _standing.c.same_id,
    rows.next_number(Photo).label("number"),
).join(_standing, true())


class TooManyPhotos(Exception):
    """There are as many photos as there may be."""


class OtherPhoto(Exception):
    """Under this identifier the report or ticket has a photo with other bytes."""


class PhotosClosed(Exception):
    """The report was withdrawn; nobody would look at another photo."""


REFUSALS = (TooManyPhotos, OtherPhoto, PhotosClosed, ReportAnonymised)


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo as it arrived: the phone's identifier, a fingerprint, and what it was proved to be.

    By `sha256` a repeat is told from another photo. Its original has a `name` that not even a
    repeat shares: what removes the file of one upload then never takes that of another.
    """

    uuid: UUID
    name: UUID
    sha256: bytes
    size_bytes: int
    facts: PhotoFacts


def receive(uuid: UUID, data: bytes) -> Upload:
    """Return what there is to know of the bytes; raise UnusablePhoto."""
    return Upload(uuid, uuid4(), hashlib.sha256(data).digest(), len(data), probe(data))


def original_key(report_id: int, name: UUID) -> str:
    """Return where an original of this name is kept."""
    return f"{ORIGINALS}/{report_id}/{name}"


def key_of_work(ticket_id: int, name: UUID) -> str:
    """Return where the original of this name is kept of a photo of the work on the ticket."""
    return f"{ORIGINALS}/{_OF_WORK}{ticket_id}/{name}"


def without_row(session: Session, keys: Sequence[str]) -> list[str]:
    """Return those of the originals' keys that no photo names: their upload was cut short."""
    owners = {key.split("/")[1] for key in keys}
    of_work = {owner for owner in owners if owner.startswith(_OF_WORK)}
    tickets = [int(owner.removeprefix(_OF_WORK)) for owner in of_work]
    reports = [int(owner) for owner in owners - of_work]
    owned = or_(Photo.report_id.in_(reports), Photo.ticket_id.in_(tickets))
    known = set(session.scalars(select(Photo.original).where(owned)))
    return [key for key in keys if key not in known]


def derivative_key(public_id: UUID, size: int, extension: str) -> str:
    """Return where a derivative is kept; `extension` is jpg or webp."""
    return f"derivatives/{public_id}/{size}.{extension}"


def keys_of(photo: Photo) -> list[str]:
    """Return where the photo's original is kept, and after it where its derivatives are."""
    derivatives = [
        derivative_key(photo.public_id, size, extension) for size in SIZES for extension in FORMATS
    ]
    return [photo.original, *derivatives]


def remaining(session: Session, report_id: int) -> int:
    """Return how many photos the report may still get."""
    usable, all_of_them = session.execute(
        select(USABLE, func.count()).where(Photo.report_id == report_id)
    ).one()
    return room(usable, all_of_them)


def room(usable: int, all_of_them: int) -> int:
    """Return how many more photos may come to those that are or may become usable, and to all."""
    return max(0, min(MAX_PHOTOS - usable, MAX_ATTEMPTED - all_of_them))


def find_same(session: Session, report_id: int, upload: Upload) -> Photo | None:
    """Return the photo if it is here already; raise OtherPhoto or TooManyPhotos if it cannot be."""
    row = session.execute(_STANDING, {"report_id": report_id, "uuid": upload.uuid}).one()
    return same(session, row, upload)


def add(session: Session, report: Report, upload: Upload, now: datetime) -> tuple[Photo, bool]:
    """Note a photo whose original is in the storage; tell whether it is new.

    Raise ReportAnonymised, PhotosClosed, OtherPhoto or TooManyPhotos.
    """
    ticket, row = work.lock_and_read(session, report.id, _LOCKED_STANDING, uuid=upload.uuid)
    earlier = same(session, row, upload)
    if earlier is not None:
        return earlier, False
    if ticket.withdrawn:
        raise PhotosClosed
    key = original_key(report.id, upload.name)
    photo = pending(report.jurisdiction_id, key, upload, now, id=row.number, report_id=report.id)
    event = history.next_line(
        ticket,
        EventKind.PHOTO_ADDED,
        now,
        author=Author.RESIDENT,
        report_id=report.id,
        data={"photo": str(photo.public_id)},
    )
    rows.write(session, [photo, event], changed=ticket)
    errands.owe(session, Job.RENDER_PHOTO, photo.id)
    return photo, True


def same(session: Session, standing: Row[*tuple[Any, ...]], upload: Upload) -> Photo | None:
    """Return the photo that came under the upload's identifier, None where there is none.

    `standing` is what `add` reads first. Raise OtherPhoto or TooManyPhotos.
    """
    if standing.same_id is not None:
        photo = session.get_one(Photo, standing.same_id)
        if photo.sha256 != upload.sha256:
            raise OtherPhoto
        return photo
    if room(standing.usable, standing.photos) == 0:
        raise TooManyPhotos
    return None


def pending(
    jurisdiction_id: int, key: str, upload: Upload, now: datetime, **belonging: Any
) -> Photo:
    """Return the row of a photo whose original is under the key; `belonging` says what it is of."""
    return Photo(
        jurisdiction_id=jurisdiction_id,
        uuid=upload.uuid,
        public_id=uuid4(),
        sha256=upload.sha256,
        original=key,
        media_type=upload.facts.media_type,
        size_bytes=upload.size_bytes,
        width=upload.facts.width,
        height=upload.facts.height,
        status=PhotoStatus.PENDING.value,
        reason=None,
        visibility=Visibility.SHOWN.value,
        placeholder=None,
        attempt=0,
        strikes=0,
        created_at=now,
        updated_at=now,
        **belonging,
    )


def hold_ticket(session: Session, photo: Photo) -> Ticket:
    """Return the ticket whose history tells of the photo, held until the transaction's end."""
    if photo.report_id is not None:
        return work.lock_of(session, photo.report_id)
    return work.lock(session, cast(int, photo.ticket_id))


def claim(session: Session, photo_id: int, now: datetime, lease_s: int) -> Lease[Photo] | None:
    """Take the photo in hand; None where it is done or in other hands."""
    return leases.take(session, Photo, photo_id, now, lease_s, strikes=Photo.strikes + 1)


def is_exhausted(lease: Lease[Photo]) -> bool:
    """Tell whether too many attempts at the photo have ended without a word."""
    return lease.row.strikes > MAX_STRIKES


def put_off(session: Session, lease: Lease[Photo], now: datetime, retry_s: int) -> None:
    """Come back to the photo later: the storage failed, which says nothing about the photo.

    An attempt that ends without a word, such as one that was killed, leaves its strike instead.
    """
    later = now + timedelta(seconds=retry_s)
    leases.write(session, lease, strikes=Photo.strikes - 1, leased_until=later, updated_at=now)


def publish(storage: Storage, photo: Photo, rendering: Rendering) -> None:
    """Put all derivatives into the storage; doing it again puts the same ones there."""
    for size, extension, data in rendering.derivatives:
        key = derivative_key(photo.public_id, size, extension)
        storage.put(key, data, MEDIA_TYPES[extension])


def record_ready(
    session: Session, lease: Lease[Photo], rendering: Rendering, now: datetime
) -> bool:
    """Write down that all derivatives are in the storage; False where others took the photo."""
    return leases.write(
        session,
        lease,
        status=PhotoStatus.READY.value,
        placeholder=rendering.placeholder,
        perceptual_hash=rendering.perceptual_hash,
        width=rendering.width,
        height=rendering.height,
        updated_at=now,
    )


def find_ready(
    session: Session, after_id: int, at_most: int, jurisdiction_id: int | None
) -> Sequence[Photo]:
    """Return photos of one city or of all that have their derivatives, by rising id."""
    query = _ready(select(Photo), jurisdiction_id).where(Photo.id > after_id)
    return session.scalars(query.order_by(Photo.id).limit(at_most)).all()


def count_ready(session: Session, after_id: int, jurisdiction_id: int | None) -> int:
    """Return how many photos `find_ready` has in all."""
    query = _ready(select(func.count()).select_from(Photo), jurisdiction_id)
    count: int = session.scalars(query.where(Photo.id > after_id)).one()
    return count


def record_redone(session: Session, photo: Photo, rendering: Rendering, now: datetime) -> bool:
    """Write down that the derivatives are new, and tell whether the photo is still as it was read.

    The number of the attempt is part of what caches compare, so it rises.
    """
    written = session.scalar(
        update(Photo)
        .where(
            Photo.id == photo.id,
            Photo.status == PhotoStatus.READY.value,
            Photo.attempt == photo.attempt,
        )
        .values(
            attempt=Photo.attempt + 1,
            placeholder=rendering.placeholder,
            perceptual_hash=rendering.perceptual_hash,
            width=rendering.width,
            height=rendering.height,
            updated_at=now,
        )
        .returning(Photo.id)
    )
    return written is not None


def is_deleted(session: Session, photo: Photo) -> bool:
    """Tell whether the photo was deleted since it was read."""
    return session.scalar(select(Photo.id).where(Photo.id == photo.id)) is None


def withdraw(storage: Storage, photo: Photo) -> None:
    """Remove all derivatives from the storage."""
    for size in SIZES:
        for extension in FORMATS:
            storage.delete(derivative_key(photo.public_id, size, extension))


def record_rejected(session: Session, lease: Lease[Photo], reason: str, now: datetime) -> None:
    """Write down that the photo cannot be shown, and tell the dispatchers."""
    status = PhotoStatus.REJECTED.value
    ticket = hold_ticket(session, lease.row)
    if not leases.write(session, lease, status=status, reason=reason, updated_at=now):
        return
    history.append(
        session,
        ticket,
        EventKind.PHOTO_FAILED,
        now,
        author=Author.CITY,
        report_id=lease.row.report_id,
        data={"photo": str(lease.row.public_id), "reason": reason},
    )


def _ready(query: Select[Any], jurisdiction_id: int | None) -> Select[Any]:
    query = query.where(Photo.status == PhotoStatus.READY.value)
    return query.where(Photo.jurisdiction_id == jurisdiction_id) if jurisdiction_id else query
