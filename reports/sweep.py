"""What the sweeper looks for: rows that still wait, and what has had its time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import sessions
from infra.queue import Job, Nudge
from reports import delivery, idempotency, leases, subscriptions
from reports.models import Notice, Photo

AT_ONCE = 500


def waiting(session: Session, now: datetime) -> list[Nudge]:
    """Return nudges for the photos and notices whose turn it is and that are in nobody's hands."""
    photos = session.scalars(
        select(Photo.id).where(leases.waiting(Photo, now)).order_by(Photo.created_at).limit(AT_ONCE)
    )
    notices = session.scalars(
        select(Notice.id)
        .where(leases.waiting(Notice, now), delivery.its_turn(now))
        .order_by(Notice.due_at)
        .limit(AT_ONCE)
    )
    return [
        *(Nudge(Job.RENDER_PHOTO, id_) for id_ in photos),
        *(Nudge(Job.SEND_NOTICE, id_) for id_ in notices),
    ]


def drop_expired(session: Session, now: datetime) -> None:
    """Forget sessions, keys and unconfirmed addresses that have run out."""
    sessions.drop_expired(session, now)
    idempotency.drop_expired(session, now)
    subscriptions.drop_expired(session, now)
