"""Prepared statements: which a connection keeps, and which it must not."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from infra.database import PLANNED_ANEW, PREPARE_AFTER, make_engine

OURS = "SELECT 4711"
KEPT = text(f"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '{OURS}%'")


@pytest.fixture
def engine(database_url: str) -> Engine:
    return make_engine(database_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=1)


def _ask_often(connection: Connection, **options: bool) -> None:
    for _ in range(PREPARE_AFTER + 1):
        connection.execute(text(OURS), execution_options=options)
        connection.rollback()


def test_what_is_asked_often_stays_prepared_beyond_a_rollback(engine: Engine) -> None:
    with engine.connect() as connection:
        _ask_often(connection)
        assert connection.scalar(KEPT) == 1
    engine.dispose()


def test_what_depends_on_its_values_is_planned_anew(engine: Engine) -> None:
    with engine.connect() as connection:
        _ask_often(connection, **{PLANNED_ANEW: True})
        assert connection.scalar(KEPT) == 0
    engine.dispose()


def test_after_a_failure_nothing_stays_prepared(engine: Engine) -> None:
    with engine.connect() as connection:
        _ask_often(connection)
        with pytest.raises(ProgrammingError):
            connection.execute(text("SELECT nothing"))
        connection.rollback()
        assert connection.scalar(KEPT) == 0
    engine.dispose()


def test_a_rollback_undoes_what_was_written(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("UPDATE jurisdictions SET time_zone = 'UTC'"))
        connection.rollback()
        assert (
            connection.scalar(text("SELECT count(*) FROM jurisdictions WHERE time_zone = 'UTC'"))
            == 0
        )
    engine.dispose()
