"""Retention as the workers do it: killed again and again, in the end everything is done once."""

from __future__ import annotations

from pathlib import Path

import psycopg
from flask import Flask

from reports.privacy.retention import AT_ONCE
from tests import traces
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import Resident
from tests.stack import Stack, eventually

TICKETS = AT_ONCE + 10
EMAIL = "ines.quimper@example.org"
RETAINED = "audit_entries WHERE act = 'retention'"


def test_sweepers_killed_on_the_way_leave_nothing_half_done(
    own_app: Flask, own_database_url: str, workers: Stack, tmp_path: Path
) -> None:
    resident = Resident(own_app.test_client())
    photo = photo_samples.jpeg(64, 48, gps=True)
    for number in range(TICKETS):
        view = resident.report(contact={"email": EMAIL}, kind="compliment", category="merci")
        if number % 10 == 0:
            assert resident.put_photo(view, photo).status_code == 201
            h.render_photos(own_app, view["reference"])
    with psycopg.connect(own_database_url, autocommit=True) as database:
        database.execute("UPDATE tickets SET closed_at = closed_at - interval '25 months'")
        database.execute("UPDATE jurisdictions SET retention_months = 24")
        database.execute("UPDATE notices SET status = 'sent'")

        workers.start_workers()
        eventually(lambda: _count(database, RETAINED) >= 1)
        workers.kill_workers("sweeper")
        eventually(lambda: _count(database, RETAINED) >= 2)
        workers.kill_workers("sweeper")

        eventually(lambda: _count(database, "contacts") == 0)
        eventually(lambda: not traces.files(tmp_path, "originals"))
        eventually(lambda: _count(database, "removals") == 0)
        row = database.execute(
            "SELECT sum((changes->>'contacts')::int), sum((changes->>'originals')::int)"
            f" FROM {RETAINED}"
        ).fetchone()
        assert row == (TICKETS, TICKETS // 10)
        assert _count(database, "events WHERE kind = 'anonymised'") == TICKETS
    assert len(traces.files(tmp_path, "derivatives")) == 6 * TICKETS // 10


def _count(database: psycopg.Connection[tuple[int]], what: str) -> int:
    row = database.execute(f"SELECT count(*) FROM {what}".encode()).fetchone()
    assert row is not None
    return row[0]
