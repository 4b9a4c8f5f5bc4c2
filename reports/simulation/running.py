"""Running a simulation: batch by batch, with its progress kept, and no ticket touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, delete, select, text
from sqlalchemy.orm import Session

from city import rules
from city.models import Category, Jurisdiction
from geo import maps
from geo.maps import NOWHERE
from geo.rulebook import Rulebook
from infra.ahead import Items, ahead
from infra.copying import copy_numbers
from reports import leases
from reports.decisions import NoFallbackTeam
from reports.leases import Lease
from reports.simulation import reading, saying
from reports.simulation.deciding import Sorted, Way
from reports.simulation.reading import NOBODY, Batch
from reports.simulation.saying import Clock
from reports.simulation_models import SimulatedChange, Simulation, SimulationStatus

MAX_ATTEMPTS = 3
AT_ONCE = 100_000
# Reading a map of 35,000 districts takes longer than a question of a resident may.
_PATIENCE = text("SET LOCAL statement_timeout = '600s'")


@dataclass(frozen=True, slots=True)
class Decided:
    """Reports, and where they go by the way in force and by the one that is tried."""

    batch: Batch
    base: Sorted
    tried: Sorted


@dataclass(slots=True)
class Run:
    """One attempt at a simulation: how far it is, and what it has found so far."""

    lease: Lease[Simulation]
    clock: Clock
    base: Way
    tried: Way
    done: int = 0
    moves: Counter[tuple[int, int]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def decisions(self, reader: Session, asker: Session) -> Items[Decided]:
        """Yield the reports that it is about, as they are at one moment, as both ways decide.

        The next ones are read and decided about while some are worked on; meanwhile both sessions,
        which are new, are of no other use.
        """
        reader.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        for session in (reader, asker):
            session.execute(_PATIENCE)
        batches = ahead(reading.batches(reader, self.lease.row, AT_ONCE))
        return ahead(self._decide(asker, batch) for batch in batches)

    def keep(self, session: Session, decided: Decided, now: datetime, lease_s: int) -> bool:
        """Keep what both ways decide differently, and how far it is.

        Another attempt may have taken over, or the simulation be gone: then it keeps nothing and
        returns False.
        """
        batch, base, tried = decided.batch, decided.base, decided.tried
        other_team = base.team_ids != tried.team_ids
        other_district = base.district_ids != tried.district_ids
        self.done += len(batch)
        self.counts["districts"] += int(other_district.sum())
        self.counts["right_before"] += int((base.team_ids == batch.team_ids).sum())
        self.counts["right_after"] += int((tried.team_ids == batch.team_ids).sum())
        self._count(base.team_ids[other_team], tried.team_ids[other_team])
        if not self._write(session, leased_until=now + timedelta(seconds=lease_s)):
            return False
        self._copy(session, decided, np.flatnonzero(other_team | other_district))
        return True

    def end(self, session: Session, now: datetime) -> None:
        """Record that all is decided."""
        self._write(session, status=SimulationStatus.DONE.value, finished_at=now)

    def _decide(self, session: Session, batch: Batch) -> Decided:
        nowhere = np.full(len(batch), NOWHERE, dtype=np.int64)
        drawn = {id(way.map): way.map for way in (self.base, self.tried)}
        located = {
            key: one.locate(session, batch.lon_lat, batch.accuracy_m) if one else nowhere
            for key, one in drawn.items()
        }
        ways = (self.base, self.tried)
        base, tried = (way.sort_out(batch, located[id(way.map)]) for way in ways)
        unsettled = np.flatnonzero((base.team_ids == NOBODY) | (tried.team_ids == NOBODY))
        asking = self.base.asks_answers(base, unsettled) | self.tried.asks_answers(tried, unsettled)
        answers = reading.answers(session, batch.ids[unsettled[asking]].tolist())
        sayings = saying.gather(self.clock, batch, unsettled, answers)
        self.base.settle(session, batch, base, sayings)
        self.tried.settle(session, batch, tried, sayings)
        return Decided(batch, base, tried)

    def _count(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
        """Count how many would have gone from which team to which."""
        teams, numbers = np.unique(np.concatenate([before, after]), return_inverse=True)
        pairs = numbers[: len(before)] * len(teams) + numbers[len(before) :]
        for pair, count in enumerate(np.bincount(pairs).tolist()):
            if count:
                from_, to = divmod(pair, len(teams))
                self.moves[int(teams[from_]), int(teams[to])] += count

    def _copy(self, session: Session, decided: Decided, changed: NDArray[np.intp]) -> None:
        batch, base, tried = decided.batch, decided.base, decided.tried
        row = self.lease.row
        columns = {
            "simulation_id": np.full(len(changed), row.id, dtype=np.int64),
            "report_id": batch.ids[changed],
            "jurisdiction_id": np.full(len(changed), row.jurisdiction_id, dtype=np.int64),
            "base_team_id": base.team_ids[changed],
            "team_id": tried.team_ids[changed],
            "base_district_id": base.district_ids[changed],
            "district_id": tried.district_ids[changed],
        }
        nulls = {name: columns[name] == NOWHERE for name in ("base_district_id", "district_id")}
        copy_numbers(session, SimulatedChange.__tablename__, columns, nulls)

    def _write(self, session: Session, **values: Any) -> bool:
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

    base = way(row.base_ruleset_id, row.base_map_version_id, row.base_stands_in)
    tried = way(row.ruleset_id, row.map_version_id, row.stands_in)
    clock = Clock(ZoneInfo(city.time_zone), [*base.rules, *tried.rules])
    return Run(lease, clock, base, tried)


def give_up(session: Session, lease: Lease[Simulation], now: datetime) -> None:
    """Record that the simulation failed."""
    leases.write(session, lease, status=SimulationStatus.FAILED.value, finished_at=now)
