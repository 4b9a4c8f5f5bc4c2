"""The database goes away in the middle of a request: the answer stands all the same (fault 38)."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from api.callers import anyone
from api.services import db
from reports.desk.handling import StaleVersion
from tests.api import help as h

pytestmark = pytest.mark.fault(38)


def _answer() -> str:
    return "all is well"


def _refuse() -> str:
    raise StaleVersion


@pytest.mark.parametrize(("then", "status"), [(_answer, 200), (_refuse, 412)])
def test_38_what_is_known_is_answered_though_nothing_can_be_rolled_back(
    new_app: Flask, own_database_url: str, then: Callable[[], str], status: int
) -> None:
    @new_app.route("/lost")
    @anyone
    def lose_the_database() -> str:
        own = db().scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(own_database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (own,))
        return then()

    client = new_app.test_client()
    for _ in range(2):
        assert client.get("/lost").status_code == status
    assert h.read(client, "/reports")["items"] == []
