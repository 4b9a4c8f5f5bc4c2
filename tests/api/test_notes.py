"""Notes among staff, which no resident ever sees, and reports taken in at the phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import (
    BASE,
    INSIDE,
    Resident,
    bearer,
    body_of,
    move,
    problem_at,
    read_ticket,
)


def test_a_note_stays_among_staff(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    word = h.a_word()
    view = resident.report()
    path = f"{BASE}/tickets/{view['ticket']}/notes"
    answer = client.post(path, json={"text": f"Prévoir une nacelle {word}"}, headers=dispatcher)
    assert answer.status_code == 201
    note = body_of(answer)
    assert set(note) == {"at", "text"}
    assert re.fullmatch(h.MOMENT, note["at"])
    assert note["text"] == f"Prévoir une nacelle {word}"

    event = read_ticket(client, view["ticket"], dispatcher)[0]["events"][-1]
    assert (event["kind"], event["public"]) == ("note", False)
    assert (event["person"], event["reason"]) == ("Claude Marchand", note["text"])
    token = bearer(view["tracking_token"])
    reference = view["reference"]
    for url in (
        f"{BASE}/reports/{reference}",
        f"{BASE}/reports/{reference}/events",
        f"{BASE}/reports/{reference}/decision",
        f"/r/{reference}?token={view['tracking_token']}",
    ):
        for headers in ({}, token):
            answer = client.get(url, headers=headers)
            assert answer.status_code == 200
            assert word not in answer.text
    assert h.read(client, f"/reports?q={word}")["items"] == []


def test_a_note_needs_no_tag_and_moves_nothing(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    ticket = resident.report()["ticket"]
    move(client, ticket, dispatcher, "resolved")
    path = f"{BASE}/tickets/{ticket}/notes"
    assert client.post(path, json={"text": "Fini."}, headers=dispatcher).status_code == 201
    assert read_ticket(client, ticket, dispatcher)[0]["status"] == "resolved"


@pytest.mark.parametrize(
    "body", [{}, {"text": None}, {"text": "\n "}, {"text": "a" * 4001}, {"text": ["a"]}]
)
def test_a_note_must_say_something(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], body: dict[str, Any]
) -> None:
    before = read_ticket(client, resident.report()["ticket"], dispatcher)
    path = f"{BASE}/tickets/{before[0]['reference']}/notes"
    assert h.blamed(client.post(path, json=body, headers=dispatcher)) == ["/text"]
    assert read_ticket(client, before[0]["reference"], dispatcher) == before


def test_a_note_on_no_ticket_is_nowhere(client: FlaskClient, dispatcher: dict[str, str]) -> None:
    path = f"{BASE}/tickets/T-7KM-3QX-9PG/notes"
    h.refused(client.post(path, json={"text": "?"}, headers=dispatcher), 404)


@pytest.mark.parametrize("channel", ["phone", "counter", "sensor", "chat"])
def test_staff_take_in_what_they_are_told(
    client: FlaskClient, dispatcher: dict[str, str], channel: str
) -> None:
    word = h.a_word()
    body = problem_at(channel=channel, external_ref=f"APPEL-{word}", contact={"phone": "0612"})
    answer = client.post(f"{BASE}/reports", json=body, headers=dispatcher)
    assert answer.status_code == 201
    view = body_of(answer)
    assert view["tracking_token"].startswith("vgr_")
    assert view["contact"]["phone"] == "0612"
    (report,) = read_ticket(client, view["ticket"], dispatcher)[0]["reports"]
    assert (report["channel"], report["external_ref"]) == (channel, f"APPEL-{word}")
    shown = client.get(f"{BASE}/reports/{view['reference']}")
    assert set(body_of(shown)) == h.PUBLIC_VIEW
    assert word not in shown.text


def test_staff_who_name_no_channel_are_on_the_phone(
    client: FlaskClient, dispatcher: dict[str, str]
) -> None:
    view = body_of(client.post(f"{BASE}/reports", json=problem_at(), headers=dispatcher))
    (report,) = read_ticket(client, view["ticket"], dispatcher)[0]["reports"]
    assert (report["channel"], report["external_ref"]) == ("phone", None)


def test_a_team_takes_in_what_is_another_teams(
    client: FlaskClient, as_person: LogIn, dispatcher: dict[str, str]
) -> None:
    person = as_person(h.MEMBER_OF_PARKS)
    body = problem_at(channel="counter")
    view = body_of(client.post(f"{BASE}/reports", json=body, headers=person))
    assert view["team"]["code"] == "voirie"
    h.refused(client.get(f"{BASE}/tickets/{view['ticket']}", headers=person), 404)
    assert read_ticket(client, view["ticket"], dispatcher)[0]["reports"][0]["channel"] == "counter"


def test_staff_are_held_to_the_same_rules(client: FlaskClient, dispatcher: dict[str, str]) -> None:
    def send(**members: Any) -> list[str]:
        body = problem_at(**members)
        return h.blamed(client.post(f"{BASE}/reports", json=body, headers=dispatcher))

    assert send(channel="pigeon") == ["/channel"]
    assert send(external_ref="a" * 201) == ["/external_ref"]
    assert send(place=h.OUTSIDE, channel="phone") == ["/location"]
    assert send(category="lampadaire", channel="phone") == ["/answers/panne"]


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"channel": "phone"}, ["/channel"]),
        ({"channel": "sensor", "external_ref": "S-1"}, ["/channel", "/external_ref"]),
        ({"external_ref": "S-1"}, ["/external_ref"]),
    ],
)
def test_residents_name_no_channel(
    client: FlaskClient, resident: Resident, members: dict[str, Any], wrong: list[str]
) -> None:
    token = bearer(resident.report()["tracking_token"])
    for headers in ({}, token):
        answer = client.post(f"{BASE}/reports", json=problem_at(**members), headers=headers)
        assert h.blamed(answer) == wrong


def test_a_session_that_ran_out_is_told_before_the_channel(client: FlaskClient) -> None:
    body = problem_at(channel="counter")
    answer = client.post(f"{BASE}/reports", json=body, headers=bearer("vgs_gone"))
    assert answer.status_code == 401


def test_the_phones_own_channel_may_be_named(resident: Resident) -> None:
    assert resident.report(place=INSIDE, channel="app", external_ref=None)["status"] == "received"


def test_a_session_that_has_run_out_goes_before_what_is_wrong_with_the_report(
    client: FlaskClient, resident: Resident
) -> None:
    gone = bearer("vgs_gone")
    faults: list[dict[str, Any]] = [{"description": ""}, {"location": {}}, {"kind": 5}]
    for wrong in [*faults, {"channel": ["phone"]}]:
        body = problem_at() | {"channel": "phone"} | wrong
        h.refused(client.post(f"{BASE}/reports", json=body, headers=gone), 401)
    # Who says nothing that staff alone may say, or holds a report's token, is a resident.
    h.refused(client.post(f"{BASE}/reports", json=problem_at(kind="?"), headers=gone), 422)
    held = bearer(resident.report()["tracking_token"])
    body = problem_at(channel="phone")
    assert h.blamed(client.post(f"{BASE}/reports", json=body, headers=held)) == ["/channel"]
