"""The work of teams: asking the reporter, and giving back what is not theirs."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from reports.mail import writing
from reports.models import Contact, Notice, Report
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import BASE, Resident, bearer, body_of, move, read_ticket

QUESTION = "De quel côté de la rue est-ce ?"


@pytest.fixture
def view(resident: Resident) -> dict[str, Any]:
    """Return a report whose sender can be written to."""
    return resident.report(contact={"email": f"{uuid4().hex}@example.org"})


def _ask(client: FlaskClient, view: dict[str, Any], staff: dict[str, str]) -> TestResponse:
    path = f"{BASE}/tickets/{view['ticket']}/questions"
    return client.post(path, json={"text": QUESTION}, headers=staff)


def _notices(session: Session, view: dict[str, Any]) -> list[Notice]:
    session.rollback()
    return list(
        session.scalars(
            select(Notice)
            .join(Report, Report.id == Notice.report_id)
            .where(Report.reference == view["reference"])
            .order_by(Notice.id)
        )
    )


def test_a_question_makes_the_work_wait_for_its_answer(
    client: FlaskClient, view: dict[str, Any], as_person: LogIn, session: Session
) -> None:
    member = as_person(h.MEMBER_OF_ROADS)
    answer = _ask(client, view, member)
    assert answer.status_code == 201, answer.text
    assert body_of(answer)["text"] == QUESTION
    ticket, _ = read_ticket(client, view["ticket"], member)
    assert ticket["status"] == "waiting"
    kinds = [notice.kind for notice in _notices(session, view) if notice.audience == "reporter"]
    # One mail, not another one to say that the city waits.
    assert kinds == ["receipt", "question"]
    own = h.read(client, f"/reports/{view['reference']}", bearer(view["tracking_token"]))
    assert [(one["by"], one["text"]) for one in own["messages"]] == [("city", QUESTION)]
    public = str(h.read(client, f"/reports/{view['reference']}/events"))
    assert QUESTION not in public

    path = f"{BASE}/reports/{view['reference']}/messages"
    sent = client.post(path, json={"text": "À gauche."}, headers=bearer(view["tracking_token"]))
    assert sent.status_code == 201
    ticket, _ = read_ticket(client, view["ticket"], member)
    assert ticket["status"] == "in_progress"
    # What comes after the answer starts nothing more.
    assert move(client, view["ticket"], member, "waiting").status_code == 200
    client.post(path, json={"text": "Et alors ?"}, headers=bearer(view["tracking_token"]))
    assert read_ticket(client, view["ticket"], member)[0]["status"] == "waiting"
    teams = [notice.kind for notice in _notices(session, view) if notice.audience == "team"]
    assert teams == ["arrival", "message", "message"]


def test_the_mails_link_leads_to_where_one_answers(
    app: Flask,
    client: FlaskClient,
    view: dict[str, Any],
    dispatcher: dict[str, str],
    session: Session,
) -> None:
    _ask(client, view, dispatcher)
    notice = _notices(session, view)[-1]
    settings = h.parts_of(app).settings
    address = session.get_one(Contact, notice.report_id).email
    assert address is not None
    mail = writing.compose(session, notice, address, h.PUBLIC_URL, settings.secret_key)
    assert QUESTION in mail.text
    link = next(word for word in mail.text.split() if "/r/" in word)
    parts = urlsplit(link)
    page = client.get(f"{parts.path}?{parts.query}")
    assert "<textarea" in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    form = {"token": parse_qs(parts.query)["token"][0], "text": "À gauche.\r\nMerci."}
    sent = client.post(parts.path, data=form)
    assert sent.status_code == 303
    shown = client.get(sent.headers["Location"])
    assert "À gauche." in shown.text
    assert read_ticket(client, view["ticket"], dispatcher)[0]["status"] == "in_progress"


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "a\0b"])
def test_a_page_says_what_is_wrong_with_an_answer(
    client: FlaskClient, view: dict[str, Any], text: str
) -> None:
    form = {"token": view["tracking_token"], "text": text}
    answer = client.post(f"/r/{view['reference']}", data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    own = h.read(client, f"/reports/{view['reference']}", bearer(view["tracking_token"]))
    assert own["messages"] == []


def test_nobody_answers_for_the_reporter(
    client: FlaskClient, view: dict[str, Any], resident: Resident
) -> None:
    path = f"/r/{view['reference']}"
    assert "<textarea" not in client.get(path).text
    for token in (None, "?", resident.report()["tracking_token"]):
        form = {"text": "Moi !"} | ({"token": token} if token else {})
        assert client.post(path, data=form).status_code == 404


def test_nothing_is_asked_about_what_is_closed(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str]
) -> None:
    move(client, view["ticket"], dispatcher, "resolved")
    assert h.refused(_ask(client, view, dispatcher), 409)["allowed"] == ["reopened"]


def _hand_back(client: FlaskClient, reference: str, staff: dict[str, str]) -> TestResponse:
    answer = client.get(f"{BASE}/tickets/{reference}", headers=staff)
    headers = {**staff, "If-Match": answer.headers.get("ETag", '"none"')}
    path = f"{BASE}/tickets/{reference}/hand-back"
    return client.post(path, json={"reason": "Rue départementale"}, headers=headers)


def test_what_is_not_theirs_goes_back_to_the_dispatchers(
    client: FlaskClient, view: dict[str, Any], as_person: LogIn, dispatcher: dict[str, str]
) -> None:
    member = as_person(h.MEMBER_OF_ROADS)
    before = h.read(client, "/hand-backs", dispatcher)["items"]
    answer = _hand_back(client, view["ticket"], member)
    assert answer.status_code == 200, answer.text
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert (ticket["team"]["code"], ticket["unrouted"]) == ("accueil", True)
    assert (ticket["assignee"], ticket["status"]) == (None, "received")
    reasons = [one["reason"] for one in ticket["events"] if one["kind"] == "handed_back"]
    assert reasons == ["Rue départementale"]
    # It is not among theirs any more.
    h.refused(client.get(f"{BASE}/tickets/{view['ticket']}", headers=member), 404)
    after = h.read(client, "/hand-backs", dispatcher)["items"]
    rule = ticket["decision"]["rule"]["id"]
    assert _times(after, rule, ticket) == _times(before, rule, ticket) + 1

    # A dispatcher may well say that it is theirs after all.
    _, tag = read_ticket(client, view["ticket"], dispatcher)
    again = client.patch(
        f"{BASE}/tickets/{view['ticket']}",
        json={"team": "voirie"},
        headers={**dispatcher, "If-Match": tag},
    )
    assert body_of(again)["team"]["code"] == "voirie"
    assert body_of(again)["unrouted"] is False
    assert client.get(f"{BASE}/tickets/{view['ticket']}", headers=member).status_code == 200


def _times(items: list[dict[str, Any]], rule: str, ticket: dict[str, Any]) -> int:
    return sum(
        one["count"]
        for one in items
        if (one["rule"], one["team"]["code"], one["district"])
        == (rule, "voirie", ticket["district"])
    )


def test_handing_back_names_what_was_read(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str], as_person: LogIn
) -> None:
    path = f"{BASE}/tickets/{view['ticket']}/hand-back"
    _, tag = read_ticket(client, view["ticket"], dispatcher)
    h.refused(client.post(path, json={"reason": "?"}, headers=dispatcher), 428)
    assert move(client, view["ticket"], dispatcher, "accepted").status_code == 200
    stale = {**dispatcher, "If-Match": tag}
    h.refused(client.post(path, json={"reason": "?"}, headers=stale), 412)
    h.refused(_hand_back(client, view["ticket"], as_person(h.MEMBER_OF_PARKS)), 404)
    h.refused(_hand_back(client, view["ticket"], as_person(h.AUDITOR)), 403)


def test_what_is_closed_is_neither_handed_back_nor_given_a_deadline(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    ticket = resident.report()["ticket"]
    assert move(client, ticket, dispatcher, "resolved").status_code == 200
    before, tag = read_ticket(client, ticket, dispatcher)
    headers = {**dispatcher, "If-Match": tag}
    path = f"{BASE}/tickets/{ticket}"
    back = client.post(f"{path}/hand-back", json={"reason": "Pas à nous"}, headers=headers)
    assert h.refused(back, 409)["type"].endswith("ticket-closed")
    later = client.patch(path, json={"due_at": "2031-01-31T12:00:00Z"}, headers=headers)
    assert h.refused(later, 409)["type"].endswith("ticket-closed")
    item = {"reference": ticket, "etag": tag}
    many = {"items": [item], "change": {"due_at": "2031-01-31T12:00:00Z", "reason": "?"}}
    answer = client.post(f"{BASE}/tickets/bulk", json=many, headers=dispatcher)
    assert [one["status"] for one in body_of(answer)["items"]] == [409]
    assert read_ticket(client, ticket, dispatcher)[0] == before
