"""What the installation still owes: notices to send, photos to work on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from city.account_models import Letter, LetterStatus
from reports import leases
from reports.link_models import PhotoLink
from reports.models import Notice, NoticeStatus, Photo, PhotoStatus
from reports.webhook_models import DeliveryStatus

HELD = "held back by a restore"

# In SQL of its own, since it runs inside the transaction that puts the tables there.
HOLD_NOTICES = (
    f"UPDATE notices SET status = '{NoticeStatus.FAILED}', error = '{HELD}', leased_until = NULL"  # noqa: S608
    f" WHERE status = '{NoticeStatus.PENDING}'"
)

HOLD_LETTERS = (
    f"UPDATE letters SET status = '{LetterStatus.FAILED}', error = '{HELD}', leased_until = NULL"  # noqa: S608
    f" WHERE status = '{LetterStatus.PENDING}'"
)

HOLD_WEBHOOKS = (
    f"UPDATE webhook_deliveries SET status = '{DeliveryStatus.FAILED}', error = '{HELD}',"  # noqa: S608
    f" leased_until = NULL WHERE status = '{DeliveryStatus.PENDING}'"
)


@dataclass(frozen=True, slots=True)
class Owed:
    """How many notices and photos are pending; how many notices a restore holds back."""

    notices: int
    photos: int
    held: int


def count(session: Session) -> Owed:
    """Count what is still to be done."""
    notices, held = session.execute(
        select(
            func.count().filter(Notice.status == NoticeStatus.PENDING.value),
            func.count().filter(Notice.status == NoticeStatus.FAILED.value, Notice.error == HELD),
        ).select_from(Notice)
    ).one()
    photos = session.scalars(
        select(func.count()).select_from(Photo).where(Photo.status == PhotoStatus.PENDING.value)
    ).one()
    return Owed(notices, photos, held)


def waits_since(session: Session, now: datetime) -> datetime | None:
    """Return since when the oldest row is due that nobody has in hand; None where none is."""
    notice = session.scalar(
        select(func.min(Notice.due_at)).where(leases.waiting(Notice, now), Notice.due_at <= now)
    )
    photo = session.scalar(select(func.min(Photo.created_at)).where(leases.waiting(Photo, now)))
    letter = session.scalar(
        select(func.min(Letter.due_at)).where(leases.waiting(Letter, now), Letter.due_at <= now)
    )
    link = session.scalar(
        select(func.min(PhotoLink.due_at)).where(
            leases.waiting(PhotoLink, now), PhotoLink.due_at <= now
        )
    )
    return min(
        (since for since in (notice, photo, letter, link) if since is not None), default=None
    )


def count_failed(session: Session, now: datetime, within: timedelta) -> int:
    """Return how many notices were given up that were last due within that time."""
    return session.scalars(
        select(func.count())
        .select_from(Notice)
        .where(
            Notice.status == NoticeStatus.FAILED.value,
            Notice.error.is_distinct_from(HELD),
            Notice.due_at > now - within,
        )
    ).one()
