"""What must not come back, be joined or be taken by a way around."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from city.models import Person, TeamMember
from reports.mail import writing
from reports.models import Audience, Notice, Report
from tests.api import help as h
from tests.api.test_administration import Office
from tests.resident import BASE, Resident, body_of, log_in, move, problem_at, read_ticket

KEYS = f"{BASE}/admin/keys"


def test_what_was_revoked_stays_so_where_a_change_says_nothing_of_it(app: Flask) -> None:
    office = Office(app)
    new = {"name": "Capteurs", "channel": "sensor", "per_minute": 300}
    key = body_of(office.client.post(KEYS, json=new, headers=office.headers))
    path = f"{KEYS}/{key['id']}"
    for change in ({"name": "Capteurs", "retired": True}, {"name": "Anciens capteurs"}):
        tag = office.client.get(path, headers=office.headers).headers["ETag"]
        headers = {**office.headers, "If-Match": tag}
        told = body_of(office.client.put(path, json=change, headers=headers))
        assert told["retired"] is True
        assert told["per_minute"] == 300
    refused = office.client.post(
        f"{BASE}/reports",
        json=problem_at(),
        headers={"Authorization": f"Bearer {key['secret']}"},
    )
    assert refused.status_code == 401


@pytest.mark.fault(29)
@pytest.mark.parametrize("sign", ["\r\n", "\n", "\u2028", "\x85"])
def test_29_a_name_is_one_line(app: Flask, sign: str) -> None:
    office = Office(app)
    body = {"code": "nuit", "names": {"fr": f"Nuit{sign}Payer ici"}, "email": "n@town.example"}
    answer = office.client.post(f"{BASE}/admin/teams", json=body, headers=office.headers)
    assert h.blamed(answer) == ["/names"]


@pytest.mark.parametrize("words", ["\u200b", "\u202e\ufeff", "\u3164 ", "\u2800"])
def test_what_nobody_sees_says_nothing(client: FlaskClient, resident: Resident, words: str) -> None:
    ticket, staff = resident.report()["ticket"], log_in(client)
    answer = client.post(f"{BASE}/tickets/{ticket}/notes", json={"text": words}, headers=staff)
    assert h.blamed(answer) == ["/text"]
    answer = move(client, ticket, staff, "declined", public_message=words)
    assert answer.status_code == 422


def test_who_has_left_the_team_holds_nothing(own_app: Flask) -> None:
    client = own_app.test_client()
    ticket = Resident(client).report()["ticket"]
    member, lead = log_in(client, h.MEMBER_OF_ROADS), log_in(client, h.LEAD_OF_ROADS)
    assert _take(client, ticket, member).status_code == 200
    assert _take(client, ticket, lead).status_code == 409
    with h.parts_of(own_app).sessions.begin() as session:
        person = session.scalars(select(Person.id).where(Person.email == h.MEMBER_OF_ROADS)).one()
        session.execute(delete(TeamMember).where(TeamMember.person_id == person))
    answer = _take(client, ticket, lead)
    assert answer.status_code == 200
    assert body_of(answer)["assignee"] == h.LEAD_OF_ROADS


def _take(client: FlaskClient, ticket: str, staff: dict[str, str]) -> TestResponse:
    _, tag = read_ticket(client, ticket, staff)
    return client.post(f"{BASE}/tickets/{ticket}/take", headers={**staff, "If-Match": tag})


def test_the_decision_tells_of_a_hand_back(client: FlaskClient, resident: Resident) -> None:
    view, staff = resident.report(), log_in(client)
    _, tag = read_ticket(client, view["ticket"], staff)
    client.post(
        f"{BASE}/tickets/{view['ticket']}/hand-back",
        json={"reason": "Départementale"},
        headers={**staff, "If-Match": tag},
    )
    decision = h.read(client, f"/reports/{view['reference']}/decision")
    assert decision["team"]["code"] == "accueil"
    assert "handed back" in decision["text"]


def test_who_is_joined_to_closed_work_reads_its_answer_and_is_asked(
    app: Flask, client: FlaskClient, resident: Resident, session: Session
) -> None:
    staff = log_in(client)
    views = [
        resident.report(contact={"email": f"closed{n}@example.org"}, locale="en") for n in range(2)
    ]
    closed, other = (view["ticket"] for view in views)
    assert move(client, closed, staff, "resolved", public_message="Filled.").status_code == 200
    _, tag = read_ticket(client, other, staff)
    merged = client.post(
        f"{BASE}/tickets/{other}/merge", json={"into": closed}, headers={**staff, "If-Match": tag}
    )
    assert merged.status_code == 200
    settings = h.parts_of(app).settings
    owed = session.scalars(
        select(Notice)
        .join(Report, Report.id == Notice.report_id)
        .where(Report.reference == views[1]["reference"], Notice.audience == Audience.REPORTER)
        .order_by(Notice.id.desc())
        .limit(1)
    ).one()
    mail = writing.compose(session, owed, "a@example.org", settings.public_url, settings.secret_key)
    assert "Filled." in mail.text
    assert "Is it solved for you?" in mail.text
    assert "Nothing more will follow" not in mail.text


def test_a_repeat_is_one_however_its_reference_is_spelt(
    client: FlaskClient, resident: Resident
) -> None:
    ticket, staff = resident.report()["ticket"], log_in(client)
    headers = {**staff, "Idempotency-Key": ticket}
    first, again = (
        client.post(f"{BASE}/tickets/{one}/questions", json={"text": "Où ?"}, headers=headers)
        for one in (ticket, ticket.lower())
    )
    assert first.status_code == again.status_code == 201
    assert body_of(first) == body_of(again)


def test_reporters_reasons_are_their_own(app: Flask) -> None:
    body = {"code": "withdrawn", "names": {"fr": "Retiré"}, "statuses": ["declined"]}
    assert h.blamed(Office(app).post("/close-reasons", body)) == ["/code"]


def test_nobody_is_told_to_expect_what_has_passed(client: FlaskClient, resident: Resident) -> None:
    ticket, staff = resident.report()["ticket"], log_in(client)
    _, tag = read_ticket(client, ticket, staff)
    answer = client.post(
        f"{BASE}/tickets/{ticket}/third-party",
        json={"code": "departement", "reason": "x", "expected_at": "1900-01-02T00:00:00Z"},
        headers={**staff, "If-Match": tag},
    )
    assert h.blamed(answer) == ["/expected_at"]
