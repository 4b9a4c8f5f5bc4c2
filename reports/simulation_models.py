"""Simulations: what other rules or another map would have done to the reports of the past."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base, one_of, within_jurisdiction


class SimulationStatus(StrEnum):
    """How far a simulation is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Simulation(Base):
    """A way to decide that is tried beside the one in force when it was asked for.

    What begins with `base` is in force, the rest is tried; `stands_in` has versions of reference
    layers. It is about the reports from `since` until before `until`, the newest `at_most` of them.
    `moves` has how many would have gone from which team to which, as [id, id, count]; `told` has
    the other figures.
    """

    __tablename__ = "simulations"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "number"),
        within_jurisdiction("ruleset_id", "rulesets"),
        within_jurisdiction("base_ruleset_id", "rulesets"),
        within_jurisdiction("map_version_id", "layer_versions"),
        within_jurisdiction("base_map_version_id", "layer_versions"),
        one_of("status", SimulationStatus),
        Index("ix_simulations_waiting", "created_at", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    number: Mapped[int]
    created_at: Mapped[datetime]
    ruleset_id: Mapped[int | None] = mapped_column(BigInteger)
    base_ruleset_id: Mapped[int | None] = mapped_column(BigInteger)
    map_version_id: Mapped[int | None] = mapped_column(BigInteger)
    base_map_version_id: Mapped[int | None] = mapped_column(BigInteger)
    base_stands_in: Mapped[list[Any]]
    stands_in: Mapped[list[Any]]
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    at_most: Mapped[int | None]
    status: Mapped[str]
    attempt: Mapped[int]
    leased_until: Mapped[datetime | None]
    done: Mapped[int]
    total: Mapped[int]
    finished_at: Mapped[datetime | None]
    moves: Mapped[list[Any]]
    told: Mapped[dict[str, Any]]


class SimulatedChange(Base):
    """A report that would have got another district or another team.

    Nothing but a worker writes them, from the rows that they name, and whoever deletes simulations
    deletes theirs: having the database look up each would take longer than all of a simulation.
    """

    __tablename__ = "simulated_changes"

    simulation_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    report_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    base_team_id: Mapped[int] = mapped_column(BigInteger)
    team_id: Mapped[int] = mapped_column(BigInteger)
    base_district_id: Mapped[int | None] = mapped_column(BigInteger)
    district_id: Mapped[int | None] = mapped_column(BigInteger)
