"""How much a report asks of the database: the number of statements of one POST, kept low."""

from __future__ import annotations

from flask import Flask
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH

from tests.api.help import parts_of
from tests.resident import Resident
from tests.statements import asked_of

# Where it lies and what the city has set up for it, and all its rows at once.
STATEMENTS = 2
JOINING = 12


def test_a_report_takes_few_statements(app: Flask, resident: Resident) -> None:
    resident.report(contact={"email": "camille@example.org"}, locale="fr")
    with asked_of(parts_of(app).engine, ends=True) as asked:
        resident.report(contact={"email": "camille@example.org"}, locale="fr")
    assert (asked[0], asked[-1]) == ("BEGIN", "COMMIT")
    assert len(asked[1:-1]) == STATEMENTS, "\n\n".join(asked)
    # Of what is longer, psycopg looks for the parameters anew each time.
    assert max(map(len, asked)) <= MAX_CACHED_STATEMENT_LENGTH


def test_joining_a_ticket_takes_a_few_more(app: Flask, resident: Resident) -> None:
    first = resident.report()
    with asked_of(parts_of(app).engine, ends=True) as asked:
        second = resident.report(same_as=first["ticket"])
    assert second["ticket"] == first["ticket"]
    assert len(asked[1:-1]) <= JOINING, "\n\n".join(asked)
