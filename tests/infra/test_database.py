"""The database's connections: those that lay idle are checked before they are used."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from infra.database import CHECK_IDLE_S, make_engine

WHO = text("SELECT pg_backend_pid()")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url, 1)
    yield engine
    engine.dispose()


def ask(engine: Engine) -> int:
    with engine.connect() as connection:
        pid: int = connection.execute(WHO).scalar_one()
    return pid


def end(database_url: str, pid: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_connection_that_was_lost_while_it_lay_idle_is_replaced(
    engine: Engine, database_url: str
) -> None:
    first = ask(engine)
    assert ask(engine) == first
    end(database_url, first)
    time.sleep(CHECK_IDLE_S)
    assert ask(engine) != first


def test_one_that_is_lost_between_two_uses_costs_one_error(
    engine: Engine, database_url: str
) -> None:
    first = ask(engine)
    end(database_url, first)
    with pytest.raises(OperationalError):
        ask(engine)
    assert ask(engine) != first
