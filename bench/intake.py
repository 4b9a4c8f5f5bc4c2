"""POST /reports through the real web server, against psycopg writing the same rows and no more.

Both sides wait for the disk at every commit and run in as many processes. Beyond the rows, ours
checks, finds district, address and rule, decides, and answers with the reporter's view.

Before the first round the tables hold some thousand reports and have been analysed, as autovacuum
does within a city's first minutes: connections that are kept, which are ours alone, would otherwise
go on with plans that were made for empty tables.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bench.tools.servers import GATED, PROCESSES, request, requests_per_s, serving, site
from bench.tools.verdict import Ratio, conclude
from tests.resident import BASE, problem_at

ROUNDS = 6
ROUND_S = 4.0
CLIENTS = 8
BOUND = 0.35
# In the order in which they may be written. Each row names its report or its ticket.
TABLES = ("reports", "contacts", "tickets", "memberships", "decisions", "events", "notices")
UNIQUE = {"reference", "message_key"}

Row = dict[str, Any]
Rows = list[tuple[str, Row]]


def new_report() -> bytes:
    """Return a report that nobody has sent before."""
    body = problem_at(description=uuid4().hex, contact={"email": f"{uuid4().hex}@example.org"})
    return request(
        "POST", f"{BASE}/reports", json.dumps(body).encode(), ["Content-Type: application/json"]
    )


def rows_of_one(url: str) -> Rows:
    """Return the rows that the newest report led to, without their own numbers."""
    with psycopg.connect(url, row_factory=dict_row) as database:
        ids = database.execute("SELECT report_id, ticket_id FROM memberships ORDER BY id DESC")
        newest = ids.fetchone()
        assert newest is not None
        columns = {"reports": "id", "contacts": "report_id", "tickets": "id"}
        found: Rows = []
        for table in TABLES:
            column = columns.get(table, "ticket_id")
            query = sql.SQL("SELECT * FROM {} WHERE {} = %s").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            whose = newest["report_id" if table in {"reports", "contacts"} else "ticket_id"]
            found += [(table, row) for row in database.execute(query, (whose,)).fetchall()]
    for _, row in found:
        row.pop("id", None)
    return found


def write_until(url: str, rows: Rows, until: float) -> int:
    """Write the rows again and again, each time in a transaction; return how often."""
    count = 0
    prepared = [(table, _insert(table, row), row) for table, row in rows]
    with psycopg.connect(url) as database:
        while time.time() < until:
            _write_once(database, prepared)
            count += 1
    return count


def _write_once(
    database: psycopg.Connection, prepared: list[tuple[str, sql.Composed, Row]]
) -> None:
    made: dict[str, int] = {}
    with database.transaction():
        for table, statement, row in prepared:
            new = {name: uuid4().hex for name in UNIQUE & row.keys()} | {
                name: made[name] for name in ("report_id", "ticket_id") if row.get(name)
            }
            values = [_adapt(value) for value in (row | new).values()]
            written = database.execute(statement, values).fetchone()
            if table in {"reports", "tickets"}:
                assert written is not None
                made[f"{table[:-1]}_id"] = written[0]


def _insert(table: str, row: Row) -> sql.Composed:
    returning = sql.SQL("RETURNING id" if table in {"reports", "tickets"} else "RETURNING 1")
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
        returning,
    )


def _adapt(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict) else value


def bare_per_s(url: str, rows: Rows) -> float:
    """Return how many times a second the rows are written by as many processes."""
    began = time.time()
    tasks = [(url, rows, began + ROUND_S)] * PROCESSES
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        return sum(pool.starmap(write_until, tasks)) / (time.time() - began)


def settle(url: str, rows: Rows) -> None:
    """Bring the tables to the state of a city that has been running for a while."""
    bare_per_s(url, rows)
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("VACUUM (ANALYZE)")


def counted(url: str) -> Counter[str]:
    """Return how many rows each table holds."""
    with psycopg.connect(url) as database:
        return Counter(
            {
                table: database.execute(
                    sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                ).fetchall()[0][0]
                for table in TABLES
            }
        )


def main() -> int:
    """Take both sides' samples in turn, and conclude."""
    ours, bare = [], []
    with site() as city, serving(GATED, "asgi:app", city) as port:
        url = city.database_url
        requests_per_s(port, 1, CLIENTS, new_report, 201)
        rows = rows_of_one(url)
        settle(url, rows)
        per_report = Counter(table for table, _ in rows)
        print(f"rows of a report: {dict(per_report)}")
        for _ in range(ROUNDS):
            before = counted(url)
            ours.append(requests_per_s(port, ROUND_S, CLIENTS, new_report, 201))
            between = counted(url)
            bare.append(bare_per_s(url, rows))
            for told in (between - before, counted(url) - between):
                count = told["reports"]
                assert told == {table: per_report[table] * count for table in TABLES}
    return conclude(
        [Ratio("reports taken in", "psycopg alone", "/s", ours, bare, BOUND, at_least=True)]
    )


if __name__ == "__main__":
    sys.exit(main())
