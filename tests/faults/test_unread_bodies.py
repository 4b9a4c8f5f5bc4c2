"""An answer that is known before the body was read still reaches a simple client."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.resident import BASE
from tests.stack import Stack

UNKNOWN = f"{BASE}/reports/7KM-3QX-9PG"


@pytest.mark.parametrize("size", [300, 300_000, 3_000_000, 30_000_000])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", f"{UNKNOWN}/photos/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11", 401),
        ("POST", f"{UNKNOWN}/messages", 401),
        ("POST", f"{BASE}/nothing", 404),
        ("POST", f"{BASE}/categories", 405),
        ("POST", f"{BASE}/sessions", None),
    ],
)
def test_whoever_sends_too_much_gets_to_read_the_answer(
    stack: Stack, method: str, path: str, status: int | None, size: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=20)
    connection.request(method, path, bytes(size), {"Content-Type": "application/x-unknown"})
    answer = connection.getresponse()
    too_large = 413 if size > 1_000_000 else 415
    assert answer.status == (status or too_large)
    assert answer.getheader("Content-Type") == "application/problem+json"
    assert answer.read().startswith(b"{")
    connection.close()


def test_a_refused_body_does_not_break_the_next_request(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, timeout=20) as http:
        for _ in range(100):
            refused = http.post(f"{UNKNOWN}/messages", content=bytes(200_000))
            assert refused.status_code == 401
            assert http.get("/healthz").status_code == 200


def test_a_body_of_unknown_length_is_bounded(stack: Stack) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(100_000)

    answer = httpx.post(
        f"{stack.url}{BASE}/reports",
        content=endless(),
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    assert answer.status_code == 413
