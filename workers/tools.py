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


@dataclass(frozen=True, slots=True)
class Tools:
    """Connections are opened at first use, so that a process that forks may hold them unused."""

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
        yield
