"""Staff sessions: logging in and out, running out, and being held back after failures."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from api.throttle import TooManyLogins
from city.models import Person, StaffSession
from infra.clock import now
from tests.api import help as h
from tests.resident import BASE, DISPATCHER, PASSWORD, Resident, bearer, body_of, log_in

SESSIONS = f"{BASE}/sessions"


def _try(client: FlaskClient, email: str, password: str, address: str) -> TestResponse:
    return client.post(
        SESSIONS,
        json={"email": email, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_a_login_says_who_one_is(client: FlaskClient) -> None:
    answer = client.post(
        SESSIONS, json={"email": h.MEMBER_OF_ROADS, "password": PASSWORD, "code": None}
    )
    assert answer.status_code == 201
    opened = body_of(answer)
    assert set(opened) == {"token", "expires_at", "person"}
    assert re.fullmatch(h.MOMENT, opened["expires_at"])
    left = datetime.fromisoformat(opened["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11) < left <= timedelta(hours=12)
    assert opened["person"] == {
        "name": "Karim Benali",
        "role": "team_member",
        "jurisdiction": "beaurive",
        "teams": ["reseaux", "voirie"],
    }
    assert PASSWORD not in answer.text
    assert h.read(client, "/tickets?limit=1", bearer(opened["token"]))["counts"]


@pytest.mark.parametrize(
    ("email", "role"),
    [
        (h.ADMINISTRATOR, "administrator"),
        (h.AUDITOR, "auditor"),
        (DISPATCHER, "dispatcher"),
        (f"  {h.LEAD_OF_ROADS.upper()} ", "team_lead"),
    ],
)
def test_every_role_may_log_in(client: FlaskClient, email: str, role: str) -> None:
    answer = client.post(SESSIONS, json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201
    assert body_of(answer)["person"]["role"] == role


def test_logging_out_ends_this_session_alone(client: FlaskClient) -> None:
    mine, other = log_in(client), log_in(client)
    answer = client.delete(f"{SESSIONS}/current", headers=mine)
    assert answer.status_code == 204
    assert answer.data == b""
    h.refused(client.get(f"{BASE}/tickets", headers=mine), 401)
    h.refused(client.delete(f"{SESSIONS}/current", headers=mine), 401)
    assert client.get(f"{BASE}/tickets", headers=other).status_code == 200


@pytest.mark.fault(32)
def test_a_session_runs_out(app: Flask, client: FlaskClient) -> None:
    header = log_in(client)
    token = header["Authorization"].removeprefix("Bearer ")
    with h.parts_of(app).sessions.begin() as session:
        session.execute(
            update(StaffSession)
            .where(StaffSession.token_hash == hashlib.sha256(token.encode()).digest())
            .values(expires_at=now() - timedelta(seconds=1))
        )
    answer = client.get(f"{BASE}/tickets", headers=header)
    h.refused(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_has_left_is_out_at_once(own_app: Flask) -> None:
    client = own_app.test_client()
    header = log_in(client, h.MEMBER_OF_PARKS)
    with h.parts_of(own_app).sessions.begin() as session:
        leaving = update(Person).where(Person.email == h.MEMBER_OF_PARKS)
        session.execute(leaving.values(retired_at=now()))
    h.refused(client.get(f"{BASE}/tickets", headers=header), 401)
    h.refused(_try(client, h.MEMBER_OF_PARKS, PASSWORD, "192.0.2.1"), 401)


def test_wrong_credentials_tell_nothing(client: FlaskClient) -> None:
    wrong = _try(client, DISPATCHER, "beaurive-demos", "192.0.2.2")
    unknown = _try(client, "nobody@beaurive.example", PASSWORD, "192.0.2.2")
    empty = _try(client, DISPATCHER, "", "192.0.2.2")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"
    assert h.refused(wrong, 401) == h.refused(unknown, 401) == h.refused(empty, 401)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/email", "/password"]),
        ({"email": DISPATCHER}, ["/password"]),
        ({"email": None, "password": 5}, ["/email", "/password"]),
        ({"email": "a" * 201, "password": "b" * 1001}, ["/email", "/password"]),
        ({"email": DISPATCHER, "password": PASSWORD, "remember": True}, ["/remember"]),
    ],
)
def test_a_login_needs_both(client: FlaskClient, body: dict[str, Any], wrong: list[str]) -> None:
    assert h.blamed(client.post(SESSIONS, json=body)) == wrong


def test_failures_hold_back_their_own_person_and_address(client: FlaskClient) -> None:
    here, elsewhere = "198.51.100.1", "198.51.100.2"
    answers = [_try(client, DISPATCHER, "wrong", here) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {401}

    for email, password in ((DISPATCHER, PASSWORD), (DISPATCHER.upper(), "wrong")):
        held = _try(client, email, password, here)
        problem = h.refused(held, 429)
        assert 1 <= int(held.headers["Retry-After"]) <= 301
        assert DISPATCHER not in str(problem)
    assert _try(client, h.AUDITOR, PASSWORD, here).status_code == 201
    assert _try(client, DISPATCHER, PASSWORD, elsewhere).status_code == 201


def test_guessing_at_many_people_holds_back_the_address(app: Flask, client: FlaskClient) -> None:
    here, elsewhere = "198.51.100.3", "198.51.100.4"
    # Counted without the requests, each of which would take its time over a password.
    for number in range(99):
        h.parts_of(app).logins.begin(f"guess{number}@beaurive.example", here)
    h.refused(_try(client, "guess99@beaurive.example", "?", here), 401)
    h.refused(_try(client, DISPATCHER, PASSWORD, here), 429)
    assert _try(client, DISPATCHER, PASSWORD, elsewhere).status_code == 201


def test_guesses_at_once_are_no_more_than_guesses_in_turn(app: Flask) -> None:
    def guess(_number: int) -> int:
        return _try(app.test_client(), DISPATCHER, "wrong", "198.51.100.9").status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(guess, range(24)))
    assert sorted(statuses) == [401] * 10 + [429] * 14


def test_logging_in_again_and_again_holds_nobody_back(app: Flask) -> None:
    for _ in range(12):
        assert _try(app.test_client(), DISPATCHER, PASSWORD, "198.51.100.10").status_code == 201


def test_a_stranger_locks_nobody_out_who_was_here_before(app: Flask, client: FlaskClient) -> None:
    here = "198.51.100.6"
    first = _try(client, DISPATCHER, PASSWORD, here)
    cookie = first.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", f"Path={SESSIONS}"))
    for number in range(100):
        h.parts_of(app).logins.begin(f"guess{number}@beaurive.example", here)
    with pytest.raises(TooManyLogins):
        h.parts_of(app).logins.begin(DISPATCHER, here)

    assert _try(client, DISPATCHER.upper(), PASSWORD, here).status_code == 201
    h.refused(_try(app.test_client(), DISPATCHER, PASSWORD, here), 429)
    # What makes one person known does not make another.
    h.refused(_try(client, h.AUDITOR, PASSWORD, here), 429)


def test_a_device_that_is_known_may_not_guess_for_ever(client: FlaskClient) -> None:
    assert _try(client, DISPATCHER, PASSWORD, "198.51.100.7").status_code == 201
    for number in range(10):
        h.refused(_try(client, DISPATCHER, "wrong", f"198.51.100.{20 + number}"), 401)
    h.refused(_try(client, DISPATCHER, PASSWORD, "198.51.100.40"), 429)


@pytest.mark.parametrize("cookie", ["", "x", "WyJhIiwiYiJd.aaaaaa.bbbb", "W10.aaaaaa.bbbb"])
def test_a_forged_device_is_a_strangers(app: Flask, client: FlaskClient, cookie: str) -> None:
    here = f"198.51.100.{60 + len(cookie)}"
    for _ in range(10):
        h.parts_of(app).logins.begin(DISPATCHER, here)
    client.set_cookie("vigie_device", cookie, path=SESSIONS)
    h.refused(_try(client, DISPATCHER, PASSWORD, here), 429)


def test_a_failure_does_not_end_a_session(client: FlaskClient) -> None:
    header = log_in(client)
    h.refused(_try(client, DISPATCHER, "wrong", "198.51.100.5"), 401)
    assert client.get(f"{BASE}/tickets", headers=header).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tickets"),
        ("GET", "/tickets/T-7KM-3QX-9PG"),
        ("POST", "/tickets/T-7KM-3QX-9PG/transitions"),
        ("POST", "/tickets/T-7KM-3QX-9PG/notes"),
        ("DELETE", "/sessions/current"),
    ],
)
def test_a_residents_token_finds_nothing_of_staffs(
    client: FlaskClient, resident: Resident, method: str, path: str
) -> None:
    token = bearer(resident.report()["tracking_token"])
    h.refused(client.open(BASE + path, method=method, headers=token), 404)
    unknown = {"Authorization": "Bearer vgs_" + "A" * 43}
    h.refused(client.open(BASE + path, method=method, headers=unknown), 401)
    forged = bearer(token["Authorization"][7:] + "A")
    h.refused(client.open(BASE + path, method=method, headers=forged), 401)


def test_a_residents_token_opens_not_even_its_own_ticket(resident: Resident) -> None:
    view = resident.report()
    token = bearer(view["tracking_token"])
    h.refused(resident.client.get(f"{BASE}/tickets/{view['ticket']}", headers=token), 404)
