"""Reading past reports, many at once: what decides about most, and the rest where it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from city.models import Kind
from infra.ahead import Items
from infra.columns import fractions, whole_numbers
from infra.database import IN_BINARY
from reports.simulation_models import Simulation

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""When times begin to be counted."""
NOBODY = 0
"""What stands for no team among ids."""
KINDS = tuple(kind.value for kind in Kind)
"""What a report may be, in the order in which it is counted."""

_REPORTS = text("""
    SELECT array_send(array_agg(id)), array_send(array_agg(created_at)),
        array_send(array_agg(category_id)), array_send(array_agg(ST_X(location))),
        array_send(array_agg(ST_Y(location))), array_send(array_agg(coalesce(accuracy_m, 0))),
        array_send(array_agg(CAST(array_position(CAST(:kinds AS text[]), kind) - 1 AS bigint)))
    FROM (
        SELECT id, created_at, category_id, location, accuracy_m, kind FROM reports
        WHERE jurisdiction_id = :jurisdiction_id
            AND created_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
            AND (created_at, id) < (:before, :before_id)
        ORDER BY created_at DESC, id DESC LIMIT :at_most
    ) AS past
""").execution_options(**{IN_BINARY: True})
# Neither is joined in the database, which would look up each, or read all there are for every part.
_MEMBERSHIPS = text("""
    SELECT array_send(array_agg(report_id)), array_send(array_agg(ticket_id))
    FROM memberships WHERE report_id BETWEEN :first AND :last AND left_at IS NULL
""").execution_options(**{IN_BINARY: True})
_TICKETS = text("""
    SELECT array_send(array_agg(id)), array_send(array_agg(team_id))
    FROM tickets WHERE id BETWEEN :first AND :last AND team_id IS NOT NULL
""").execution_options(**{IN_BINARY: True})
_ANSWERS = text("""
    SELECT array_agg(id), array_agg(CAST(answers AS text)) FROM reports
    WHERE id = ANY(CAST(:ids AS int8[]))
""")


@dataclass(frozen=True, slots=True)
class Batch:
    """Past reports: in each array an element of each.

    `times` are microseconds since 2000. `accuracy_m` is 0 where none is told; `kinds` are counted
    as in KINDS; `team_ids` are those that have their tickets by now, or NOBODY.
    """

    ids: NDArray[np.int64]
    times: NDArray[np.int64]
    kinds: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    lon_lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    team_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


def batches(session: Session, row: Simulation, at_once: int) -> Items[Batch]:
    """Yield the reports that a simulation is about, the newest first."""
    before, before_id = row.until, 0
    left = row.total
    while left > 0:
        values = {
            "jurisdiction_id": row.jurisdiction_id,
            "kinds": list(KINDS),
            "since": row.since,
            "before": before,
            "before_id": before_id,
            "at_most": min(at_once, left),
        }
        ids, times, categories, longitudes, latitudes, accuracy_m, kinds = session.execute(
            _REPORTS, values
        ).one()
        if ids is None:
            return
        batch = Batch(
            ids=whole_numbers(ids),
            times=whole_numbers(times),
            kinds=whole_numbers(kinds),
            category_ids=whole_numbers(categories),
            lon_lat=np.column_stack([fractions(longitudes), fractions(latitudes)]),
            accuracy_m=fractions(accuracy_m),
            team_ids=_teams(session, whole_numbers(ids)),
        )
        yield batch
        left -= len(batch)
        before = EPOCH + timedelta(microseconds=int(batch.times[-1]))
        before_id = int(batch.ids[-1])


def _teams(session: Session, report_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the team that has the ticket of each report, or NOBODY."""
    tickets = _found(session, _MEMBERSHIPS, report_ids)
    return _found(session, _TICKETS, tickets)


def _found(session: Session, query: TextClause, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what the query, which takes the first and the last key, gives for each, or NOBODY."""
    known = keys[keys != NOBODY]
    if not len(known):
        return np.full(len(keys), NOBODY, dtype=np.int64)
    limits = {"first": int(known.min()), "last": int(known.max())}
    columns = map(whole_numbers, session.execute(query, limits).one())
    # One more stands for whatever is not found.
    found, values = (np.append(column, NOBODY) for column in columns)
    order = np.argsort(found, kind="stable")
    at = order[np.searchsorted(found, keys, sorter=order).clip(max=len(found) - 1)]
    return np.where(found[at] == keys, values[at], NOBODY)


def answers(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return the answers given in reports, by their ids, as JSON."""
    found, written = session.execute(_ANSWERS, {"ids": list(ids)}).one()
    return dict(zip(found or (), written or (), strict=True))
