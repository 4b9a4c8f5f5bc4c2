"""Accounts: invited and reset by links that work once, and a second factor for who wants one."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyotp import TOTP
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from city.account_models import Letter, LetterStatus, SecondFactor
from infra.clock import now
from infra.mail import Mail
from reports.mail import letters
from tests.api import help as h
from tests.api.test_administration import PERSON, Office
from tests.resident import BASE, DISPATCHER, PASSWORD, body_of, log_in

NEW = "a new and long password"
EMAIL = "nouvelle@beaurive.example"


_places = count(1)


def visitor(app: Flask) -> FlaskClient:
    """Return somebody who comes from another place than all others, whose failures are theirs."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = f"203.0.113.{next(_places)}"
    return client


def letters_of(app: Flask) -> list[Mail]:
    """Do the letter job for every letter that waits, and return the mails in order."""
    sent, parts = [], h.parts_of(app)
    with parts.sessions.begin() as session:
        waiting = select(Letter.id).where(Letter.status == LetterStatus.PENDING.value)
        for id_ in session.scalars(waiting.order_by(Letter.id)).all():
            lease = letters.claim(session, id_, now(), lease_s=60)
            assert lease is not None
            mail = letters.compose(session, lease, now(), h.PUBLIC_URL)
            if mail is not None:
                letters.record_sent(session, lease, now())
                sent.append(mail)
    return sent


def token_in(mail: Mail) -> str:
    [token] = re.findall(rf"{h.PUBLIC_URL}/password\?token=(\S+)", mail.text)
    return str(token)


def choose(client: FlaskClient, token: str, password: str = NEW) -> TestResponse:
    return client.post(f"{BASE}/passwords", json={"token": token, "password": password})


def enter(client: FlaskClient, email: str, password: str, code: str | None = None) -> TestResponse:
    body = {"email": email, "password": password, "code": code}
    return client.post(f"{BASE}/sessions", json=body)


def ask_for_reset(client: FlaskClient, email: str) -> TestResponse:
    return client.post(f"{BASE}/password-resets", json={"email": email})


def test_an_invitation_opens_once(own_app: Flask) -> None:
    office, guest = Office(own_app), visitor(own_app)
    assert office.post("/people", PERSON).status_code == 201
    h.refused(enter(guest, EMAIL, ""), 401)
    [mail] = letters_of(own_app)
    assert (mail.to, "Beaurive" in mail.subject) == (EMAIL, True)
    assert mail.subject.startswith("Vous êtes invité")
    token = token_in(mail)
    assert token in mail.html

    assert h.blamed(choose(guest, token, "short")) == ["/password"]
    assert choose(guest, token).status_code == 204
    assert h.blamed(choose(guest, token, "another password")) == ["/token"]
    opened = enter(guest, EMAIL, NEW)
    assert body_of(opened)["person"]["teams"] == ["proprete", "voirie"]
    assert office.person(EMAIL)["password_set"] is True


def test_a_link_is_kept_as_its_hash_alone(own_app: Flask) -> None:
    Office(own_app).post("/people", PERSON)
    [mail] = letters_of(own_app)
    with h.parts_of(own_app).sessions() as session:
        kept = session.scalars(select(Letter)).one()
        told = " ".join(str(getattr(kept, column.key)) for column in Letter.__table__.columns)
    assert token_in(mail) not in told
    assert EMAIL not in told


def test_a_newer_invitation_ends_the_one_before(own_app: Flask) -> None:
    office, guest = Office(own_app), visitor(own_app)
    id_ = body_of(office.post("/people", PERSON))["id"]
    [first] = letters_of(own_app)
    again = office.client.post(f"{BASE}/admin/people/{id_}/invitation", headers=office.headers)
    assert again.status_code == 204
    assert h.blamed(choose(guest, token_in(first))) == ["/token"]
    [second] = letters_of(own_app)
    assert choose(guest, token_in(second)).status_code == 204


@pytest.mark.parametrize("why", ["too late", "has left", "has another address"])
def test_a_link_that_should_open_nothing_opens_nothing(own_app: Flask, why: str) -> None:
    office, guest = Office(own_app), visitor(own_app)
    path = f"/people/{body_of(office.post('/people', PERSON))['id']}"
    [mail] = letters_of(own_app)
    if why == "too late":
        with h.parts_of(own_app).sessions.begin() as session:
            session.execute(update(Letter).values(expires_at=now() - timedelta(seconds=1)))
    elif why == "has left":
        office.change(path, retired=True)
        office.change(path, retired=False)
    else:
        office.change(path, email="elsewhere@beaurive.example")
    assert h.blamed(choose(guest, token_in(mail))) == ["/token"]


def test_who_left_before_the_letter_was_written_gets_none(own_app: Flask) -> None:
    office = Office(own_app)
    path = f"/people/{body_of(office.post('/people', PERSON))['id']}"
    office.change(path, retired=True)
    assert letters_of(own_app) == []


def test_of_many_who_use_a_link_at_once_one_does(own_app: Flask) -> None:
    Office(own_app).post("/people", PERSON)
    token = token_in(letters_of(own_app)[0])
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: choose(visitor(own_app), token).status_code, range(4))
        assert sorted(found) == [204, 422, 422, 422]


def test_a_reset_ends_every_session_and_the_old_password(own_app: Flask) -> None:
    client = visitor(own_app)
    before = log_in(client)
    assert ask_for_reset(client, f" {DISPATCHER.upper()} ").status_code == 204
    assert client.get(f"{BASE}/tickets", headers=before).status_code == 200
    [mail] = letters_of(own_app)
    assert mail.to == DISPATCHER
    assert choose(client, token_in(mail)).status_code == 204
    h.refused(client.get(f"{BASE}/tickets", headers=before), 401)
    h.refused(enter(client, DISPATCHER, PASSWORD), 401)
    assert enter(client, DISPATCHER, NEW).status_code == 201


def test_a_reset_never_tells_who_has_an_account(own_app: Flask) -> None:
    client = visitor(own_app)
    known, unknown = (ask_for_reset(client, one) for one in (DISPATCHER, "x@example.org"))
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (204, b"")
    skipped = {"X-Request-ID", "RateLimit", "Date"}
    assert {name for name, _ in known.headers} - skipped == (
        {name for name, _ in unknown.headers} - skipped
    )
    # Asked again and again, nobody's mailbox is filled; and who asks too often is held back.
    answers = {ask_for_reset(client, DISPATCHER).status_code for _ in range(12)}
    assert answers == {204, 429}
    assert len(letters_of(own_app)) == 1
    strangers = {ask_for_reset(client, "y@example.org").status_code for _ in range(12)}
    assert strangers == {204, 429}


def test_the_link_opens_a_page_that_sets_the_password(own_app: Flask) -> None:
    client = visitor(own_app)
    ask_for_reset(client, DISPATCHER)
    token = token_in(letters_of(own_app)[0])
    shown = client.get(f"/password?token={token}")
    assert shown.status_code == 200
    assert f'value="{token}"' in shown.text
    assert "form-action 'self'" in shown.headers["Content-Security-Policy"]
    page = client.post("/password", data={"token": token, "password": "short"})
    assert page.status_code == 422
    page = client.post("/password", data={"token": token, "password": NEW})
    assert page.status_code == 200
    assert token not in page.text
    page = client.post("/password", data={"token": token, "password": NEW})
    assert (page.status_code, 'role="alert"' in page.text) == (422, True)
    assert client.post("/password", data=b"x" * 30_000).status_code == 415
    form = "application/x-www-form-urlencoded"
    assert client.post("/password", data=b"x" * 30_000, content_type=form).status_code == 413
    assert client.post("/password", data=b"a&b=1&c=2&d=3", content_type=form).status_code == 400
    assert enter(client, DISPATCHER, NEW).status_code == 201


class Phone:
    """Somebody with an authenticator."""

    def __init__(self, app: Flask, email: str = DISPATCHER) -> None:
        self.app, self.email, self.client = app, email, visitor(app)
        self.headers = log_in(self.client, email)
        begun = self.send("", {"password": PASSWORD})
        assert begun.status_code == 201
        self.secret = body_of(begun)["secret"]
        assert f"secret={self.secret}" in body_of(begun)["uri"]

    def send(self, step: str, body: dict[str, Any]) -> TestResponse:
        path = f"{BASE}/account/second-factor{step}"
        return self.client.post(path, json=body, headers=self.headers)

    def code(self, steps: int = 0) -> str:
        return TOTP(self.secret).at(now() + timedelta(seconds=30 * steps))

    def confirm(self) -> list[str]:
        confirmed = self.send("/confirmation", {"code": self.code(-1)})
        assert confirmed.status_code == 200
        return list(body_of(confirmed)["recovery_codes"])


def test_a_login_asks_for_a_code_once_it_is_confirmed(own_app: Flask) -> None:
    phone = Phone(own_app)
    client = phone.client
    assert enter(client, DISPATCHER, PASSWORD).status_code == 201
    assert h.blamed(phone.send("/confirmation", {"code": "000000"})) == ["/code"]
    codes = phone.confirm()
    assert len(set(codes)) == 10
    required = h.refused(enter(client, DISPATCHER, PASSWORD), 401)
    assert required["type"].endswith("code-required")
    wrong = h.refused(enter(client, DISPATCHER, "wrong", phone.code()), 401)
    assert wrong["type"].endswith("wrong-credentials")
    assert enter(client, DISPATCHER, PASSWORD, phone.code()).status_code == 201
    # It was used, and so were those before it.
    for code in (phone.code(), phone.code(-1), "123", "é", "000000"):
        refused = h.refused(enter(client, DISPATCHER, PASSWORD, code), 401)
        assert refused["type"].endswith("wrong-code")
    assert enter(client, DISPATCHER, PASSWORD, f" {phone.code(1)} ").status_code == 201
    h.refused(enter(client, DISPATCHER, PASSWORD, phone.code(1)), 401)


def test_a_code_used_by_many_at_once_is_taken_once(own_app: Flask) -> None:
    phone = Phone(own_app)
    phone.confirm()
    code = phone.code(1)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(
            lambda _: enter(visitor(own_app), DISPATCHER, PASSWORD, code).status_code,
            range(4),
        )
        assert sorted(found) == [201, 401, 401, 401]


def test_a_recovery_code_works_once(own_app: Flask) -> None:
    phone = Phone(own_app)
    codes = phone.confirm()
    assert enter(phone.client, DISPATCHER, PASSWORD, codes[0].lower()).status_code == 201
    h.refused(enter(phone.client, DISPATCHER, PASSWORD, codes[0]), 401)
    plain = codes[1].replace("-", "")
    assert enter(phone.client, DISPATCHER, PASSWORD, plain).status_code == 201
    with h.parts_of(own_app).sessions() as session:
        kept = session.scalars(select(SecondFactor)).one().recovery_hashes
    assert len(kept) == 8
    assert not set(codes) & set(kept)


def test_guessing_codes_is_held_back(own_app: Flask) -> None:
    phone = Phone(own_app)
    phone.confirm()
    stranger = visitor(own_app)
    body = {"email": DISPATCHER, "password": PASSWORD, "code": "000000"}
    answers = [stranger.post(f"{BASE}/sessions", json=body).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2


def test_it_is_ended_by_the_password_or_by_an_administrator(own_app: Flask) -> None:
    phone = Phone(own_app)
    phone.confirm()
    h.refused(phone.send("", {"password": PASSWORD}), 409)
    h.refused(phone.send("/confirmation", {"code": phone.code(1)}), 409)
    assert h.blamed(phone.send("/end", {"password": "wrong"})) == ["/password"]
    office = Office(own_app)
    person = office.person(DISPATCHER)
    assert person["second_factor"] is True
    path = f"{BASE}/admin/people/{person['id']}/second-factor"
    assert office.client.delete(path, headers=office.headers).status_code == 204
    assert enter(phone.client, DISPATCHER, PASSWORD).status_code == 201
    h.refused(phone.send("/end", {"password": PASSWORD}), 409)
    acts = [line["act"] for line in office.get("/audit?thing=person")["items"]]
    assert acts[:2] == ["second_factor_off", "second_factor_on"]
    assert set(acts[2:]) == {"added", "changed"}


def test_it_cannot_be_begun_from_a_session_somebody_left_open(own_app: Flask) -> None:
    client = visitor(own_app)
    path, body = f"{BASE}/account/second-factor", {"password": "a guess"}
    headers = log_in(client)
    assert h.blamed(client.post(path, json=body, headers=headers)) == ["/password"]
    with h.parts_of(own_app).sessions() as session:
        assert session.scalar(select(func.count()).select_from(SecondFactor)) == 0
