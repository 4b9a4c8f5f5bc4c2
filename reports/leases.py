"""Leases: how a row that waits is taken in hand by one attempt at a time.

An attempt that dies leaves a lease that runs out; one that comes back late finds that a later
attempt has taken over, and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import Session

from city.account_models import Letter
from reports.link_models import PhotoLink
from reports.models import Notice, Photo
from reports.simulation_models import Simulation
from reports.webhook_models import WebhookDelivery

Row = TypeVar("Row", Photo, Notice, Letter, WebhookDelivery, Simulation, PhotoLink)
Leased = (
    type[Photo]
    | type[Notice]
    | type[Letter]
    | type[WebhookDelivery]
    | type[Simulation]
    | type[PhotoLink]
)

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Lease(Generic[Row]):
    """A row in the hands of one attempt."""

    row: Row
    attempt: int


def waiting(model: Leased, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a row is to be done and in nobody's hands."""
    return and_(
        model.status == PENDING,
        or_(model.leased_until.is_(None), model.leased_until < now),
    )


def take(
    session: Session,
    model: type[Row],
    row_id: int,
    now: datetime,
    lease_s: int,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> Lease[Row] | None:
    """Take the row for `lease_s` seconds; None where it is done or in other hands.

    `conditions` must hold too, and `values` are written with the lease.
    """
    attempt = session.scalar(
        update(model)
        .where(model.id == row_id, waiting(model, now), *conditions)
        .values(attempt=model.attempt + 1, leased_until=now + timedelta(seconds=lease_s), **values)
        .returning(model.attempt)
    )
    if attempt is None:
        return None
    return Lease(session.get_one(model, row_id, populate_existing=True), attempt)


def write(session: Session, lease: Lease[Row], **values: Any) -> bool:
    """Write the values and give the row back, unless a later attempt has taken it over.

    `leased_until` among the values keeps it out of everybody's hands until then.
    """
    model = type(lease.row)
    written = session.scalar(
        update(model)
        .where(
            model.id == lease.row.id,
            model.attempt == lease.attempt,
            model.status == PENDING,
        )
        .values(**{"leased_until": None, **values})
        .returning(model.id)
    )
    return written is not None
