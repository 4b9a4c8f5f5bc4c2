"""Reading past reports, many at once: what decides about most, and the rest where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.conditions import Said
from infra.columns import fractions, whole_numbers
from infra.database import IN_BINARY

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NOBODY = 0
"""What stands for no team among ids."""

_REPORTS = text("""
    SELECT array_send(array_agg(id)), array_send(array_agg(created_at)),
        array_send(array_agg(category_id)), array_send(array_agg(longitude)),
        array_send(array_agg(latitude)), array_send(array_agg(accuracy_m)),
        array_send(array_agg(team_id))
    FROM (
        SELECT r.id, r.created_at, r.category_id, ST_X(r.location) AS longitude,
            ST_Y(r.location) AS latitude, coalesce(r.accuracy_m, 0) AS accuracy_m,
            coalesce(t.team_id, 0) AS team_id
        FROM reports r
        LEFT JOIN memberships m ON m.report_id = r.id AND m.left_at IS NULL
        LEFT JOIN tickets t ON t.id = m.ticket_id
        WHERE r.jurisdiction_id = :jurisdiction_id
            AND r.created_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
            AND (r.created_at, r.id) < (:before, :before_id)
        ORDER BY r.created_at DESC, r.id DESC LIMIT :at_most
    ) AS past
""")
_SAID = text(
    "SELECT id, created_at, kind, answers FROM reports WHERE id = ANY(CAST(:ids AS int8[]))"
).execution_options(**{IN_BINARY: True})


@dataclass(frozen=True, slots=True)
class Place:
    """After which report the next ones come, the newest first."""

    created_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Past reports, the newest first: in each array an element of each.

    `accuracy_m` is 0 where none is told; `team_ids` are those that have their tickets by now, or
    NOBODY.
    """

    ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    lon_lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    team_ids: NDArray[np.int64]
    end: Place

    def __len__(self) -> int:
        return len(self.ids)


def read(
    session: Session, jurisdiction_id: int, since: datetime | None, after: Place, at_most: int
) -> Batch:
    """Return the reports that come after the place, back to `since`."""
    values = {
        "jurisdiction_id": jurisdiction_id,
        "since": since,
        "before": after.created_at,
        "before_id": after.id,
        "at_most": at_most,
    }
    found = session.execute(_REPORTS, values).one()
    ids, created_at, category_ids, longitudes, latitudes, accuracy_m, team_ids = found
    times, numbers = whole_numbers(created_at), whole_numbers(ids)
    last = after
    if len(numbers):
        last = Place(_EPOCH + timedelta(microseconds=int(times[-1])), int(numbers[-1]))
    return Batch(
        ids=numbers,
        category_ids=whole_numbers(category_ids),
        lon_lat=np.column_stack([fractions(longitudes), fractions(latitudes)]),
        accuracy_m=fractions(accuracy_m),
        team_ids=whole_numbers(team_ids),
        end=last,
    )


def said_in(session: Session, ids: Sequence[int], zone: ZoneInfo) -> dict[int, Said]:
    """Return what was said in reports and when, by their ids."""
    return {
        id_: Said(created_at.astimezone(zone), kind, answers)
        for id_, created_at, kind, answers in session.execute(_SAID, {"ids": list(ids)})
    }
