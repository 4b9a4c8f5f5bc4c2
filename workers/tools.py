"""What a job works with, made in the process that runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import structlog
from sqlalchemy.orm import Session, sessionmaker

from infra.database import make_engine, make_sessions
from infra.mail import Mailer
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


@cache
def tools() -> Tools:
    """Return this process's tools. A process that forks workers never calls this itself."""
    settings = Settings.from_env()
    return Tools(
        settings=settings,
        sessions=make_sessions(make_engine(settings.database_url, pool_size=1)),
        storage=Storage.from_url(settings.storage_url),
        mailer=Mailer(settings.smtp_url, settings.mail_from),
    )


@contextmanager
def logged(job: str, row_id: int, request_id: str | None) -> Iterator[None]:
    """Give every line that the job logs the row's id and the request's."""
    with structlog.contextvars.bound_contextvars(job=job, row_id=row_id, request_id=request_id):
        try:
            yield
        except Exception:
            log.exception("job failed")
            raise JobFailed from None
