"""The city's calendar by the API: validated, audited, and followed by open tickets' deadlines."""

from __future__ import annotations

from datetime import datetime, timedelta
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
NIGHTS = {
    "code": "nuits",
    "names": {"fr": "Les nuits"},
    "calendar": {"hours": {"monday": ["18:00-24:00"], "tuesday": ["18:00-24:00"]}},
}
NIGHTS_PATH = "/calendars/nuits"
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
    before, _soirees = office.get("/calendars")["items"]
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
            select(AuditEntry)
            .where(AuditEntry.thing_kind == "calendar", AuditEntry.person_id.is_not(None))
            .order_by(AuditEntry.id)
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


def test_a_calendar_is_added_given_to_a_team_and_retired(office: Office, own_app: Flask) -> None:
    added = office.post("/calendars", NIGHTS)
    assert added.status_code == 201, added.text
    told = body_of(added)
    assert {name: told[name] for name in ("code", "names", "relance", "retired", "etag")} == {
        "code": "nuits",
        "names": {"fr": "Les nuits"},
        "relance": None,
        "retired": False,
        "etag": '"v1"',
    }
    assert told == office.get(NIGHTS_PATH) == office.get("/calendars")["items"][1]
    h.refused(office.post("/calendars", NIGHTS), 409)
    h.refused(office.post("/calendars", {**NIGHTS, "code": "beaurive"}), 409)
    spoilt = {**NIGHTS, "code": "autre", "calendar": {"hours": {"monday": ["08:00-08:01"]}}}
    assert h.blamed(office.post("/calendars", spoilt)) == ["/calendar/hours"]
    assert h.blamed(office.change(NIGHTS_PATH, calendar=None)) == ["/calendar"]
    assert h.blamed(office.change(NIGHTS_PATH, relance=RELANCE)) == ["/relance"]

    assert h.blamed(office.change("/teams/voirie", calendar="jours")) == ["/calendar"]
    assert body_of(office.change("/teams/voirie", calendar="nuits"))["calendar"] == "nuits"
    assert office.get(NIGHTS_PATH)["following"] is True
    h.refused(office.change(NIGHTS_PATH, retired=True), 409)
    assert office.change("/teams/voirie", calendar=None).status_code == 200
    assert body_of(office.change(NIGHTS_PATH, retired=True))["retired"] is True
    assert h.blamed(office.change("/teams/voirie", calendar="nuits")) == ["/calendar"]
    with h.parts_of(own_app).sessions() as session:
        acts = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(act.thing_kind, act.thing_reference, act.changes) for act in acts[-4:]] == [
        ("calendar", "nuits", acts[-4].changes),
        ("team", "voirie", {"calendar": {"from": None, "to": "nuits"}}),
        ("team", "voirie", {"calendar": {"from": "nuits", "to": None}}),
        ("calendar", "nuits", {"retired": {"from": False, "to": True}}),
    ]
    assert set(acts[-4].changes) == {"names", "calendar"}


def test_deadlines_follow_the_team_and_its_calendar(office: Office, own_app: Flask) -> None:
    client, person = office.client, log_in(office.client, DISPATCHER)
    path = f"/tickets/{Resident(client).report()['ticket']}"
    assert office.post("/calendars", {**NIGHTS, "calendar": {"hours": ALWAYS}}).status_code == 201
    assert office.change("/teams/espaces-verts", calendar="nuits").status_code == 200
    _follow(own_app)
    before, tag = read_ticket(client, path.removeprefix("/tickets/"), person)
    headers = {**person, "If-Match": tag}
    answer = client.patch(f"{BASE}{path}", json={"team": "espaces-verts"}, headers=headers)
    changes = {one["field"]: one for one in body_of(answer)["changes"]}
    why = "It was reckoned anew in the working time of the new team."
    sent = datetime.fromisoformat(before["created_at"])
    assert changes["due_at"]["why"] == why
    assert changes["due_at"]["from"] == before["due_at"]
    due = datetime.fromisoformat(changes["due_at"]["to"])
    assert due - sent == timedelta(hours=24)

    half = {day: ["00:00-12:00"] for day in WEEKDAYS}
    assert office.change(NIGHTS_PATH, calendar={"hours": half}).status_code == 200
    assert sum(_follow(own_app)) == 1
    # Of each day half: twice as long, give or take the half that the day of its sending had left.
    due = datetime.fromisoformat(h.read(client, path, person)["due_at"])
    assert timedelta(hours=36) <= due - sent <= timedelta(hours=61)


def test_what_is_wrong_with_hours_is_told_in_the_callers_language(app: Flask) -> None:
    office = Office(app)
    office.headers["Accept-Language"] = "fr"
    spoilt = [
        {"hours": {"monday": ["12:00-08:00"]}},
        {"hours": {"monday": ["08:00-12:00", "11:00-13:00"]}},
        {"hours": {"monday": []}},
        {"hours": ALWAYS, "closed": ["2026-02-30"]},
        {"hours": ALWAYS, "closed": ["2026-02-01"], "open": {"2026-02-01": ["08:00-12:00"]}},
        {"hours": ALWAYS, "holidays": {"country": "QQ"}},
        {"hours": ALWAYS, "holidays": {"country": "FR", "subdivision": "QQ"}},
    ]
    told = [
        body_of(office.change(PATH, calendar=calendar))["errors"][0]["detail"]
        for calendar in spoilt
    ]
    assert [line.replace("\xa0", " ").partition(" :")[0] for line in told] == [
        "12:00-08:00 finit avant de commencer",
        "11:00-13:00 commence avant la fin des heures précédentes",
        "les heures doivent laisser du temps pour travailler",
        "Une date comme 2026-01-31 est attendue.",
        "2026-02-01 est à la fois fermé et ouvert",
        "les jours fériés de « QQ » ne sont pas connus",
        "« FR » n'a pas de partie « QQ » qui ait des jours fériés",
    ]
