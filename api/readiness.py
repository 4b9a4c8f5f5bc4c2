"""Whether the parts that the service needs answer, asked no more often than is any use."""

from __future__ import annotations

from sqlalchemy import Engine, text

from api.enquiries import Asked, Enquiry
from infra import revisions
from infra.queue import NudgeQueue
from infra.storage import Storage

OK = "ok"
# Asking writes a file and a key, and anybody may ask.
KEPT_S = 1.0


class MigrationsMissing(Exception):
    """The database lacks migrations that this code needs."""


class Readiness:
    """Asks database, queue and storage at once, and keeps the answers for a moment."""

    def __init__(self, engine: Engine, queue: NudgeQueue, storage: Storage) -> None:
        self._engine = engine
        self._parts = {
            "database": Enquiry(self._ask_database, KEPT_S),
            "queue": Enquiry(queue.ping, KEPT_S),
            "storage": Enquiry(storage.check, KEPT_S),
        }

    def parts(self) -> dict[str, str]:
        """Return for each part "ok" or the name of the error that it gave.

        A part that does not answer in time is told as a TimeoutError.
        """
        asked = {name: part.ask() for name, part in self._parts.items()}
        return {name: _told(part) for name, part in asked.items()}

    def _ask_database(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT postgis_lib_version()"))
            if revisions.lags(revisions.current(connection)):
                raise MigrationsMissing


def _told(part: Asked[None]) -> str:
    try:
        part.answer()
    except Exception as error:
        return type(error).__name__
    return OK
