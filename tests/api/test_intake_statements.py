"""How much a report asks of the database: the number of statements of one POST, kept low."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH
from sqlalchemy import event

from tests.api.help import parts_of
from tests.resident import Resident

# Where it lies and what the city has set up for it, and all its rows at once.
STATEMENTS = 2
JOINING = 12


@contextmanager
def noted(app: Flask) -> Iterator[list[str]]:
    """Yield what the database is asked from now on, transactions' ends included."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    def begin(_connection: object) -> None:
        asked.append("BEGIN")

    def commit(_connection: object) -> None:
        asked.append("COMMIT")

    engine = parts_of(app).engine
    listeners: list[tuple[str, Callable[..., None]]] = [
        ("before_cursor_execute", note),
        ("begin", begin),
        ("commit", commit),
    ]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield asked
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def test_a_report_takes_few_statements(app: Flask, resident: Resident) -> None:
    resident.report(contact={"email": "camille@example.org"}, locale="fr")
    with noted(app) as asked:
        resident.report(contact={"email": "camille@example.org"}, locale="fr")
    assert (asked[0], asked[-1]) == ("BEGIN", "COMMIT")
    assert len(asked[1:-1]) == STATEMENTS, "\n\n".join(asked)
    # Of what is longer, psycopg looks for the parameters anew each time.
    assert max(map(len, asked)) <= MAX_CACHED_STATEMENT_LENGTH


def test_joining_a_ticket_takes_a_few_more(app: Flask, resident: Resident) -> None:
    first = resident.report()
    with noted(app) as asked:
        second = resident.report(same_as=first["ticket"])
    assert second["ticket"] == first["ticket"]
    assert len(asked[1:-1]) <= JOINING, "\n\n".join(asked)
