"""What a job works with, made in the process that runs it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import structlog
from sqlalchemy.orm import Session, sessionmaker

from infra import queue
from infra.database import make_engine, make_sessions
from infra.mail import Mailer
from infra.metrics import Metrics
from infra.settings import Settings
from infra.storage import Storage

log = structlog.get_logger()


class JobFailed(Exception):
    """A job ended in an error; which one stands in our log, and not in the queue's records."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What one process works with; connections are opened at their first use."""

    settings: Settings
    sessions: sessionmaker[Session]
    storage: Storage
    mailer: Mailer
    metrics: Metrics


@cache
def tools() -> Tools:
    """Return this process's tools. A process that forks workers never calls this itself."""
    settings = Settings.from_env()
    return Tools(
        settings=settings,
        # A simulation reads, asks and writes at the same time.
        sessions=make_sessions(make_engine(settings.database_url, pool_size=2)),
        storage=Storage.from_url(settings.storage_url),
        mailer=Mailer(settings.smtp_url, settings.mail_from),
        metrics=Metrics(queue.connect(settings.redis_url)),
    )


@contextmanager
def logged(job: str, row_id: int, request_id: str | None) -> Iterator[None]:
    """Give every line that the job logs the row's id and the request's; count and time the job."""
    began = time.perf_counter()
    outcome = "failed"
    with structlog.contextvars.bound_contextvars(job=job, row_id=row_id, request_id=request_id):
        try:
            yield
            outcome = "done"
        except Exception:
            log.exception("job failed")
            raise JobFailed from None
        finally:
            seconds = time.perf_counter() - began
            log.info("job ended", outcome=outcome, seconds=round(seconds, 4))
            metrics = tools().metrics
            metrics.jobs.labels(job, outcome).inc()
            metrics.job_seconds.labels(job).observe(seconds)
            # A forked worker ends with its job, and nothing it knows outlives it.
            metrics.flush()


def until_stopped() -> threading.Event:
    """Return what is set once the process is asked to end."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
