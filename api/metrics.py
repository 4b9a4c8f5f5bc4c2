"""What Prometheus reads: the sums of what was counted, and how things stand at this moment."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import structlog
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.enquiries import Asked, Enquiry
from api.readiness import OK, Readiness
from infra.clock import now
from infra.metrics import Metrics
from infra.queue import NudgeQueue, QueueName
from reports.upkeep import backlog
from reports.upkeep.backlog import Census, Waiting

log = structlog.get_logger()

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]

# What costs little is asked anew at nearly every scrape; counting every row is not.
FRESH_S = 1.0
CENSUS_KEPT_S = 120.0


class Exposition(Collector):
    """Everything there is to tell; what belongs to a part that is down is left out."""

    def __init__(
        self,
        metrics: Metrics,
        queue: NudgeQueue,
        sessions: sessionmaker[Session],
        readiness: Readiness,
    ) -> None:
        self._metrics = metrics
        self._sessions = sessions
        self._readiness = readiness
        self._sums = Enquiry(self._ask_sums, 0.0)
        self._depths = Enquiry(queue.depths, FRESH_S)
        self._waiting = Enquiry(self._ask_waiting, FRESH_S)
        self._census = Enquiry(self._ask_census, CENSUS_KEPT_S)

    def text(self) -> bytes:
        """Return it all in Prometheus's text format, within a bounded time."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every family that can be told now."""
        sums, depths = self._sums.ask(), self._depths.ask()
        waiting, census = self._waiting.ask(), self._census.ask()
        parts = self._readiness.parts()
        yield InfoMetricFamily("vigie_build", "What runs here.", _build())
        up = {name: found == OK for name, found in parts.items()}
        yield _gauge("vigie_part_up", "Whether a part that is needed answers.", "part", up)
        yield from _answer(sums) or []
        if (depth := _answer(depths)) is not None:
            yield _gauge("vigie_queue_depth", "Nudges that wait in a queue.", "queue", depth)
        if (found := _answer(waiting)) is not None:
            yield _oldest(found)
        if (counted := _answer(census)) is not None:
            yield _gauge("vigie_photos", "Photos by state.", "status", counted.photos)
            yield _gauge("vigie_notices", "Notices by state.", "status", counted.notices)
            told = "Deliveries to webhooks by state."
            yield _gauge("vigie_webhook_deliveries", told, "status", counted.deliveries)
            yield _gauge("vigie_tickets_open", "Open tickets.", "status", counted.tickets)

    def _ask_sums(self) -> list[Metric]:
        self._metrics.flush()
        return list(self._metrics.sums())

    def _ask_waiting(self) -> Waiting:
        with self._sessions() as session:
            return backlog.waiting(session, now())

    def _ask_census(self) -> Census:
        with self._sessions() as session:
            return backlog.census(session)


@cache
def _build() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"version": project["version"], "python": platform.python_version()}


def _answer(asked: Asked[T]) -> T | None:
    try:
        return asked.answer()
    except (RedisError, SQLAlchemyError, TimeoutError) as error:
        log.warning("metrics incomplete", error=type(error).__name__)
        return None


def _oldest(found: Waiting) -> Metric:
    values = {QueueName.PHOTOS: found.photos_s, QueueName.NOTICES: found.notices_s}
    text = "Seconds that the oldest pending row has waited."
    return _gauge("vigie_oldest_pending_seconds", text, "queue", values)


def _gauge(name: str, text: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
