"""What is counted: by each process for itself, and summed up in the queue's store.

A scrape reaches one process of many, and a photo's worker lives no longer than its photo. So each
process hands over what it has counted since the last time, and any of them can tell the sums.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock, Timer
from typing import cast
from uuid import uuid4

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from infra.database import CountedPool

FLUSH_S = 1.0
# A process that has not been heard of for so long no longer holds what it held.
PROCESS_KEPT_S = 60

_SUMS = "vigie:metrics:sums"
_PROCESSES = "vigie:metrics:processes"
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_JOB_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

Values = dict[str, float]
"""A value for each sample; the key is the JSON of the sample's name and labels."""


class Metrics:
    """The counts of one process, and the sums over all processes of the installation."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._process = uuid4().hex
        self._registry = CollectorRegistry()
        self._handed_over: Values = {}
        self._handing_over = Lock()
        self._arming = Lock()
        self._timer: Timer | None = None
        self._touched_again = False
        self.requests = self._counter(
            "vigie_http_requests", "Requests answered.", "method", "route", "status"
        )
        self.request_seconds = self._histogram(
            "vigie_http_request_seconds",
            "Seconds from a request's arrival to its answer.",
            _REQUEST_BUCKETS_S,
            "method",
            "route",
        )
        self.refusals = self._counter(
            "vigie_http_refusals", "Requests refused, by kind of problem.", "status", "problem"
        )
        self.jobs = self._counter("vigie_jobs", "Jobs ended.", "task", "outcome")
        self.job_seconds = self._histogram(
            "vigie_job_seconds", "Seconds that a job took.", _JOB_BUCKETS_S, "task"
        )
        self.photo_seconds = self._histogram(
            "vigie_photo_seconds", "Seconds that a photo's rendering took.", _JOB_BUCKETS_S
        )
        self.photo_bytes = self._counter("vigie_photo_bytes", "Bytes of the originals rendered.")
        self.photo_outcomes = self._outcomes(
            "vigie_photo_outcomes", "Attempts at photos.", "ready", "rejected", "put_off"
        )
        self.notice_outcomes = self._outcomes(
            "vigie_notice_outcomes", "Attempts at notices.", "sent", "dropped", "put_off", "failed"
        )
        self.webhook_outcomes = self._outcomes(
            "vigie_webhook_outcomes", "Attempts at webhooks.", "sent", "put_off", "failed"
        )
        self.link_outcomes = self._outcomes(
            "vigie_link_outcomes", "Attempts at links to photos.", "done", "put_off", "failed"
        )
        self.sweeps = self._outcomes("vigie_sweeps", "Rounds of the sweeper.", "done", "put_off")
        self.swept = self._counter(
            "vigie_swept", "What the sweeper found: rows without a nudge, and leftovers.", "kind"
        )

    def watch(self, engine: Engine) -> None:
        """Tell of the engine's connections too."""
        self._registry.register(_PoolCollector(engine))

    def touch(self) -> None:
        """See to it that what has been counted is handed over within a second."""
        with self._arming:
            if self._timer is None:
                self._arm()
            else:
                self._touched_again = True

    def flush(self) -> None:
        """Hand over what has been counted; while the store is down it stays here."""
        with self._handing_over:
            counts, gauges = self._collected()
            try:
                self._hand_over(counts, gauges)
            except RedisError:
                return
            self._handed_over = counts

    def sums(self) -> Iterator[Metric]:
        """Yield each family with its sums over all processes. Raise RedisError."""
        values = _by_sample(self._stored())
        for family in self._registry.collect():
            summed = Metric(family.name, family.documentation, family.type)
            samples = [
                (suffix, labels, value)
                for suffix in _SUFFIXES[family.type]
                for labels, value in values[family.name + suffix]
            ]
            for suffix, labels, value in sorted(samples, key=_place):
                summed.add_sample(family.name + suffix, labels, value)
            yield summed

    def _arm(self) -> None:
        self._timer = Timer(FLUSH_S, self._flush_when_due)
        # An orderly end of the process waits for it. A server's own threads are daemons to Python,
        # and what they start would be too.
        self._timer.daemon = False
        self._timer.start()

    def _flush_when_due(self) -> None:
        with self._arming:
            self._touched_again = False
        self.flush()
        # One at a time: a store that never answers must not gather timers that wait for it.
        with self._arming:
            self._timer = None
            if self._touched_again:
                self._arm()

    def _hand_over(self, counts: Values, gauges: Values) -> None:
        pipe = self._connection.pipeline()
        for key, value in counts.items():
            before = self._handed_over.get(key)
            # One that is there but never grew is handed over once too, so that it can be seen.
            if before is None or value != before:
                pipe.hincrbyfloat(_SUMS, key, value - (before or 0.0))
        if gauges:
            pipe.sadd(_PROCESSES, self._process)
            pipe.set(_process_key(self._process), json.dumps(gauges), ex=PROCESS_KEPT_S)
        pipe.execute()

    def _collected(self) -> tuple[Values, Values]:
        counts: Values = {}
        gauges: Values = {}
        for family in self._registry.collect():
            into = gauges if family.type == "gauge" else counts
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    into[json.dumps([sample.name, sample.labels], sort_keys=True)] = sample.value
        return counts, gauges

    def _stored(self) -> Iterator[tuple[str, float]]:
        counts = cast(dict[bytes, bytes], self._connection.hgetall(_SUMS))
        yield from ((key.decode(), float(value)) for key, value in counts.items())
        members = cast(set[bytes], self._connection.smembers(_PROCESSES))
        for process in (member.decode() for member in members):
            gauges = cast(bytes | None, self._connection.get(_process_key(process)))
            if gauges is None:
                self._connection.srem(_PROCESSES, process)
            else:
                yield from json.loads(gauges).items()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _outcomes(self, name: str, text: str, *outcomes: str) -> Counter:
        """Return a counter of which each outcome shows before it first comes about.

        Prometheus cannot tell how much a count has grown that was not there before.
        """
        counter = self._counter(name, text, "outcome")
        for outcome in outcomes:
            counter.labels(outcome)
        return counter

    def _histogram(
        self, name: str, text: str, buckets_s: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets_s, registry=self._registry)


class _PoolCollector(Collector):
    """Reads how an engine's pool of connections stands."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        pool = self._engine.pool
        if not isinstance(pool, CountedPool):
            raise TypeError("the engine was not made by make_engine")
        yield GaugeMetricFamily(
            "vigie_database_connections_in_use",
            "Database connections that requests hold.",
            pool.checkedout(),
        )
        yield GaugeMetricFamily(
            "vigie_database_connections_allowed",
            "Database connections that web processes may hold.",
            pool.capacity(),
        )
        yield CounterMetricFamily(
            "vigie_database_waits", "Times that no database connection was free.", pool.waits
        )


def _by_sample(
    stored: Iterable[tuple[str, float]],
) -> Mapping[str, list[tuple[dict[str, str], float]]]:
    summed: Values = defaultdict(float)
    for key, value in stored:
        summed[key] += value
    values = defaultdict(list)
    for key, value in summed.items():
        name, labels = json.loads(key)
        values[name].append((labels, value))
    return values


def _place(sample: tuple[str, dict[str, str], float]) -> tuple[object, ...]:
    """Order samples by their labels, and a histogram's buckets by their bounds."""
    suffix, labels, _ = sample
    others = sorted((name, value) for name, value in labels.items() if name != "le")
    return others, suffix, float(labels.get("le", 0))


def _process_key(process: str) -> str:
    return f"vigie:metrics:process:{process}"
