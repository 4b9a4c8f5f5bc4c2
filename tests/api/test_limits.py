"""Limits: told in every answer, refused beyond, each address and each token by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.limits import BUDGETS
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.api import help as h
from tests.resident import BASE, problem_at
from tests.stack import environment

REPORTS = f"{BASE}/reports"


STRICT = {"WRITES_PER_MINUTE": "6", "READS_PER_MINUTE": "8"}


@pytest.fixture
def strict(own_database_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Flask]:
    """Return an application that takes six writes and eight reads a minute, behind a proxy."""
    yield from _limited(tmp_path, own_database_url, valkey.url, STRICT)


@pytest.fixture
def usual(own_database_url: str, own_valkey: Valkey, tmp_path: Path) -> Iterator[Flask]:
    """Return an application with the limits that nobody has set, where nobody else is counted."""
    yield from _limited(tmp_path, own_database_url, own_valkey.url, {})


@pytest.fixture
def strict_alone(own_database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """Return the same without a queue to count in."""
    yield from _limited(tmp_path, own_database_url, "unix:///nowhere/valkey.sock", STRICT)


def _limited(
    folder: Path, database_url: str, redis_url: str, limits: Mapping[str, str]
) -> Iterator[Flask]:
    environ = environment(folder, database_url, redis_url, "smtp://127.0.0.1:9")
    del environ["READS_PER_MINUTE"], environ["WRITES_PER_MINUTE"]
    app = create_app(Settings.from_env({**environ, **limits, "TRUSTED_PROXIES": "1"}))
    yield app
    h.parts_of(app).engine.dispose()


def _write(client: FlaskClient, address: str, token: str | None = None) -> TestResponse:
    headers = {"X-Forwarded-For": address}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return client.post(REPORTS, json=problem_at(), headers=headers)


def _told(answer: TestResponse) -> dict[str, tuple[int, int]]:
    """Return for each policy what is left, and for how many seconds."""
    parts = answer.headers["RateLimit"].split(", ")
    found = [re.fullmatch(r'"([a-z]+)";r=(\d+);t=(\d+)', part) for part in parts]
    return {one[1]: (int(one[2]), int(one[3])) for one in found if one is not None}


def test_every_answer_tells_the_policy_and_what_is_left(usual: Flask) -> None:
    client = usual.test_client()
    for answer, policy in (
        (client.get(REPORTS), '"reads";q=6000;w=60, "searches";q=3000;w=60'),
        (client.get(f"{REPORTS}/nothing"), '"reads";q=6000;w=60'),
        (client.get("/nowhere"), '"reads";q=6000;w=60'),
        (client.post(REPORTS, json=problem_at()), '"writes";q=1200;w=60, "reports";q=600;w=60'),
        (client.post(REPORTS, json={}), '"writes";q=1200;w=60, "reports";q=600;w=60'),
        (client.post(f"{BASE}/sessions", json={}), '"writes";q=1200;w=60, "logins";q=600;w=60'),
    ):
        assert answer.headers["RateLimit-Policy"] == policy
        told = _told(answer)
        assert list(told) == re.findall(r'"([a-z]+)"', policy)
        for left, seconds in told.values():
            assert left > 0
            assert 1 <= seconds <= 60


def test_beyond_the_limit_is_429_for_that_address_alone(strict: Flask) -> None:
    client = strict.test_client()
    # The window may end between two requests, so the count begins when it has.
    answers = [_write(client, "192.0.2.1") for _ in range(9)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        h.refused(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert _told(answer)["reports"][0] == 0
    assert _write(client, "192.0.2.2").status_code == 201
    assert client.get(REPORTS, headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_a_token_is_counted_wherever_it_comes_from(strict: Flask) -> None:
    client = strict.test_client()
    answers = [_write(client, f"198.51.100.{number}", "vgr_x") for number in range(9)]
    assert 429 in {answer.status_code for answer in answers}
    assert _write(client, "198.51.100.200").status_code == 201


def test_a_dear_route_is_used_up_before_others_are(strict: Flask) -> None:
    client = strict.test_client()
    answers = []
    # The window of reports may end on the way and that of all writes not, but not for each address.
    for address in ("192.0.2.9", "192.0.2.10", "192.0.2.11"):
        # Three of the six writes may be reports.
        while _write(client, address).status_code == 201:
            continue
        headers = {"X-Forwarded-For": address}
        answers.append(client.post(f"{BASE}/sessions", json={}, headers=headers).status_code)
    assert 422 in answers


def test_limits_hold_without_the_queue(strict_alone: Flask) -> None:
    client = strict_alone.test_client()
    answers = [_write(client, "192.0.2.3") for _ in range(9)]
    assert {answer.status_code for answer in answers} == {201, 429}
    assert _write(client, "192.0.2.4").status_code == 201


def test_whoever_holds_a_network_counts_once(strict: Flask) -> None:
    client = strict.test_client()
    answers = [_write(client, f"2001:db8:1:2::{number:x}") for number in range(9)]
    assert 429 in {answer.status_code for answer in answers}
    assert _write(client, "2001:db8:1:3::1").status_code == 201
    assert _write(client, "::ffff:192.0.2.77").status_code == 201


def test_every_budget_belongs_to_a_route(app: Flask) -> None:
    assert set(BUDGETS) <= set(app.view_functions)


def test_health_is_never_held_back(strict: Flask) -> None:
    client = strict.test_client()
    assert {client.get("/healthz").status_code for _ in range(12)} == {200}
    assert "RateLimit" not in client.get("/healthz").headers


def test_a_forwarded_address_is_not_believed_without_a_proxy(client: FlaskClient) -> None:
    first = _told(client.get(REPORTS, headers={"X-Forwarded-For": "203.0.113.1"}))["reads"]
    second = _told(client.get(REPORTS, headers={"X-Forwarded-For": "203.0.113.2"}))["reads"]
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
    ("path", "allowed"),
    [
        ("/reports", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/tickets", {"GET", "HEAD", "OPTIONS"}),
        ("/sessions", {"OPTIONS", "POST"}),
        ("/reports/7KM-3QX-9PA/contact", {"OPTIONS", "DELETE"}),
    ],
)
def test_what_an_address_takes_is_told_without_a_body(
    client: FlaskClient, path: str, allowed: set[str]
) -> None:
    answer = client.options(BASE + path, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert {one.strip() for one in answer.headers["Allow"].split(",")} == allowed
    assert "Content-Type" not in answer.headers
    assert answer.headers["Content-Length"] == "0"
    assert answer.data == b""


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/tickets"), ("POST", "/reports"), ("POST", "/sessions")]
)
def test_they_may_read_nothing_else(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(BASE + path, method=method, headers={"Origin": "https://map.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
