"""What the sweeper looks for: rows that still wait, and what has had its time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import sessions
from city.account_models import Letter
from infra.queue import Job, Nudge
from reports import idempotency, leases, subscriptions
from reports.mail import delivery, letters
from reports.models import Notice, Photo
from reports.simulation import running

AT_ONCE = 500


def waiting(session: Session, now: datetime) -> list[Nudge]:
    """Return nudges for what waits: photos, mails and simulations in nobody's hands, in turn."""
    photos = session.scalars(
        select(Photo.id).where(leases.waiting(Photo, now)).order_by(Photo.created_at).limit(AT_ONCE)
    )
    notices = session.scalars(
        select(Notice.id)
        .where(leases.waiting(Notice, now), delivery.its_turn(now))
        .order_by(Notice.due_at)
        .limit(AT_ONCE)
    )
    owed = session.scalars(
        select(Letter.id)
        .where(leases.waiting(Letter, now), Letter.due_at <= now)
        .order_by(Letter.due_at)
        .limit(AT_ONCE)
    )
    simulations = session.scalars(running.waiting(now).limit(AT_ONCE))
    return [
        *(Nudge(Job.RENDER_PHOTO, id_) for id_ in photos),
        *(Nudge(Job.SEND_NOTICE, id_) for id_ in notices),
        *(Nudge(Job.SEND_LETTER, id_) for id_ in owed),
        *(Nudge(Job.SIMULATE, id_) for id_ in simulations),
    ]


def drop_expired(session: Session, now: datetime) -> None:
    """Forget sessions, one-time links, keys and unconfirmed addresses that have run out."""
    sessions.drop_expired(session, now)
    letters.drop_expired(session, now)
    idempotency.drop_expired(session, now)
    subscriptions.drop_expired(session, now)
