"""How much a report asks of the database: the number of statements of one POST, kept low."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import event

from tests.api.help import parts_of
from tests.resident import Resident

MOST = 23


def test_a_report_takes_few_statements(app: Flask, resident: Resident) -> None:
    resident.report(contact={"email": "camille@example.org"}, locale="fr")
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = parts_of(app).engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        resident.report(contact={"email": "camille@example.org"}, locale="fr")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(statements) <= MOST, "\n\n".join(statements)
