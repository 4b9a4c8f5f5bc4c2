"""Faults of tokens: whatever was not made here, or has had its time, is 401 (fault 32)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from city import sessions
from city.models import StaffSession
from infra.clock import now
from reports import tracking
from tests.api import help as h
from tests.resident import BASE, DISPATCHER, Resident, bearer, log_in

pytestmark = pytest.mark.fault(32)

Claims = dict[str, Any]
SECRETS = ["a secret of the tests, long enough", "", "secret"]


@pytest.fixture(scope="module", autouse=True)
def colleague(app: Flask) -> None:
    """Have somebody logged in, whose session nobody else may come into."""
    log_in(app.test_client())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwt(algorithm: str, claims: Claims, secret: str) -> str:
    """Return a JSON Web Token as one would be forged, signed where the algorithm has a digest."""
    head = {"alg": algorithm, "typ": "JWT"}
    signed = ".".join(_encode(json.dumps(part).encode()) for part in (head, claims))
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}.get(algorithm)
    proof = hmac.new(secret.encode(), signed.encode(), digest).digest() if digest else b""
    return f"{signed}.{_encode(proof)}"


def _claims(view: dict[str, Any], moment: int = 4_102_444_800) -> Claims:
    return {"sub": DISPATCHER, "ref": view["reference"], "role": "dispatcher", "exp": moment}


def _expect_401(client: FlaskClient, view: dict[str, Any], token: str) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {token}"}
        report = f"{BASE}/reports/{view['reference']}"
        for answer in (
            client.get(f"{BASE}/tickets", headers=headers),
            client.get(f"{BASE}/tickets/{view['ticket']}", headers=headers),
            client.post(f"{report}/withdraw", headers=headers),
            client.post(f"{report}/messages", json={"text": "x"}, headers=headers),
            client.delete(f"{report}/contact", headers=headers),
            client.delete(f"{BASE}/sessions/current", headers=headers),
        ):
            h.refused(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "can" not in client.get(report, headers=headers).json  # type: ignore[operator]


@pytest.mark.parametrize("prefix", ["", sessions.TOKEN_PREFIX, tracking.TOKEN_PREFIX])
@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS256"])
def test_32_a_json_web_token_is_no_token_of_ours(
    resident: Resident, algorithm: str, prefix: str
) -> None:
    view = resident.report()
    for secret in SECRETS:
        token = _jwt(algorithm, _claims(view), secret)
        _expect_401(resident.client, view, prefix + token)
    expired = _jwt(algorithm, _claims(view, moment=1), SECRETS[0])
    _expect_401(resident.client, view, prefix + expired)


def _of_another_key(view: dict[str, Any]) -> str:
    return tracking.issue("another secret, that is long enough too", view["reference"])


def _of_another_report(view: dict[str, Any]) -> str:
    other = tracking.issue(SECRETS[0], "7KM-3QX-9PG")
    signature = other.rpartition(".")[2]
    return f"{tracking.TOKEN_PREFIX}{view['reference']}.{signature}"


FORGERIES: list[Callable[[dict[str, Any]], str]] = [
    _of_another_key,
    _of_another_report,
    lambda view: f"{tracking.TOKEN_PREFIX}{view['reference']}",
    lambda view: f"{tracking.TOKEN_PREFIX}{view['reference']}.",
    lambda view: f"{sessions.TOKEN_PREFIX}{view['reference']}",
    lambda view: str(view["tracking_token"]).removeprefix(tracking.TOKEN_PREFIX),
    lambda view: str(view["tracking_token"]).replace("vgr_", "vgs_"),
    lambda view: str(view["tracking_token"]).replace("vgr_", "VGR_"),
    lambda view: f"{view['tracking_token']}x",
    lambda view: f"{view['tracking_token']}.{view['tracking_token']}",
    lambda view: str(view["tracking_token"])[:-1],
    lambda _view: f"{sessions.TOKEN_PREFIX}{'A' * 43}",
    lambda _view: f"{sessions.TOKEN_PREFIX}' OR 1=1 --",
    lambda _view: sessions.TOKEN_PREFIX,
    lambda _view: tracking.TOKEN_PREFIX,
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_32_what_was_not_given_out_opens_nothing(
    resident: Resident, forge: Callable[[dict[str, Any]], str]
) -> None:
    view = resident.report(contact={"email": "camille@example.org"})
    _expect_401(resident.client, view, forge(view))


def test_32_a_session_ends_by_time_and_by_logging_out(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    view = resident.report()
    expired, left = (log_in(client)["Authorization"].partition(" ")[2] for _ in range(2))
    for token in (expired, left):
        assert client.get(f"{BASE}/tickets", headers=bearer(token)).status_code == 200
    with h.parts_of(app).sessions.begin() as session:
        session.execute(
            update(StaffSession)
            .where(StaffSession.token_hash == hashlib.sha256(expired.encode()).digest())
            .values(expires_at=now() - timedelta(seconds=1))
        )
    assert client.delete(f"{BASE}/sessions/current", headers=bearer(left)).status_code == 204
    for token in (expired, left):
        _expect_401(client, view, token)


def test_32_a_token_in_another_place_is_none(resident: Resident) -> None:
    token = log_in(resident.client)["Authorization"].partition(" ")[2]
    for headers in (
        {"Authorization": f"Basic {token}"},
        {"Authorization": token},
        {"Cookie": f"session={token}; token={token}"},
        {"X-Auth-Token": token},
    ):
        h.refused(resident.client.get(f"{BASE}/tickets", headers=headers), 401)
    h.refused(resident.client.get(f"{BASE}/tickets?access_token={token}&token={token}"), 401)
