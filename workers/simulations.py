"""The simulation job: past reports are decided anew by rules or a map that are tried."""

from __future__ import annotations

from contextlib import closing

import structlog

import reports.subscriptions  # noqa: F401 - notices point into it, which no flush may miss
from infra.clock import now
from infra.queue import Job
from reports.leases import Lease
from reports.simulation import running
from reports.simulation_models import Simulation
from workers.tools import Tools, logged, tools

log = structlog.get_logger()

# Longer than a batch takes; it is extended after each.
LEASE_S = 120


def run(row_id: int, request_id: str | None) -> None:
    """Run a simulation to its end; one that is done or in other hands is left alone."""
    with logged(Job.SIMULATE, row_id, request_id):
        kit = tools()
        with kit.sessions.begin() as session:
            claimed = running.claim(session, row_id, now(), LEASE_S)
        if claimed is None:
            return
        if claimed.attempt > running.MAX_ATTEMPTS:
            with kit.sessions.begin() as session:
                running.give_up(session, claimed, now())
            log.warning("simulation given up")
            return
        _work(kit, claimed)


def _work(kit: Tools, claimed: Lease[Simulation]) -> None:
    with kit.sessions.begin() as session:
        attempt = running.begin(session, claimed)
    with (
        kit.sessions() as reader,
        kit.sessions() as asker,
        closing(attempt.decisions(reader, asker)) as decisions,
    ):
        for decided in decisions:
            with kit.sessions.begin() as session:
                if not attempt.keep(session, decided, now(), LEASE_S):
                    return
    with kit.sessions.begin() as session:
        attempt.end(session, now())
    log.info("simulation ended", count=attempt.done)
