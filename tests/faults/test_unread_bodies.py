"""An answer that is known before the body was read still reaches a simple client."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests import web
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


@pytest.mark.parametrize(
    ("method", "path", "length", "status"),
    [
        ("POST", f"{BASE}/reports", 1_000_001, 413),
        ("POST", f"{BASE}/nothing", 30_000_000, 404),
        ("PUT", f"{UNKNOWN}/photos/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11", 25_000_001, 401),
        ("POST", f"{UNKNOWN}/photos", 25_100_000, 401),
    ],
)
def test_what_is_declared_too_large_is_answered_before_it_is_sent(
    stack: Stack, method: str, path: str, length: int, status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=20)
    connection.putrequest(method, path)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    assert answer.getheader("Content-Type") == "application/problem+json"
    connection.close()


def test_a_refused_body_does_not_break_the_next_request(stack: Stack) -> None:
    with web.Client(base_url=stack.url, timeout=20) as http:
        for _ in range(100):
            refused = http.post(f"{UNKNOWN}/messages", content=bytes(200_000))
            assert refused.status_code == 401
            assert http.get("/healthz").status_code == 200


def test_a_body_of_unknown_length_is_bounded(stack: Stack) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(100_000)

    answer = web.post(
        f"{stack.url}{BASE}/reports",
        content=endless(),
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "request_line",
    [
        "OPTIONS * HTTP/1.1",
        "CONNECT city.example:443 HTTP/1.1",
        "GET http://other.example/healthz HTTP/1.1",
        "GET //healthz HTTP/1.1",
        "GET /%ff%00/%2e%2e/ HTTP/1.1",
        "GET / HTTP/1.0",
        "BREW / HTTP/1.1",
        "PUT /api/v1/photos/%C3%A9 HTTP/1.1",
    ],
)
@pytest.mark.parametrize(
    "host", ["city.example", "", "a b", "x" * 2000, "[::1", "city.example:99999"]
)
def test_an_odd_request_is_answered_without_a_failure(
    stack: Stack, request_line: str, host: str
) -> None:
    address = urlsplit(stack.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(
            f"{request_line}\r\nHost: {host}\r\nContent-Length: 2000000\r\n\r\n".encode()
        )
        status = int(connection.recv(100)[9:12])
    assert 200 <= status < 500
