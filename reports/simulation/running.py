"""Running a simulation: batch by batch, with its progress kept, and no ticket touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Select, delete, select, text
from sqlalchemy.orm import Session

from city import rules
from city.models import Category, Jurisdiction
from geo import maps
from geo.maps import NOWHERE
from geo.rulebook import Rulebook
from infra.copying import copy
from reports import leases
from reports.decisions import NoFallbackTeam
from reports.leases import Lease
from reports.simulation import deciding, reading
from reports.simulation.deciding import Sorted, Way
from reports.simulation.reading import Batch, Place
from reports.simulation_models import SimulatedChange, Simulation, SimulationStatus

MAX_ATTEMPTS = 3
AT_ONCE = 100_000
# Reading a map of 35,000 districts takes longer than a question of a resident may.
_PATIENCE = text("SET LOCAL statement_timeout = '600s'")

_COLUMNS = {column.name: "int8" for column in SimulatedChange.__table__.columns}


@dataclass(slots=True)
class Run:
    """One attempt at a simulation: how far it is, and what it has found so far."""

    lease: Lease[Simulation]
    zone: ZoneInfo
    base: Way
    tried: Way
    after: Place
    done: int = 0
    moves: Counter[tuple[int, int]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def step(self, session: Session, now: datetime, lease_s: int) -> bool:
        """Decide about the next reports and keep what has changed; tell whether more are left.

        Another attempt may have taken over, or the simulation be gone: then nothing is left.
        """
        session.execute(_PATIENCE)
        row = self.lease.row
        left = AT_ONCE if row.at_most is None else min(AT_ONCE, row.at_most - self.done)
        batch = reading.read(session, row.jurisdiction_id, row.since, self.after, left)
        if not len(batch):
            self._keep(session, status=SimulationStatus.DONE.value, finished_at=now)
            return False
        changed = self._compare(batch, *self._decide(session, batch))
        self.done += len(batch)
        self.after = batch.end
        if not self._keep(session, leased_until=now + timedelta(seconds=lease_s)):
            return False
        copy(session, SimulatedChange.__tablename__, _COLUMNS, changed)
        return True

    def _decide(self, session: Session, batch: Batch) -> tuple[Sorted, Sorted]:
        nowhere = np.full(len(batch), NOWHERE, dtype=np.int64)
        drawn = {id(way.map): way.map for way in (self.base, self.tried)}
        located = {
            key: one.locate(session, batch.lon_lat, batch.accuracy_m) if one else nowhere
            for key, one in drawn.items()
        }
        base, tried = (
            deciding.sort_out(way, batch, located[id(way.map)]) for way in (self.base, self.tried)
        )
        unsettled = np.union1d(base.unsettled, tried.unsettled)
        said = reading.said_in(session, batch.ids[unsettled].tolist(), self.zone)
        deciding.settle(session, self.base, batch, base, said)
        deciding.settle(session, self.tried, batch, tried, said)
        return base, tried

    def _compare(
        self, batch: Batch, base: Sorted, tried: Sorted
    ) -> Iterator[tuple[int | None, ...]]:
        """Count what has changed, and return the rows of those reports."""
        other_team = base.team_ids != tried.team_ids
        other_district = base.district_ids != tried.district_ids
        self.counts["districts"] += int(other_district.sum())
        self.counts["right_before"] += int((base.team_ids == batch.team_ids).sum())
        self.counts["right_after"] += int((tried.team_ids == batch.team_ids).sum())
        pairs = np.column_stack([base.team_ids, tried.team_ids])[other_team]
        moves, counts = np.unique(pairs, axis=0, return_counts=True)
        for (before, after), count in zip(moves.tolist(), counts.tolist(), strict=True):
            self.moves[before, after] += count
        [changed] = np.nonzero(other_team | other_district)
        row = self.lease.row
        columns = (
            *(batch.ids, base.team_ids, tried.team_ids),
            *(base.district_ids, tried.district_ids),
        )
        rows = zip(*(column[changed].tolist() for column in columns), strict=True)
        return (
            (row.id, id_, row.jurisdiction_id, *teams, before or None, after or None)
            for id_, *teams, before, after in rows
        )

    def _keep(self, session: Session, **values: Any) -> bool:
        return leases.write(
            session,
            self.lease,
            done=self.done,
            moves=[[*pair, count] for pair, count in self.moves.most_common()],
            told=dict(self.counts),
            **values,
        )


def waiting(now: datetime) -> Select[int]:
    """Return the question for the simulations that wait, the oldest first."""
    query = select(Simulation.id).where(leases.waiting(Simulation, now))
    return query.order_by(Simulation.created_at)


def claim(session: Session, row_id: int, now: datetime, lease_s: int) -> Lease[Simulation] | None:
    """Take a simulation in hand and forget what an attempt before found; None in other hands."""
    claimed = leases.take(session, Simulation, row_id, now, lease_s, done=0)
    if claimed is not None:
        session.execute(delete(SimulatedChange).where(SimulatedChange.simulation_id == row_id))
    return claimed


def begin(session: Session, lease: Lease[Simulation]) -> Run:
    """Read the rules and the maps, as they are now."""
    row = lease.row
    session.execute(_PATIENCE)
    city = session.get_one(Jurisdiction, row.jurisdiction_id)
    versions = {row.base_map_version_id, row.map_version_id}
    drawn = {id_: maps.read(session, id_) for id_ in versions if id_ is not None}

    fallback_id = city.fallback_team_id
    if fallback_id is None:
        raise NoFallbackTeam(city.id)

    query = select(Category.id, Category.group_id).where(Category.jurisdiction_id == city.id)
    groups = dict(session.execute(query).all())

    def way(ruleset_id: int | None, map_version_id: int | None, stands_in: Sequence[int]) -> Way:
        book = Rulebook(rules.applied(session, ruleset_id), fallback_id)
        return Way(ruleset_id, book, groups, drawn.get(map_version_id or 0), stands_in)

    return Run(
        lease=lease,
        zone=ZoneInfo(city.time_zone),
        base=way(row.base_ruleset_id, row.base_map_version_id, row.base_stands_in),
        tried=way(row.ruleset_id, row.map_version_id, row.stands_in),
        after=Place(row.until, 0),
    )


def give_up(session: Session, lease: Lease[Simulation], now: datetime) -> None:
    """Record that the simulation failed."""
    leases.write(session, lease, status=SimulationStatus.FAILED.value, finished_at=now)
