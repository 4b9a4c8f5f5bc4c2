"""How the inbox is read: by a fixed number of questions, each of which has an index to go by."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.api.inbox_questions import LARGE, OF_ALL, OF_TEAMS, nodes_of
from tests.resident import DISPATCHER, Resident, log_in
from tests.statements import asked_of

EVERY_QUESTION = [
    *((DISPATCHER, query) for query in OF_ALL),
    *((who, query) for who in (h.MEMBER_OF_ROADS, h.LEAD_OF_ROADS) for query in OF_TEAMS),
]


@pytest.mark.parametrize(("who", "query"), EVERY_QUESTION)
def test_no_question_has_to_read_a_large_table_from_end_to_end(
    app: Flask, client: FlaskClient, database_url: str, who: str, query: str
) -> None:
    staff = log_in(client, who)
    with asked_of(h.parts_of(app).engine) as asked:
        h.read(client, f"/tickets?{query}", staff)
    with psycopg.connect(database_url) as connection:
        # The few rows of a test are best read one after the other; so that is forbidden, and what
        # is read like that all the same has no other way.
        connection.execute("SET enable_seqscan = off")
        for statement in asked:
            read = [node for node in nodes_of(connection, statement) if _whole(node)]
            assert read == []


def _whole(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE


def test_a_page_takes_as_many_questions_whatever_it_holds(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    staff = log_in(client)
    counted = []
    for _ in range(3):
        resident.report()
        with asked_of(h.parts_of(app).engine) as statements:
            h.read(client, "/tickets?limit=50", staff)
        counted.append(len(statements))
    assert counted == [counted[0]] * 3
