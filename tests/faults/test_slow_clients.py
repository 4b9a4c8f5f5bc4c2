"""Clients that are slow, silent or suddenly gone harm nobody else and leave nothing behind."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests import web
from tests.reports import photo_samples
from tests.resident import BASE, bearer, problem_at
from tests.stack import Stack, eventually

MANY = 1_000
PATIENCE_S = 10
POST = f"POST {BASE}/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """Let this process open enough files for all connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    """Return what closes all connections in the end."""
    with ExitStack() as crowd:
        yield crowd


def connect(stack: Stack, crowd: ExitStack, begun: bytes = b"") -> socket.socket:
    address = urlsplit(stack.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)
    crowd.callback(connection.close)
    connection.sendall(begun)
    return connection


def send_report(stack: Stack) -> dict[str, str]:
    """Send a report as another client, who finds the service as it should be."""
    answer = web.post(f"{stack.url}{BASE}/reports", json=problem_at(), timeout=PATIENCE_S)
    assert answer.status_code == 201, answer.text
    view: dict[str, str] = answer.json()
    return view


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", id="kept alive"),
        pytest.param(b"POST /api/v1/reports HTT", id="half a head"),
        pytest.param(POST + b"Content-Length: 500\r\n\r\n{", id="half a body"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", id="half in chunks"),
    ],
)
def test_a_crowd_that_idles_harms_nobody(stack: Stack, crowd: ExitStack, begun: bytes) -> None:
    for _ in range(MANY):
        connect(stack, crowd, begun)
    send_report(stack)


def test_a_crowd_that_sends_a_byte_a_second_harms_nobody(stack: Stack, crowd: ExitStack) -> None:
    body = b'{"kind": "problem"}'
    head = POST + f"Content-Length: {len(body)}\r\n\r\n".encode()
    connections = [connect(stack, crowd, head + body[:-4]) for _ in range(100)]
    for place in range(len(body) - 4, len(body)):
        for connection in connections:
            connection.sendall(body[place : place + 1])
        send_report(stack)
        time.sleep(1)
    for connection in connections:
        assert connection.recv(100).startswith(b"HTTP/1.1 422 ")


@pytest.mark.parametrize("how", ["finished", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_photo_that_is_cut_leaves_nothing(
    stack: Stack, crowd: ExitStack, how: str, framing: str
) -> None:
    view = send_report(stack)
    kept, refused = files_below(stack), stack.log().count("malformed-body")
    photo = photo_samples.jpeg(1600, 1200)
    path = f"{BASE}/reports/{view['reference']}/photos/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11"
    token = bearer(view["tracking_token"])["Authorization"]
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n".encode()
    if framing == "length":
        begun = head + f"Content-Length: {len(photo) + 1}\r\n\r\n".encode() + photo
    else:
        size = f"{len(photo):x}".encode()
        begun = head + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + photo + b"\r\n"
    connection = connect(stack, crowd, begun)
    if how == "finished":
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    else:
        # Nobody waits for what was sent: the kernel ends the connection by a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        eventually(lambda: stack.log().count("malformed-body") > refused)
    shown = web.get(f"{stack.url}{BASE}/reports/{view['reference']}", timeout=PATIENCE_S).json()
    assert shown["photos"] == []
    assert files_below(stack) == kept


def files_below(stack: Stack) -> list[str]:
    storage = stack.folder / "storage"
    return sorted(str(path) for path in storage.rglob("*") if path.is_file())
