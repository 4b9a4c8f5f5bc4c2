"""Moving a ticket on: the graph, the words that go with it, versions, and the order of faults."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.resident import BASE, Resident, bearer, body_of, move, read_ticket

_FROM_ACCEPTED = ["in_progress", "waiting", "resolved", "declined"]
_FROM_RECEIVED = ["accepted", *_FROM_ACCEPTED]
GRAPH = {
    "received": _FROM_RECEIVED,
    "accepted": _FROM_ACCEPTED,
    "in_progress": ["waiting", "resolved", "declined"],
    "waiting": ["in_progress", "resolved", "declined"],
    "resolved": ["reopened"],
    "declined": ["reopened"],
    "reopened": _FROM_RECEIVED,
}
WAYS = {status: [status] for status in GRAPH} | {
    "received": [],
    "reopened": ["declined", "reopened"],
}
STEP = {"to": "accepted", "reason": "Vu sur place"}


def _at(resident: Resident, staff: dict[str, str], status: str) -> str:
    """Return a ticket that stands at the status."""
    reference: str = resident.report()["ticket"]
    for step in WAYS[status]:
        moved = move(resident.client, reference, staff, step, public_message="Voilà.")
        assert moved.status_code == 200
    return reference


def _path(reference: str) -> str:
    return f"{BASE}/tickets/{reference}/transitions"


@pytest.mark.parametrize("status", GRAPH)
def test_the_graph_leads_where_it_says(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], status: str
) -> None:
    for to in GRAPH[status]:
        reference = _at(resident, dispatcher, status)
        before, _ = read_ticket(client, reference, dispatcher)
        assert before["status"] == status
        assert before["next"] == GRAPH[status]
        answer = move(client, reference, dispatcher, to, public_message="Voilà.")
        assert answer.status_code == 200
        after = body_of(answer)
        assert (after["status"], after["next"]) == (to, GRAPH[to])
        assert (after["closed_at"] is not None) == (to in {"resolved", "declined"})
        assert read_ticket(client, reference, dispatcher) == (after, answer.headers["ETag"])


@pytest.mark.parametrize("status", GRAPH)
def test_the_graph_leads_nowhere_else(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], status: str
) -> None:
    reference = _at(resident, dispatcher, status)
    before = read_ticket(client, reference, dispatcher)
    for to in GRAPH.keys() - set(GRAPH[status]):
        answer = move(client, reference, dispatcher, to, public_message="Voilà.")
        problem = h.refused(answer, 409)
        assert problem["allowed"] == GRAPH[status]
    assert read_ticket(client, reference, dispatcher) == before


def test_a_move_is_written_down_and_told(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    told = {"reason": "Enrobé posé", "public_message": "Le trou est rebouché."}
    ticket = body_of(move(client, view["ticket"], dispatcher, "resolved", **told))
    event = ticket["events"][-1]
    assert (event["kind"], event["by"], event["status"]) == ("status", "city", "resolved")
    assert (event["person"], event["reason"]) == ("Claude Marchand", "Enrobé posé")
    assert event["body"] == "Le trou est rebouché."
    assert event["public"] is True
    assert re.fullmatch(h.MOMENT, ticket["closed_at"])
    report = h.read(client, f"/reports/{view['reference']}")
    assert report["public_message"] == "Le trou est rebouché."
    assert "Enrobé" not in str(report)


@pytest.mark.parametrize("members", [{}, {"public_message": None}, {"public_message": ""}])
def test_declining_needs_a_word_for_the_resident(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], members: dict[str, Any]
) -> None:
    reference = resident.report()["ticket"]
    assert h.blamed(move(client, reference, dispatcher, "declined", **members)) == [
        "/public_message"
    ]
    blank = move(client, reference, dispatcher, "declined", public_message=" \n\t")
    assert h.blamed(blank) == ["/public_message"]
    # Where the graph forbids the step as well, the input's fault is told first.
    closed = _at(resident, dispatcher, "resolved")
    assert h.blamed(move(client, closed, dispatcher, "declined", **members)) == ["/public_message"]
    assert read_ticket(client, reference, dispatcher)[0]["status"] == "received"


@pytest.mark.parametrize("text", ["", "  "])
def test_no_public_message_takes_the_place_of_the_last_one(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], text: str
) -> None:
    view = resident.report()
    move(client, view["ticket"], dispatcher, "accepted", public_message="Nous venons mardi.")
    move(client, view["ticket"], dispatcher, "in_progress", public_message=text)
    assert h.read(client, f"/reports/{view['reference']}")["public_message"] is None


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"to": "lost"}, ["/to"]),
        ({"to": None}, ["/to"]),
        ({"reason": None}, ["/reason"]),
        ({"reason": "a" * 501}, ["/reason"]),
        ({"public_message": 5}, ["/public_message"]),
        ({"public_message": "a" * 4001}, ["/public_message"]),
        ({"to": "lost", "reason": 5, "public_message": []}, ["/public_message", "/reason", "/to"]),
    ],
)
def test_what_cannot_be_accepted_is_named(
    client: FlaskClient,
    resident: Resident,
    dispatcher: dict[str, str],
    members: dict[str, Any],
    wrong: list[str],
) -> None:
    reference = resident.report()["ticket"]
    _, tag = read_ticket(client, reference, dispatcher)
    headers = {**dispatcher, "If-Match": tag}
    answer = client.post(_path(reference), json={**STEP, **members}, headers=headers)
    assert sorted(set(h.blamed(answer))) == wrong


def test_the_longest_words_are_taken(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    words = {"reason": "é" * 500, "public_message": "é" * 4000}
    assert move(client, reference, dispatcher, "accepted", **words).status_code == 200


def test_every_change_has_its_own_tag(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    reference, token = view["ticket"], bearer(view["tracking_token"])
    tags = [read_ticket(client, reference, dispatcher)[1]]

    def changed() -> bool:
        tags.append(read_ticket(client, reference, dispatcher)[1])
        return len(set(tags)) == len(tags)

    assert move(client, reference, dispatcher, "accepted").headers["ETag"] not in tags
    assert changed()
    notes = f"{BASE}/tickets/{reference}/notes"
    assert client.post(notes, json={"text": "Vu."}, headers=dispatcher).status_code == 201
    assert changed()
    messages = f"{BASE}/reports/{view['reference']}/messages"
    assert client.post(messages, json={"text": "?"}, headers=token).status_code == 201
    assert changed()
    resident.report(same_as=reference)
    assert changed()
    assert read_ticket(client, reference, dispatcher)[1] == tags[-1]


def test_only_the_tickets_own_tag_lets_a_change_through(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    _, first = read_ticket(client, reference, dispatcher)
    assert move(client, reference, dispatcher, "accepted").status_code == 200
    before, second = read_ticket(client, reference, dispatcher)
    step = {"to": "resolved", "reason": "Fait"}
    for stale in (first, '"other"', f"W/{second}", f'"{second}"', second[:-1]):
        headers = {**dispatcher, "If-Match": stale}
        h.refused(client.post(_path(reference), json=step, headers=headers), 412)
    for missing in ({}, {"If-Match": ""}, {"If-Match": "  "}, {"If-None-Match": second}):
        headers = {**dispatcher, **missing}
        h.refused(client.post(_path(reference), json=step, headers=headers), 428)
    assert read_ticket(client, reference, dispatcher) == (before, second)
    headers = {**dispatcher, "If-Match": f"{first}, {second}"}
    assert client.post(_path(reference), json=step, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{tag}", 200),
        (' {tag}\t, "other"', 200),
        (',, "a,b" ,{tag},', 200),
        ('"other", "{bare}x"', 412),
        ("W/{tag}", 412),
        ("W/{tag}, w/{tag}", 412),
        ("{bare}", 412),
        ("'{bare}'", 412),
        ('"{bare}', 412),
        ("{tag} {tag}", 412),
        ("other, {tag}", 412),
        ("*, {tag}", 412),
        ('"*"', 412),
        (",", 412),
        ("*", 428),
        (" * ", 428),
    ],
)
def test_if_match_is_read_as_http_says(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], form: str, status: int
) -> None:
    reference = resident.report()["ticket"]
    _, tag = read_ticket(client, reference, dispatcher)
    headers = {**dispatcher, "If-Match": form.format(tag=tag, bare=tag.strip('"'))}
    assert client.post(_path(reference), json=STEP, headers=headers).status_code == status


def test_who_names_no_version_is_told_how_to(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    _, tag = read_ticket(client, reference, dispatcher)

    def told(given: str, status: int) -> str:
        headers = {**dispatcher, "If-Match": given}
        answer = client.post(_path(reference), json=STEP, headers=headers)
        return str(h.refused(answer, status)["detail"])

    assert "quotes" in told(tag.strip('"'), 412)
    assert "quotes" not in told('"other"', 412)
    assert "“*”" in told("*", 428)


def test_a_closed_ticket_is_opened_again(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    for status in ("resolved", "reopened", "accepted", "declined", "reopened"):
        moved = move(client, view["ticket"], dispatcher, status, public_message=status)
        assert moved.status_code == 200
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert ticket["closed_at"] is None
    # Its time began anew with the last opening, which puts it off while the team is at work.
    assert datetime.fromisoformat(ticket["due_at"]) >= datetime.fromisoformat(view["due_at"])
    told = [event["status"] for event in ticket["events"] if event["kind"] == "status"]
    assert told == ["resolved", "reopened", "accepted", "declined", "reopened"]


def test_faults_come_in_the_order_of_the_contract(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = _at(resident, dispatcher, "resolved")
    _, tag = read_ticket(client, reference, dispatcher)
    stale, current = ({**dispatcher, "If-Match": one} for one in ('"v0"', tag))
    here, nowhere = _path(reference), _path("T-7KM-3QX-9PG")
    large, json, text = b"{" * 1_000_001, "application/json", "text/plain"

    def status(path: str, data: bytes, kind: str, headers: dict[str, str]) -> int:
        answer = client.post(path, data=data, content_type=kind, headers=headers)
        return int(h.refused(answer, answer.status_code)["status"])

    assert status(nowhere, large, text, {}) == 401
    assert status(nowhere, large, text, dispatcher) == 404
    assert status(here, large, text, dispatcher) == 428
    assert status(here, large, text, stale) == 412
    assert status(here, large, text, current) == 413
    assert status(here, b"{", text, current) == 415
    assert status(here, b"{", json, current) == 400
    assert status(here, b'{"to": "accepted"}', json, current) == 422
    assert status(here, b'{"to": "accepted", "reason": "?"}', json, current) == 409
