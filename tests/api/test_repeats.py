"""Idempotency-Key: a repeated request does nothing twice and gets the first answer again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Text, cast, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from infra.clock import now
from reports import idempotency
from reports.idempotency import IdempotencyKey
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, move, problem_at, read_ticket

REPORTS = f"{BASE}/reports"


def _key() -> str:
    return f"key-{uuid4()}"


def _send(
    client: FlaskClient, path: str, body: object, key: str, headers: dict[str, str] | None = None
) -> TestResponse:
    return client.post(path, json=body, headers={**(headers or {}), "Idempotency-Key": key})


def test_a_repeated_report_is_the_first_one(client: FlaskClient) -> None:
    word, key = h.a_word(), _key()
    body = problem_at(description=word, contact={"email": "camille@example.org"})
    first = _send(client, REPORTS, body, key)
    reordered = dict(reversed(body.items()))
    again = [_send(client, REPORTS, one, key) for one in (body, reordered)]
    assert first.status_code == 201
    for answer in again:
        assert answer.status_code == 201
        assert answer.json == first.json
        assert answer.headers["Location"] == first.headers["Location"]
    assert len(h.read(client, f"/reports?q={word}")["items"]) == 1


def test_a_repetition_gets_the_first_answer_whatever_came_since(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    word, key = h.a_word(), _key()
    body = problem_at(description=word, locale="fr")
    french = {"Accept-Language": "fr"}
    first = _send(client, REPORTS, body, key, french)
    view = body_of(first)
    token, own = bearer(view["tracking_token"]), f"{REPORTS}/{view['reference']}"
    resident.report(same_as=view["ticket"])
    assert resident.put_photo(view, photo_samples.jpeg(64, 48)).status_code == 201
    assert _send(client, f"{own}/messages", {"text": "?"}, _key(), token).status_code == 201
    told = {"public_message": "Nous venons."}
    assert move(client, view["ticket"], dispatcher, "accepted", **told).status_code == 200
    assert client.post(f"{own}/withdraw", headers=token).status_code == 200

    for headers in (french, {"Accept-Language": "en"}):
        again = _send(client, REPORTS, body, key, headers)
        assert again.status_code == 201
        assert again.data == first.data
        assert again.headers["Location"] == first.headers["Location"]
        assert again.headers["Content-Language"] == "fr"
    assert body_of(client.get(own, headers=token))["status"] == "declined"


def test_a_repetition_of_what_joined_a_ticket_says_what_was_there_then(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    ticket, key = resident.report()["ticket"], _key()
    told = {"public_message": "Nous venons."}
    assert move(client, ticket, dispatcher, "accepted", **told).status_code == 200
    body = problem_at(same_as=ticket)
    first = _send(client, REPORTS, body, key)
    assert body_of(first)["public_message"] == "Nous venons."
    told = {"public_message": "Nous arrivons."}
    assert move(client, ticket, dispatcher, "in_progress", **told).status_code == 200
    assert _send(client, REPORTS, body, key).data == first.data


def test_what_was_forgotten_is_not_told_again(client: FlaskClient, session: Session) -> None:
    key, email = _key(), f"{h.a_word()}@example.org"
    body = problem_at(
        description=h.a_word(), address=h.a_word(), contact={"email": email, "name": "Camille"}
    )
    first = body_of(_send(client, REPORTS, body, key))
    # What the resident gave is where it was before, and not in the answer that is kept.
    kept = cast(IdempotencyKey.answer, Text)
    [answer] = session.scalars(select(kept).where(IdempotencyKey.key == key))
    assert answer is not None
    for given in (body["description"], body["address"], email, "Camille", "vgr_"):
        assert given not in answer
    token, own = bearer(first["tracking_token"]), f"{REPORTS}/{first['reference']}"
    assert client.delete(f"{own}/contact", headers=token).status_code == 204
    again = body_of(_send(client, REPORTS, body, key))
    assert again == {**first, "contact": None}


def test_without_a_key_or_with_another_it_is_a_new_report(client: FlaskClient) -> None:
    word = h.a_word()
    body = problem_at(description=word)
    for _ in range(2):
        assert client.post(REPORTS, json=body).status_code == 201
        assert _send(client, REPORTS, body, _key()).status_code == 201
    assert len(h.read(client, f"/reports?q={word}")["items"]) == 4


def test_another_body_under_the_key_is_refused(
    client: FlaskClient, dispatcher: dict[str, str]
) -> None:
    word, key = h.a_word(), _key()
    assert _send(client, REPORTS, problem_at(description=word), key).status_code == 201
    other = _send(client, REPORTS, problem_at(description=f"{word} autre"), key)
    assert h.blamed(other) == ["Idempotency-Key"]
    by_staff = _send(client, REPORTS, problem_at(description=word), key, dispatcher)
    assert h.blamed(by_staff) == ["Idempotency-Key"]
    assert len(h.read(client, f"/reports?q={word}")["items"]) == 1


def test_a_refused_report_leaves_its_key_free(client: FlaskClient) -> None:
    key = _key()
    h.refused(_send(client, REPORTS, problem_at(category="volcan"), key), 422)
    h.refused(_send(client, REPORTS, problem_at(h.OUTSIDE), key), 422)
    assert _send(client, REPORTS, problem_at(), key).status_code == 201


def test_a_key_is_of_its_route(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    key, body = _key(), {"text": "Le même texte"}
    one, other = resident.report(), resident.report()
    assert _send(client, REPORTS, problem_at(), key).status_code == 201
    for view in (one, other):
        token = bearer(view["tracking_token"])
        path = f"{REPORTS}/{view['reference']}/messages"
        assert _send(client, path, body, key, token).status_code == 201
        path = f"{BASE}/tickets/{view['ticket']}/notes"
        assert _send(client, path, body, key, dispatcher).status_code == 201
        kinds = [one["kind"] for one in _events(client, view, dispatcher)]
        assert kinds == ["received", "routed", "message", "note"]


def test_a_repeated_message_is_written_once(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view, key = resident.report(), _key()
    path, token = f"{REPORTS}/{view['reference']}/messages", bearer(view["tracking_token"])
    first, again = (_send(client, path, {"text": "Alors ?"}, key, token) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert h.blamed(_send(client, path, {"text": "Non ?"}, key, token)) == ["Idempotency-Key"]
    assert [one["kind"] for one in _events(client, view, dispatcher)].count("message") == 1


def test_a_repeated_note_is_written_once(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view, key = resident.report(), _key()
    path = f"{BASE}/tickets/{view['ticket']}/notes"
    first, again = (_send(client, path, {"text": "Vu."}, key, dispatcher) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert h.blamed(_send(client, path, {"text": "Lu."}, key, dispatcher)) == ["Idempotency-Key"]
    assert [one["kind"] for one in _events(client, view, dispatcher)].count("note") == 1


def test_while_the_first_still_runs_the_second_waits_for_nothing(
    client: FlaskClient, session: Session
) -> None:
    key, body = _key(), problem_at()
    held = idempotency.make_key(f"POST {REPORTS}", key, "resident", body)
    assert idempotency.recall(session, held, now()) is None
    h.refused(_send(client, REPORTS, body, key), 409)
    session.rollback()
    assert _send(client, REPORTS, body, key).status_code == 201


def test_after_fourteen_days_a_key_is_new(app: Flask, client: FlaskClient) -> None:
    key = _key()
    first = body_of(_send(client, REPORTS, problem_at(), key))
    for days, same in ((13, True), (15, False)):
        with h.parts_of(app).sessions.begin() as session:
            session.execute(
                update(IdempotencyKey)
                .where(IdempotencyKey.key == key)
                .values(created_at=now() - timedelta(days=days))
            )
        again = body_of(_send(client, REPORTS, problem_at(), key))
        assert (again["reference"] == first["reference"]) is same


@pytest.mark.parametrize("key", ["", "k" * 256, "clé", "a\tb"])
def test_what_is_no_key_is_refused(client: FlaskClient, key: str) -> None:
    answer = client.post(REPORTS, json=problem_at(), headers={"Idempotency-Key": key})
    assert h.blamed(answer) == ["Idempotency-Key"]


def _events(
    client: FlaskClient, view: dict[str, Any], staff: dict[str, str]
) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = read_ticket(client, view["ticket"], staff)[0]["events"]
    return events
