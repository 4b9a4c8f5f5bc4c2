"""How much the public list asks of the database: one question, whatever the page holds."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.resident import Resident
from tests.statements import asked_of


def test_a_page_is_one_question(app: Flask, client: FlaskClient, resident: Resident) -> None:
    reports = [resident.report() for _ in range(3)]
    for query in ("", "&jurisdiction=beaurive", "&bbox=2.20,48.70,2.30,48.90"):
        with asked_of(h.parts_of(app).engine, ends=True) as asked:
            items = h.read(client, f"/reports?limit=3{query}")["items"]
        assert len([one for one in asked if one not in {"BEGIN", "COMMIT"}]) == 1, query
    assert h.references(items) == [one["reference"] for one in reversed(reports)]
