"""What residents and staff are told of what happened: each their own story, and why."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api import help as h
from tests.api.conftest import LogIn
from tests.api.written import mails_about
from tests.resident import BASE, Resident, bearer, body_of, move, read_ticket

View = dict[str, Any]
Headers = dict[str, str]
ENGLISH = {"Accept-Language": "en"}


def _act(client: FlaskClient, ticket: str, act: str, staff: Headers, **body: Any) -> TestResponse:
    _, tag = read_ticket(client, ticket, staff)
    headers = {**staff, "If-Match": tag}
    return client.post(f"{BASE}/tickets/{ticket}/{act}", json=body or None, headers=headers)


def _story(client: FlaskClient, view: View) -> list[str]:
    events = h.read(client, f"/reports/{view['reference']}/events", ENGLISH)["items"]
    return [event["text"] for event in events]


def test_a_report_tells_its_own_story_through_merge_and_parting(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    one, other = resident.report(), resident.report()
    assert move(client, other["ticket"], dispatcher, "accepted").status_code == 200
    answer = _act(client, one["ticket"], "merge", dispatcher, into=other["ticket"])
    assert answer.status_code == 200
    told = _story(client, one)
    assert told[0] == "The report was received."
    assert told[-1] == "The report was joined with others about the same thing."
    # What the other ticket went through before is none of this report's past.
    assert not any(text.startswith("Accepted") for text in told)
    assert _story(client, other)[-1] == "Another report about the same thing was added."
    assert move(client, other["ticket"], dispatcher, "in_progress").status_code == 200
    assert _act(client, one["ticket"], "unmerge", dispatcher).status_code == 200
    assert move(client, other["ticket"], dispatcher, "resolved").status_code == 200
    parted = _story(client, one)
    assert parted[: len(told)] == told
    assert [text.partition(":")[0] for text in parted[len(told) :]] == [
        "In progress",
        "The report got a ticket of its own.",
    ]


def _ask(client: FlaskClient, ticket: str, staff: Headers, text: str) -> None:
    assert _act(client, ticket, "questions", staff, text=text).status_code == 201


def _write(client: FlaskClient, view: View, text: str) -> None:
    path, headers = f"{BASE}/reports/{view['reference']}/messages", bearer(view["tracking_token"])
    assert client.post(path, json={"text": text}, headers=headers).status_code == 201


def _texts(client: FlaskClient, view: View) -> list[str]:
    path, headers = f"/reports/{view['reference']}", bearer(view["tracking_token"])
    return [message["text"] for message in h.read(client, path, headers)["messages"]]


def test_what_the_city_asked_others_is_not_told_to_who_comes_later(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    first, other = resident.report(), resident.report()
    assert (
        move(client, first["ticket"], dispatcher, "accepted", public_message="Seen.").status_code
        == 200
    )
    _ask(client, first["ticket"], dispatcher, "Mrs Dupont, is it number 12?")
    joined = resident.report(same_as=first["ticket"])
    assert (
        _act(client, other["ticket"], "merge", dispatcher, into=first["ticket"]).status_code == 200
    )
    assert _texts(client, first) == ["Seen.", "Mrs Dupont, is it number 12?"]
    assert _texts(client, joined) == _texts(client, other) == []
    _ask(client, first["ticket"], dispatcher, "Does anybody know?")
    assert _texts(client, joined) == _texts(client, other) == ["Does anybody know?"]


@pytest.mark.parametrize("leaving", ["unmerge", "split", "withdraw"])
def test_what_the_city_told_a_reporter_stays_theirs_when_they_part(
    client: FlaskClient, resident: Resident, dispatcher: Headers, leaving: str
) -> None:
    one, other = resident.report(), resident.report()
    assert _act(client, one["ticket"], "merge", dispatcher, into=other["ticket"]).status_code == 200
    _ask(client, other["ticket"], dispatcher, "Where exactly?")
    _write(client, one, "By the church.")
    if leaving == "withdraw":
        path, headers = f"{BASE}/reports/{one['reference']}/withdraw", bearer(one["tracking_token"])
        assert client.post(path, headers=headers).status_code == 200
    elif leaving == "unmerge":
        assert _act(client, one["ticket"], "unmerge", dispatcher).status_code == 200
    else:
        parted = {"reports": [one["reference"]]}
        assert _act(client, other["ticket"], "split", dispatcher, **parted).status_code == 201
    _ask(client, other["ticket"], dispatcher, "And how deep?")
    assert _texts(client, one) == ["Where exactly?", "By the church."]
    assert _texts(client, other) == ["Where exactly?", "And how deep?"]


@pytest.mark.parametrize("way", ["same_as", "merge"])
def test_who_was_not_asked_does_not_answer_for_who_was(
    client: FlaskClient, resident: Resident, dispatcher: Headers, way: str
) -> None:
    first = resident.report()
    _ask(client, first["ticket"], dispatcher, "Where exactly?")
    if way == "same_as":
        later = resident.report(same_as=first["ticket"])
    else:
        later = resident.report()
        answer = _act(client, later["ticket"], "merge", dispatcher, into=first["ticket"])
        assert answer.status_code == 200
    _write(client, later, "Bla.")
    assert read_ticket(client, first["ticket"], dispatcher)[0]["status"] == "waiting"
    _write(client, first, "By the church.")
    assert read_ticket(client, first["ticket"], dispatcher)[0]["status"] == "in_progress"


def test_who_was_asked_answers_for_the_ticket_that_they_parted_into(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    first, other = resident.report(), resident.report()
    answer = _act(client, other["ticket"], "merge", dispatcher, into=first["ticket"])
    assert answer.status_code == 200
    _ask(client, first["ticket"], dispatcher, "Where exactly?")
    parted = _act(client, first["ticket"], "split", dispatcher, reports=[other["reference"]])
    own = body_of(parted)["reference"]
    again = _act(client, own, "merge", dispatcher, into=resident.report()["ticket"])
    assert again.status_code == 200
    assert _act(client, own, "unmerge", dispatcher).status_code == 200
    later = resident.report(same_as=own)
    _write(client, later, "Bla.")
    assert read_ticket(client, own, dispatcher)[0]["status"] == "waiting"
    _write(client, other, "By the church.")
    assert read_ticket(client, own, dispatcher)[0]["status"] == "in_progress"
    assert read_ticket(client, first["ticket"], dispatcher)[0]["status"] == "waiting"
    _write(client, first, "By the school.")
    assert read_ticket(client, first["ticket"], dispatcher)[0]["status"] == "in_progress"


def test_what_a_third_party_has_they_have_in_parts_too(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    first = resident.report()
    other = resident.report(same_as=first["ticket"])
    _ask(client, first["ticket"], dispatcher, "Where exactly?")
    handed = {"name": "Syndicat des eaux", "reason": "Leur réseau"}
    assert _act(client, first["ticket"], "third-party", dispatcher, **handed).status_code == 200
    parted = _act(client, first["ticket"], "split", dispatcher, reports=[other["reference"]])
    assert "Syndicat des eaux" in body_of(parted)["third_party"]["text"]
    _write(client, other, "By the church.")
    own = body_of(parted)["reference"]
    assert read_ticket(client, own, dispatcher)[0]["status"] == "waiting"
    for to, has in (("in_progress", False), ("waiting", False)):
        assert move(client, own, dispatcher, to).status_code == 200
        assert (read_ticket(client, own, dispatcher)[0]["third_party"] is not None) is has


def test_who_reports_the_same_is_told_that_it_was_joined(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    first = resident.report()
    contact = {"email": "same@example.org"}
    joined = resident.report(same_as=first["ticket"], contact=contact, locale="en")
    assert _story(client, joined) == [
        "The report was received, and joined with others about the same thing."
    ]
    (receipt,) = mails_about(app, first["ticket"], "reporter")
    assert "joined with theirs" in receipt.text


def test_the_receipt_of_a_withdrawn_part_is_not_told_twice(
    client: FlaskClient, resident: Resident
) -> None:
    first = resident.report()
    joined = resident.report(same_as=first["ticket"])
    path = f"{BASE}/reports/{joined['reference']}/withdraw"
    token = {"Authorization": f"Bearer {joined['tracking_token']}"}
    assert client.post(path, headers=token).status_code == 200
    told = _story(client, joined)
    assert sum("received" in text for text in told) == 1
    assert told[-1].startswith("Withdrawn")


def test_a_team_reads_why_it_gets_a_ticket(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    ticket = resident.report()["ticket"]
    _, tag = read_ticket(client, ticket, dispatcher)
    body = {"team": "reseaux", "reason": "C'est une plaque d'égout."}
    headers = {**dispatcher, "If-Match": tag}
    assert client.patch(f"{BASE}/tickets/{ticket}", json=body, headers=headers).status_code == 200
    assert _act(client, ticket, "hand-back", dispatcher, reason="Pas à nous").status_code == 200
    _first, passed, back = mails_about(app, ticket, "team")
    assert "C'est une plaque d'égout." in passed.text
    assert "Un dossier a été transmis à votre équipe." in passed.text
    assert "Pas à nous" in back.text
    public = h.read(client, f"/tickets/{ticket}", dispatcher)["reports"][0]["reference"]
    told = client.get(f"{BASE}/reports/{public}/events").text
    assert "Pas à nous" not in told


def test_a_team_is_told_of_closed_work_that_comes_to_it_once_it_is_opened_again(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    ticket = resident.report()["ticket"]
    assert move(client, ticket, dispatcher, "resolved").status_code == 200
    before = len(mails_about(app, ticket, "team"))
    for wanted, team in (
        ({"category": "fuite-eau"}, "reseaux"),
        ({"team": "proprete"}, "proprete"),
    ):
        _, tag = read_ticket(client, ticket, dispatcher)
        headers = {**dispatcher, "If-Match": tag}
        answer = client.patch(f"{BASE}/tickets/{ticket}", json=wanted, headers=headers)
        assert body_of(answer)["team"]["code"] == team
    assert len(mails_about(app, ticket, "team")) == before
    again = {"reason": "Fuit toujours", "public_message": "On y retourne."}
    assert move(client, ticket, dispatcher, "reopened", **again).status_code == 200
    mail = mails_about(app, ticket, "team")[before]
    assert mail.to == "proprete@beaurive.example"
    assert "Un dossier qui relève de votre équipe a été rouvert." in mail.text
    assert "Fuit toujours" in mail.text


def test_what_is_with_the_dispatchers_already_is_not_handed_back(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    ticket = resident.report()["ticket"]
    assert _act(client, ticket, "hand-back", dispatcher, reason="?").status_code == 200
    before = h.read(client, "/hand-backs", dispatcher)
    refused = _act(client, ticket, "hand-back", dispatcher, reason="?")
    assert h.refused(refused, 409)["type"].endswith("handed-back")
    assert h.read(client, "/hand-backs", dispatcher) == before


def test_staff_read_what_changed_from_what_to_what_and_whom_a_note_mentions(
    client: FlaskClient, resident: Resident, dispatcher: Headers, as_person: LogIn
) -> None:
    ticket = resident.report()["ticket"]
    before, tag = read_ticket(client, ticket, dispatcher)
    body = {"priority": "urgent", "assignee": h.MEMBER_OF_ROADS}
    headers = {**dispatcher, "If-Match": tag}
    assert client.patch(f"{BASE}/tickets/{ticket}", json=body, headers=headers).status_code == 200
    colleagues = h.read(client, f"/tickets/{ticket}/colleagues", dispatcher)["items"]
    lead = next(one for one in colleagues if one["role"] == "team_lead")
    note = {"text": "À voir", "mentions": [lead["id"]]}
    path = f"{BASE}/tickets/{ticket}/notes"
    assert client.post(path, json=note, headers=dispatcher).status_code == 201
    after, _ = read_ticket(client, ticket, as_person(h.MEMBER_OF_ROADS))
    changed, noted = after["events"][-2:]
    fields = {one["field"]: (one["from"], one["to"]) for one in changed["changes"]}
    assert fields["priority"] == (before["priority"], "urgent")
    assert fields["assignee"][0] is None
    assert fields["assignee"][1] in {one["name"] for one in colleagues}
    assert noted["mentions"] == [lead["name"]]
    assert noted["changes"] == []


@pytest.mark.parametrize("kind", ["idea", "compliment"])
def test_what_owes_no_deadline_gets_none(
    client: FlaskClient, resident: Resident, dispatcher: Headers, kind: str
) -> None:
    category = {"idea": "idee", "compliment": "merci"}[kind]
    ticket = resident.report(kind=kind, category=category, answers={})["ticket"]
    _, tag = read_ticket(client, ticket, dispatcher)
    headers = {**dispatcher, "If-Match": tag}
    path, body = f"{BASE}/tickets/{ticket}", {"due_at": "2031-01-31T12:00:00Z"}
    assert h.blamed(client.patch(path, json=body, headers=headers)) == ["/due_at"]
    assert read_ticket(client, ticket, dispatcher)[0]["due_at"] is None


def test_no_time_runs_out_while_a_ticket_waits(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    ticket = resident.report()["ticket"]
    for to, left in (("waiting", False), ("in_progress", True)):
        assert move(client, ticket, dispatcher, to).status_code == 200
        (line,) = h.read(client, f"/tickets?q={ticket}", dispatcher)["items"]
        assert (line["time_left_s"] is not None) is left


def test_the_page_asks_of_a_refusal_whether_one_agrees(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    view = resident.report(contact={"email": "refused@example.org"}, locale="en")
    answer = move(client, view["ticket"], dispatcher, "declined", public_message="Not ours.")
    assert answer.status_code == 200
    path = f"/r/{view['reference']}?token={view['tracking_token']}"
    page = client.get(path, headers=ENGLISH).text
    assert "Do you agree with that?" in page
    assert "is solved" not in page
    assert "Why not?" in client.get(f"{path}&solved=no", headers=ENGLISH).text
    said = {"token": view["tracking_token"], "solved": "no", "text": "It is your wall."}
    assert client.post(f"/r/{view['reference']}", data=said).status_code == 303
    assert "You said that you do not agree." in client.get(path, headers=ENGLISH).text


def test_the_news_of_a_hidden_report_leads_to_where_that_is_said(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    view = resident.report(contact={"email": "hidden@example.org"}, locale="en")
    h.hide_report(app, view["reference"])
    assert move(client, view["ticket"], dispatcher, "resolved").status_code == 200
    mail = mails_about(app, view["ticket"], "reporter")[-1]
    links = [word for word in mail.text.split() if f"/r/{view['reference']}" in word]
    assert links
    for link in links:
        answer = client.get(link.removeprefix(h.PUBLIC_URL), headers=ENGLISH)
        assert (answer.status_code, "no longer shown" in answer.text) == (410, True)


def test_the_mail_programs_own_button_ends_a_subscription(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    ticket = resident.report()["ticket"]
    path = f"{BASE}/tickets/{ticket}/subscriptions"
    assert client.post(path, json={"email": "follows@example.org"}).status_code < 300
    (asked,) = mails_about(app, ticket, "subscriber")
    assert asked.unsubscribe is None
    page = next(word for word in asked.text.split() if "/s/" in word)
    assert client.post(page.removeprefix(h.PUBLIC_URL)).status_code == 200
    assert move(client, ticket, dispatcher, "accepted").status_code == 200
    news = mails_about(app, ticket, "subscriber")[-1]
    assert news.unsubscribe is not None
    end = news.unsubscribe.removeprefix(h.PUBLIC_URL)
    pressed = client.post(end, data={"List-Unsubscribe": "One-Click"})
    assert pressed.status_code == 200
    assert move(client, ticket, dispatcher, "in_progress").status_code == 200
    assert mails_about(app, ticket, "subscriber") == []
    assert body_of(client.get(f"{BASE}/tickets/{ticket}", headers=dispatcher))["reference"]
