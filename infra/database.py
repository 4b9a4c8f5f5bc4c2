"""The database: one engine per process, one declarative base, and how sessions are made."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

import structlog
from psycopg.errors import ReadOnlySqlTransaction, UndefinedColumn, UndefinedTable
from psycopg.pq import Format, TransactionStatus
from sqlalchemy import (
    CheckConstraint,
    Connection,
    DateTime,
    Engine,
    ForeignKeyConstraint,
    MetaData,
    PoolProxiedConnection,
    QueuePool,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext, ExecutionContext
from sqlalchemy.exc import InvalidatePoolError, OperationalError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

Names = dict[str, str]
"""A text per locale, e.g. {"fr": "Voirie", "en": "Roads"}."""

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 5
# A process that was frozen in the middle of a transaction must not keep its locks for ever.
IDLE_TIMEOUT_MS = 300_000
# A machine that has gone away without a word is found out by probes that nobody answers.
SILENCE_TIMEOUT_MS = 20_000
PROBE_EVERY_S = 5
CHECK_IDLE_S = 1.0
SLOW_S = 0.5
MOST_TOLD = 1_000
# A statement that has come so often is prepared, and may keep one plan for all values.
PREPARE_AFTER = 5
PLANNED_ANEW = "planned_anew"
"""The option of a statement whose best plan depends on its values: it is never prepared."""
IN_BINARY = "in_binary"
"""The option of a statement with many times and numbers: writing and reading digits takes long."""
_BEGAN = "vigie.began"
_RETURNED = "vigie.returned"

log = structlog.get_logger()


class Base(DeclarativeBase):
    """Every table of Vigie."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        Names: JSONB,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }


def within_jurisdiction(
    column: str, table: str, *, own: str = "jurisdiction_id", deferred: bool = False
) -> ForeignKeyConstraint:
    """Return a foreign key that cannot point into another jurisdiction.

    `own` is the column that holds the jurisdiction; `deferred` is for the few that form a circle.
    """
    return ForeignKeyConstraint(
        [own, column],
        [f"{table}.jurisdiction_id", f"{table}.id"],
        deferrable=deferred or None,
        initially="DEFERRED" if deferred else None,
        use_alter=deferred,
    )


def one_of(column: str, values: type[Any]) -> CheckConstraint:
    """Return a check that the column holds a value of the given StrEnum."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class CountedPool(QueuePool):
    """A pool that knows how often somebody came when every connection was taken."""

    waits = 0

    def capacity(self) -> int:
        """Return how many connections there may be at once."""
        return self.size() + self._max_overflow

    def connect(self) -> PoolProxiedConnection:
        """Return a connection, waiting for one where all are taken."""
        if self.checkedout() >= self.capacity():
            self.waits += 1
        return super().connect()


class SchemaLags(ProgrammingError):
    """A table or a column is not there: a migration is yet to be run."""


def make_engine(url: str, pool_size: int = 16) -> Engine:
    """Make the engine; connections that lay idle are checked, so that a restart heals.

    Statements, locks and connecting are bounded in time, so that a stuck database holds up no
    caller for ever.
    """
    engine = create_engine(
        url,
        poolclass=CountedPool,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=CONNECT_TIMEOUT_S,
        # What residents write stands in the parameters, and no log is the place for it.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "keepalives_idle": PROBE_EVERY_S,
            "keepalives_interval": PROBE_EVERY_S,
            "tcp_user_timeout": SILENCE_TIMEOUT_MS,
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} -c timezone=UTC"
            ),
        },
    )
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", partial(_check_idle, engine))
    event.listen(engine, "rollback", _end_transaction)
    event.listen(engine, "before_cursor_execute", _begin_statement)
    event.listen(engine, "after_cursor_execute", _end_statement)
    event.listen(engine, "handle_error", _name_error, retval=True)
    return engine


def _name_error(context: ExceptionContext) -> BaseException | None:
    found = context.original_exception
    if isinstance(found, ReadOnlySqlTransaction):
        # Another server has taken over, or somebody looks after this one: it will pass.
        return OperationalError(context.statement, None, found, hide_parameters=True)
    if isinstance(found, UndefinedTable | UndefinedColumn):
        # What is missing is named by us, so that it may be told.
        log.error("schema lags", missing=found.diag.message_primary)
        return SchemaLags(context.statement, None, found, hide_parameters=True)
    return None


def _note_return(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[_RETURNED] = time.monotonic()


def _check_idle(
    engine: Engine,
    connection: DBAPIConnection,
    record: ConnectionPoolEntry,
    _proxy: PoolProxiedConnection,
) -> None:
    # One that was of use a moment ago most likely still is, and asking it takes as long as working.
    returned = record.info.get(_RETURNED)
    if returned is None or time.monotonic() - returned < CHECK_IDLE_S:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _end_transaction(connection: Connection) -> None:
    """Roll back ourselves where no statement failed: the driver would forget all that it prepared.

    It does so because a statement may name what has gone with the transaction. Ours name tables.
    """
    if connection.invalidated:
        return
    driver = connection.connection.driver_connection
    if driver is not None and driver.info.transaction_status == TransactionStatus.INTRANS:
        driver.pgconn.exec_(b"ROLLBACK")


def _begin_statement(
    connection: Connection,
    cursor: Any,
    _statement: str,
    _parameters: Any,
    context: ExecutionContext,
    _many: bool,
) -> None:
    anew = context.execution_options.get(PLANNED_ANEW, False)
    cursor.connection.prepare_threshold = None if anew else PREPARE_AFTER
    if context.execution_options.get(IN_BINARY, False):
        cursor.format = Format.BINARY
    connection.info[_BEGAN] = time.perf_counter()


def _end_statement(connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
    seconds = time.perf_counter() - connection.info[_BEGAN]
    if seconds >= SLOW_S:
        # Values stand in the parameters, so the statement itself is always the code's own text.
        shortened = " ".join(statement.split())[:MOST_TOLD]
        log.warning("slow statement", seconds=round(seconds, 3), statement=shortened)


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Make the factory of sessions: nothing is reloaded after a commit."""
    return sessionmaker(engine, expire_on_commit=False)
