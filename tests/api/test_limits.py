"""Limits: told in every answer, refused beyond, each address and each token by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.api import help as h
from tests.resident import BASE, problem_at
from tests.stack import environment

REPORTS = f"{BASE}/reports"


@pytest.fixture
def strict(own_database_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Flask]:
    """Return an application that takes three writes and five reads a minute, behind a proxy."""
    environ = environment(tmp_path, own_database_url, valkey.url, "smtp://127.0.0.1:9")
    environ |= {"WRITES_PER_MINUTE": "3", "READS_PER_MINUTE": "5", "TRUSTED_PROXIES": "1"}
    app = create_app(Settings.from_env(environ))
    yield app
    h.parts_of(app).engine.dispose()


def _write(client: FlaskClient, address: str, token: str | None = None) -> TestResponse:
    headers = {"X-Forwarded-For": address}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return client.post(REPORTS, json=problem_at(), headers=headers)


def _told(answer: TestResponse) -> tuple[int, int]:
    """Return what is left, and for how many seconds."""
    found = re.fullmatch(r'"(reads|writes)";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert found is not None
    return int(found[2]), int(found[3])


def test_every_answer_tells_the_policy_and_what_is_left(client: FlaskClient) -> None:
    for answer, policy in (
        (client.get(REPORTS), '"reads";q=6000;w=60'),
        (client.get(f"{REPORTS}/nothing"), '"reads";q=6000;w=60'),
        (client.post(REPORTS, json=problem_at()), '"writes";q=1200;w=60'),
        (client.post(REPORTS, json={}), '"writes";q=1200;w=60'),
    ):
        assert answer.headers["RateLimit-Policy"] == policy
        left, seconds = _told(answer)
        assert left > 0
        assert 1 <= seconds <= 60


def test_beyond_the_limit_is_429_for_that_address_alone(strict: Flask) -> None:
    client = strict.test_client()
    # The window may end between two requests, so the count begins when it has.
    answers = [_write(client, "192.0.2.1") for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        h.refused(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert _told(answer)[0] == 0
    assert _write(client, "192.0.2.2").status_code == 201
    assert client.get(REPORTS, headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_a_token_is_counted_wherever_it_comes_from(strict: Flask) -> None:
    client = strict.test_client()
    answers = [_write(client, f"198.51.100.{number}", "vgr_x") for number in range(8)]
    assert 429 in {answer.status_code for answer in answers}
    assert _write(client, "198.51.100.200").status_code == 201


def test_health_is_never_held_back(strict: Flask) -> None:
    client = strict.test_client()
    assert {client.get("/healthz").status_code for _ in range(12)} == {200}
    assert "RateLimit" not in client.get("/healthz").headers


def test_a_forwarded_address_is_not_believed_without_a_proxy(client: FlaskClient) -> None:
    first = _told(client.get(REPORTS, headers={"X-Forwarded-For": "203.0.113.1"}))
    second = _told(client.get(REPORTS, headers={"X-Forwarded-For": "203.0.113.2"}))
    assert second[0] < first[0] or second[1] > first[1]


@pytest.mark.parametrize("path", ["/reports", "/categories", "/locate?latitude=1&longitude=2"])
def test_pages_of_other_sites_may_read_what_is_public(client: FlaskClient, path: str) -> None:
    answer = client.get(BASE + path, headers={"Origin": "https://map.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    asked = client.options(
        BASE + path.split("?")[0],
        headers={"Origin": "https://map.example", "Access-Control-Request-Method": "GET"},
    )
    assert asked.status_code == 200
    assert "GET" in asked.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/tickets"), ("POST", "/reports"), ("POST", "/sessions")]
)
def test_they_may_read_nothing_else(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(BASE + path, method=method, headers={"Origin": "https://map.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
