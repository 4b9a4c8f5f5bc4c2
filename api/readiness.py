"""Whether the parts that the service needs answer, asked no more often than is any use."""

from __future__ import annotations

import time
from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from infra.queue import NudgeQueue
from infra.storage import Storage, StorageError

OK = "ok"
# Asking writes a file and a key, and anybody may ask.
KEPT_S = 1.0


class Readiness:
    """Asks database, queue and storage, and keeps the answers for a moment."""

    def __init__(self, engine: Engine, queue: NudgeQueue, storage: Storage) -> None:
        self._engine = engine
        self._checks: dict[str, Callable[[], object]] = {
            "database": self._ask_database,
            "queue": queue.ping,
            "storage": storage.check,
        }
        self._known: dict[str, str] = {}
        self._until = 0.0

    def parts(self) -> dict[str, str]:
        """Return for each part "ok" or the name of the error that it gave."""
        if time.monotonic() >= self._until:
            self._known = {name: _try(check) for name, check in self._checks.items()}
            self._until = time.monotonic() + KEPT_S
        return self._known

    def _ask_database(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT postgis_lib_version()"))


def _try(check: Callable[[], object]) -> str:
    try:
        check()
    except (RedisError, SQLAlchemyError, StorageError) as error:
        return type(error).__name__
    return OK
