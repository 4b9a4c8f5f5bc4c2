"""How much there is to do: what waits and since when, and how many there are of what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from reports.leases import PENDING
from reports.models import Notice, NoticeStatus, Photo, PhotoStatus, Ticket
from reports.status import CLOSED, Status
from reports.webhook_models import DeliveryStatus, WebhookDelivery

# Whoever looks on must not slow down those who work.
PATIENCE_MS = 1_500
_OPEN = tuple(status for status in Status if status not in CLOSED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long the oldest rows have waited, in seconds: 0 where none waits.

    A photo waits since it came, a notice since it was due.
    """

    photos_s: float
    notices_s: float


@dataclass(frozen=True, slots=True)
class Census:
    """How many photos, notices, deliveries to webhooks and open tickets are in each state."""

    photos: dict[str, int]
    notices: dict[str, int]
    deliveries: dict[str, int]
    tickets: dict[str, int]


def waiting(session: Session, now: datetime) -> Waiting:
    """Return how long the oldest pending rows have waited."""
    _be_brief(session)
    photo = session.scalar(select(func.min(Photo.created_at)).where(Photo.status == PENDING))
    notice = session.scalar(select(func.min(Notice.due_at)).where(Notice.status == PENDING))
    return Waiting(_seconds(photo, now), _seconds(notice, now))


def census(session: Session) -> Census:
    """Count photos, notices and deliveries by state, and the open tickets by status."""
    _be_brief(session)
    return Census(
        photos=_count(session, Photo, PhotoStatus),
        notices=_count(session, Notice, NoticeStatus),
        deliveries=_count(session, WebhookDelivery, DeliveryStatus),
        tickets=_count(session, Ticket, _OPEN, Ticket.status.in_(_OPEN)),
    )


def _count(
    session: Session,
    model: type[Photo] | type[Notice] | type[WebhookDelivery] | type[Ticket],
    states: type[StrEnum] | tuple[Status, ...],
    *conditions: ColumnElement[bool],
) -> dict[str, int]:
    counts = {state.value: 0 for state in states}
    query = select(model.status, func.count()).where(*conditions).group_by(model.status)
    counts.update((state, count) for state, count in session.execute(query))
    return counts


def _be_brief(session: Session) -> None:
    session.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
