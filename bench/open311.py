"""A thousand requests as Open311 lists them, against the time that PostgreSQL needs for the rows.

PostgreSQL is asked the very statement that the list asks, by a client that lets the rows lie. A
list takes as much memory at most, and as many questions, when its window holds a hundred times as
many reports.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import psycopg
from flask.testing import FlaskClient

from bench.tools.database import Town, fill, town
from bench.tools.verdict import Ratio, conclude
from infra.clock import now
from tests.statements import Statement, asked_of

REPORTS = 100_000
PHOTO_EVERY = 2
ROUNDS = 30
WARM_UP = 5
MOST = 1_000
AT_MOST = 3.0
FLAT = 1.2
PATH = "/open311/v2/requests"


def main() -> int:
    """Ask for the list in both formats and PostgreSQL for its rows, in turns."""
    with town() as one:
        fill(one, REPORTS, PHOTO_EVERY, searched=False)
        # As the web server does when it has loaded everything.
        gc.freeze()
        client = one.app.test_client()
        ratios = []
        for suffix in ("json", "xml"):
            wide, narrow = (f"{PATH}.{suffix}?{_window(days)}" for days in (89, 1))
            statement, asked = _statement(one, client, wide)
            if asked != _statement(one, client, f"{wide}&page=1&page_size=10")[1]:
                print("a longer list asks more questions")
                return 1
            ours, peers = _race(one, client, wide, statement)
            told = f"list of {MOST:,} as {suffix.upper()}"
            ratios += [
                Ratio(told, "PostgreSQL for the rows", "ms", ours, peers, AT_MOST),
                Ratio(
                    f"memory for it, of {REPORTS:,} reports",
                    "the same list of a day's",
                    "MB",
                    [_memory_mb(client, wide) for _ in range(3)],
                    [_memory_mb(client, narrow) for _ in range(3)],
                    FLAT,
                ),
            ]
    return conclude(ratios)


def _window(days: int) -> str:
    end = now() + timedelta(days=1)
    return f"start_date={end - timedelta(days=days + 1):%Y-%m-%d}&end_date={end:%Y-%m-%d}"


def _statement(one: Town, client: FlaskClient, path: str) -> tuple[Statement, int]:
    """Return the statement that reads the list, and how many the list asks."""
    with asked_of(one.parts.engine) as asked:
        answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    [statement] = [one for one in asked if "LIMIT" in one and "public_message" in one]
    return statement, len(asked)


def _race(
    one: Town, client: FlaskClient, path: str, statement: Statement
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of the list and of its rows alone, asked in turns."""
    with psycopg.connect(one.libpq_url, autocommit=True) as connection:
        cursor = connection.cursor(binary=True)

        def list_them() -> int:
            answer = client.get(path)
            names: int = answer.data.count(b"service_request_id")
            return names // 2 if ".xml" in path else names

        def fetch_them() -> int:
            return cursor.execute(statement, statement.values, prepare=False).rowcount

        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(ROUNDS + WARM_UP):
            for work, times in zip((list_them, fetch_them), taken, strict=True):
                milliseconds = _time_ms(work)
                if number >= WARM_UP:
                    times.append(milliseconds)
    return taken


def _time_ms(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    found = work()
    milliseconds = (time.perf_counter() - began) * 1e3
    if found != MOST:
        raise RuntimeError(f"{found} requests instead of {MOST}")
    return milliseconds


def _memory_mb(client: FlaskClient, path: str) -> float:
    tracemalloc.start()
    client.get(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    sys.exit(main())
