"""The city's calendar by the API: validated, audited, and followed by open tickets' deadlines."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from city.calendars import WEEKDAYS
from city.models import AuditEntry, Jurisdiction
from infra.clock import now
from infra.mail import Mailer
from reports import reckoning
from reports.models import Event, Ticket
from tests.api import help as h
from tests.api.test_administration import CATEGORY, Office
from tests.resident import BASE, DISPATCHER, Resident, body_of, log_in, read_ticket
from workers import sweeper
from workers.tools import Tools

PATH = "/calendars/beaurive"
ALWAYS = {day: ["00:00-24:00"] for day in WEEKDAYS}
RELANCE = {"before_hours": 4, "after_hours": 12}


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def _follow(app: Flask, most: int = 100) -> list[int]:
    """Do what the sweeper does until nothing has yet to follow; return how many moved each time."""
    moved: list[int] = []
    while True:
        with h.parts_of(app).sessions.begin() as session:
            cities = reckoning.cities(session)
            if not cities:
                return moved
            moved += [reckoning.run_batch(session, city, now()) for city in cities]
        assert len(moved) < most


def test_the_citys_own_calendar_is_changed(own_app: Flask, office: Office) -> None:
    [before] = office.get("/calendars")["items"]
    assert before == office.get(PATH)
    assert (before["code"], before["time_zone"]) == ("beaurive", "Europe/Paris")
    assert before["calendar"]["holidays"] == {"country": "FR", "subdivision": None}
    assert before["following"] is False

    told = body_of(office.change(PATH, relance=RELANCE))
    assert told["relance"] == RELANCE
    # Nothing that moves a deadline has changed.
    assert told["following"] is False
    calendar = {**before["calendar"], "closed": ["2027-05-07", "2026-05-15"]}
    changed = body_of(office.change(PATH, calendar={**calendar, "hours": ALWAYS}))
    assert changed["calendar"]["closed"] == ["2026-05-15", "2027-05-07"]
    assert changed["following"] is True
    assert office.put(PATH, changed, before["etag"]).status_code == 412
    assert body_of(office.change(PATH, calendar=None))["calendar"] is None
    h.refused(office.change(PATH, retired=True), 409)
    assert h.blamed(office.change(PATH, names={"fr": "Autre"})) == ["/names"]
    assert h.blamed(office.change(PATH, relance=None)) == ["/relance"]
    with h.parts_of(own_app).sessions() as session:
        acts = session.scalars(
            select(AuditEntry).where(AuditEntry.thing_kind == "calendar").order_by(AuditEntry.id)
        ).all()
    assert [set(act.changes) for act in acts] == [
        {"relance_before_hours", "relance_after_hours"},
        {"calendar"},
        {"calendar"},
    ]


@pytest.mark.parametrize(
    ("calendar", "wrong"),
    [
        ({}, ["/calendar/hours"]),
        ({"hours": {}}, ["/calendar/hours"]),
        ({"hours": {"lundi": ["08:00-12:00"]}}, ["/calendar/hours/lundi"]),
        ({"hours": {"monday": ["8-12"]}}, ["/calendar/hours/monday/0"]),
        ({"hours": {"monday": ["12:00-08:00"]}}, ["/calendar/hours/monday"]),
        ({"hours": {"monday": []}}, ["/calendar"]),
        ({"hours": ALWAYS, "holidays": {"country": "ZZ"}}, ["/calendar/holidays"]),
        ({"hours": ALWAYS, "closed": ["2026-02-30"]}, ["/calendar/closed/0"]),
        ({"hours": ALWAYS, "open": {"soon": ["08:00-12:00"]}}, ["/calendar/open/soon"]),
        ({"hours": ALWAYS, "colour": "red"}, ["/calendar/colour"]),
        # A minute a week: what takes hours would take decades.
        ({"hours": {"monday": ["08:00-08:01"]}}, ["/calendar/hours"]),
    ],
)
def test_a_calendar_is_held_to_the_rules_of_city_files(
    app: Flask, calendar: dict[str, Any], wrong: list[str]
) -> None:
    office = Office(app)
    before = office.get(PATH)
    assert h.blamed(office.change(PATH, calendar=calendar)) == wrong
    assert office.get(PATH) == before


def test_a_category_may_not_take_longer_than_the_calendar_lasts(app: Flask) -> None:
    answer = Office(app).post("/categories", {**CATEGORY, "target_hours": 24 * 366 * 5})
    assert h.blamed(answer) == ["/target_hours"]


def test_deadlines_of_open_tickets_follow_but_for_a_dispatchers_own(
    own_app: Flask, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoning, "AT_ONCE", 2)
    resident = Resident(own_app.test_client())
    client, person = resident.client, log_in(resident.client, DISPATCHER)
    open_ones = [resident.report()["ticket"] for _ in range(4)]
    fixed, closed = resident.report()["ticket"], resident.report()["ticket"]
    own = "2031-01-31T12:00:00Z"
    tag = read_ticket(client, fixed, person)[1]
    headers = {**person, "If-Match": tag}
    path = f"{BASE}/tickets/{fixed}"
    assert client.patch(path, json={"due_at": own}, headers=headers).status_code == 200
    with h.parts_of(own_app).sessions.begin() as session:
        row = session.scalars(select(Ticket).where(Ticket.reference == closed)).one()
        row.status, row.closed_at, before = "resolved", now(), row.due_at

    assert office.change(PATH, calendar=None).status_code == 200
    assert _follow(own_app) == [2, 2, 0]
    assert office.get(PATH)["following"] is False
    assert _follow(own_app) == []
    with h.parts_of(own_app).sessions() as session:
        rows = {one.reference: one for one in session.scalars(select(Ticket))}
        hours = {
            round((due - rows[one].created_at).total_seconds() / 3600, 3)
            for one in open_ones
            if (due := rows[one].due_at) is not None
        }
        [target] = hours
        assert target == office.get("/categories/nid-de-poule")["target_hours"]
        assert rows[closed].due_at == before
        event = session.scalars(
            select(Event).where(Event.ticket_id == rows[open_ones[0]].id).order_by(Event.seq.desc())
        ).first()
        assert event is not None
        assert (event.kind, list(event.data["changes"])) == ("changed", ["due_at"])
        assert rows[open_ones[0]].version == event.seq
    assert read_ticket(client, fixed, person)[0]["due_at"] == own


def test_a_crash_half_way_leaves_none_behind(
    own_app: Flask, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoning, "AT_ONCE", 2)
    resident = Resident(own_app.test_client())
    for _ in range(3):
        resident.report()
    assert office.change(PATH, calendar=None).status_code == 200
    sessions = h.parts_of(own_app).sessions
    with sessions.begin() as session:
        [city] = reckoning.cities(session)
        assert reckoning.run_batch(session, city, now()) == 2
    with sessions() as killed:
        assert reckoning.run_batch(killed, city, now()) == 1
        # Who comes meanwhile neither waits nor does the same again.
        with sessions.begin() as session:
            assert reckoning.run_batch(session, city, now()) == 0
            assert session.get_one(Jurisdiction, city).reckoned_to is not None
        killed.rollback()
    parts = h.parts_of(own_app)
    mailer = Mailer("smtp://127.0.0.1:9", "a@b")
    sweeper.reckon_anew(Tools(parts.settings, parts.sessions, parts.storage, mailer, parts.metrics))
    with sessions() as session:
        assert reckoning.cities(session) == []
        moved = session.scalars(select(Event).where(Event.kind == "changed")).all()
    assert len({event.ticket_id for event in moved}) == len(moved) == 3
