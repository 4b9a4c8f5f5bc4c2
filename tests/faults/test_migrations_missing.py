"""A server that is newer than its database: not ready, and back when the migrations have run."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from infra import revisions
from tests.api import help as h
from tests.commands import alembic
from tests.resident import BASE, body_of, problem_at
from tests.stack import environment, eventually


@pytest.fixture
def variables(own_database_url: str, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, own_database_url, "unix:///none", "smtp://none")


def test_a_database_that_lags_is_told_and_served_once_it_has_caught_up(
    own_app: Flask, variables: dict[str, str]
) -> None:
    client = own_app.test_client()
    alembic(variables, "downgrade", "0001")

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert body_of(answer)["parts"]["database"] == "MigrationsMissing"
    refused = client.post(f"{BASE}/reports", json=problem_at())
    assert h.refused(refused, 503)["type"] == "urn:vigie:problem:database-unavailable"
    assert int(refused.headers["Retry-After"]) > 0

    alembic(variables, "upgrade", "head")
    assert client.post(f"{BASE}/reports", json=problem_at()).status_code == 201
    eventually(lambda: client.get("/readyz").status_code == 200)


def test_a_database_without_tables_is_not_ready(own_app: Flask, variables: dict[str, str]) -> None:
    alembic(variables, "downgrade", "base")
    client = own_app.test_client()
    assert body_of(client.get("/readyz"))["parts"]["database"] == "MigrationsMissing"
    h.refused(client.get(f"{BASE}/categories"), 503)


def test_code_runs_on_while_the_next_migration_is_brought_in(own_app: Flask) -> None:
    with h.parts_of(own_app).engine.begin() as connection:
        assert revisions.current(connection) == revisions.head()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert own_app.test_client().get("/readyz").status_code == 200
