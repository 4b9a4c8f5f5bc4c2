"""The gate, by the real web server: what comes through it, and what does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.bodies import BodyTooSlow, Overloaded
from api.gate import MAX_DRAINED, REFUSAL, WAITING_PER_THREAD
from tests.api import gated
from tests.api.gate_server import Server, answer_of, ended, environ_of, head, post, reset
from tests.api.help import refused
from tests.stack import eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("gated"))
    server.start()
    yield server
    server.child.stop(10)


def test_the_application_gets_the_request_as_it_was_sent(server: Server) -> None:
    headers = ("A: 1", "A: 2", "Cookie: a=b", "Cookie: c=d", "X_A: evil", "Content-Type: t/p")
    environ = environ_of(
        server, head("GET", "/caf\xc3\xa9/%2F%ff%20?q=%C3%A9\xc3\xa9&b=1", *headers)
    )
    expected = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/caf\xc3\xa9//\xff ",
        "QUERY_STRING": "q=%C3%A9\xc3\xa9&b=1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "t/p",
        "HTTP_HOST": "city.example",
        "HTTP_A": "1,2",
        "HTTP_COOKIE": "a=b; c=d",
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "received": 0,
    }
    assert {**environ, **expected} == environ
    assert "HTTP_X_A" not in environ
    assert "CONTENT_LENGTH" not in environ


@pytest.mark.parametrize("size", [0, 1, 70_000, 350_000, gated.LIMIT])
def test_a_body_comes_whole_from_memory_or_disk(server: Server, size: int) -> None:
    environ = environ_of(server, post("/body", bytes(size)))
    assert environ["received"] == size
    assert environ["CONTENT_LENGTH"] == str(size)


def test_what_comes_in_chunks_has_a_length_in_the_end(server: Server) -> None:
    chunks = b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"
    environ = environ_of(server, head("POST", "/", "Transfer-Encoding: chunked") + chunks)
    assert (environ["received"], environ["CONTENT_LENGTH"]) == (8, "8")
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_two_lengths_never_make_a_second_request(server: Server) -> None:
    smuggled = b"0\r\n\r\n" + head("GET", "/smuggled")
    lengths = ("Transfer-Encoding: chunked", f"Content-Length: {len(smuggled)}")
    for headers in (lengths, lengths[::-1]):
        with server.send(head("POST", "/", *headers) + smuggled) as connection:
            assert answer_of(connection)[0] == 200
            assert ended(connection)
    for bad in ("3, 4", "x", "-1", "+1", "9" * 30):
        assert server.ask(head("POST", "/smuggled", f"Content-Length: {bad}"))[0] == 400
    two = head("POST", "/smuggled", "Content-Length: 3", "Content-Length: 4")
    assert server.ask(two)[0] == 400
    status, name = server.ask(head("POST", "/smuggled", "Transfer-Encoding: gzip, chunked"))
    assert (status, name) == (599, b"MalformedBody")
    assert "/smuggled" not in server.calls()


@pytest.mark.parametrize(
    ("headers", "begun"),
    [
        (["Content-Length: 100"], b"abc"),
        (["Transfer-Encoding: chunked"], b"5\r\nabcde\r\n"),
        (["Transfer-Encoding: chunked"], b"5\r\nab"),
    ],
)
def test_a_body_that_is_cut_never_comes_through(
    server: Server, headers: list[str], begun: bytes
) -> None:
    with server.send(head("POST", "/cut", *headers) + begun) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert answer_of(connection) == (599, b"_BodyCut")
    reset(server.send(head("POST", "/cut", *headers) + begun))
    assert server.ask(head("POST", "/cut", "Transfer-Encoding: chunked") + b"zz\r\n")[0] == 599
    assert "/cut" not in server.calls()


def test_a_body_that_stops_is_given_up(server: Server) -> None:
    assert server.ask(head("POST", "/slow", "Content-Length: 9") + b"x") == (599, b"BodyTooSlow")
    assert server.ask(head("POST", "/slow", "Content-Length: 9")) == (599, b"BodyTooSlow")
    assert "/slow" not in server.calls()


@pytest.mark.parametrize(("size", "expected"), [(1, 599), (gated.BYTES_PER_S, 200)])
def test_a_body_may_take_its_time_but_not_for_ever(
    server: Server, size: int, expected: int
) -> None:
    count = int((gated.GRACE_S + gated.STALL_S) / 0.2)
    with server.send(head("POST", "/", f"Content-Length: {size * count}")) as connection:
        for _ in range(count):
            if has_answer(connection):
                break
            connection.sendall(bytes(size))
            # This is the client's slowness itself, and no wait for something to happen.
            time.sleep(0.2)
        assert answer_of(connection)[0] == expected


def test_a_body_that_is_declared_too_long_is_answered_unread(server: Server) -> None:
    with server.send(head("POST", "/long", "Content-Length: 3000000")) as connection:
        status, body = answer_of(connection)
        told = json.loads(body)
        assert (status, told["received"], told["CONTENT_LENGTH"]) == (200, 0, "3000000")
        connection.sendall(bytes(3_000_000) + head("GET", "/after"))
        assert answer_of(connection)[0] == 200


def test_a_body_in_chunks_that_gets_too_long_is_not_read_on(server: Server) -> None:
    chunks = b"".join(b"100000\r\n" + bytes(0x100000) + b"\r\n" for _ in range(3))
    request = head("POST", "/long", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n"
    with server.send(request + head("GET", "/after")) as connection:
        told = json.loads(answer_of(connection)[1])
        assert told["received"] == 0
        assert gated.LIMIT < int(told["CONTENT_LENGTH"]) < 3_000_000
        assert answer_of(connection)[0] == 200


def test_no_more_is_thrown_away_than_a_simple_client_needs(server: Server) -> None:
    with server.send(head("POST", "/long", "Content-Length: 999999999")) as connection:
        assert answer_of(connection)[0] == 200
        sent = 0
        with suppress(ConnectionError):
            while sent < 3 * MAX_DRAINED:
                connection.sendall(bytes(1_000_000))
                sent += 1_000_000
        assert MAX_DRAINED <= sent < 2 * MAX_DRAINED


def test_who_expects_to_be_asked_for_the_body_is_asked_where_it_is_wanted(server: Server) -> None:
    expect = "Expect: 100-continue"
    with server.send(head("POST", "/", "Content-Length: 3", expect)) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert answer_of(connection)[0] == 200
    assert server.ask(head("POST", "/", "Content-Length: 2000000", expect))[0] == 200


def test_bodies_on_their_way_find_room_or_are_refused(server: Server) -> None:
    request = head("POST", "/", "Content-Length: 900001") + bytes(900_000)
    connections = [server.send(request) for _ in range(4)]
    eventually(lambda: any(has_answer(connection) for connection in connections))
    answers = set()
    for connection in connections:
        with connection:
            connection.sendall(b"x")
            answers.add(answer_of(connection))
    assert (599, b"Overloaded") in answers
    assert 200 in {status for status, _ in answers}
    assert environ_of(server, post("/", bytes(900_000)))["received"] == 900_000


def test_more_than_can_be_answered_is_refused_at_once(server: Server) -> None:
    most = gated.THREADS * (1 + WAITING_PER_THREAD)
    connections = [server.send(head("GET", "/wait")) for _ in range(most + 3)]
    try:
        eventually(lambda: sum(has_answer(one) for one in connections) == 3)
        assert server.ask(head("GET", "/")) == (599, b"Overloaded")
        server.go_on.touch()
        answers = sorted(answer_of(connection)[0] for connection in connections)
        assert answers == [200] * most + [599] * 3
    finally:
        server.go_on.unlink()
        for connection in connections:
            connection.close()


def has_answer(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(20)


def test_who_does_not_read_holds_no_thread_and_is_left(server: Server) -> None:
    connections = [server.send(head("GET", "/big")) for _ in range(gated.THREADS * 3)]
    assert server.ask(head("GET", "/"))[0] == 200
    # This is how long the clients sleep.
    time.sleep(gated.STALL_S * 2)
    for connection in connections:
        with connection, connection.makefile("rb") as file:
            assert len(file.read()) < gated.BIG


def test_a_large_answer_comes_whole(server: Server) -> None:
    assert server.ask(head("GET", "/big")) == (200, bytes(gated.BIG))


def test_an_answer_in_pieces_is_closed(server: Server) -> None:
    before = server.calls().count("closed")
    assert server.ask(head("GET", "/pieces")) == (200, b"one two")
    assert eventually(lambda: server.calls().count("closed") == before + 1)


def test_of_a_long_answer_only_a_little_is_held(server: Server) -> None:
    peak = f"/proc/{server.child.pid}/task/{server.child.pid}/children"
    workers = Path(peak).read_text(encoding="ascii").split()
    for worker in workers:
        # What was the most so far counts no more.
        Path(f"/proc/{worker}/clear_refs").write_text("5", encoding="ascii")
    before = server.calls().count("closed")
    with server.send(head("GET", "/stream")) as connection, connection.makefile("rb") as file:
        length = 0
        while length < gated.PIECE * gated.PIECES:
            length += len(file.read1(1_000_000))
    assert eventually(lambda: server.calls().count("closed") == before + 1)
    assert max(map(_peak_bytes, workers)) < gated.PIECE * gated.PIECES / 2


def _peak_bytes(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_a_long_answer_that_nobody_reads_is_closed(server: Server) -> None:
    before = Counter(server.calls())
    with server.send(head("GET", "/stream")) as connection:
        assert connection.recv(1)
    assert eventually(lambda: server.calls().count("closed") == before["closed"] + 1)
    # The rest is not even read.
    assert server.calls().count("piece") < before["piece"] + gated.PIECES / 2


@pytest.mark.parametrize("target", ["/fail", "/panic"])
def test_an_error_of_the_application_is_a_problem_and_no_more(server: Server, target: str) -> None:
    with server.send(head("GET", target)) as connection:
        received = connection.recv(10_000).lower()
    assert b"content-type: application/problem+json" in received
    status, body = server.ask(head("GET", target))
    told = json.loads(body)
    assert (status, told["status"], told["type"]) == (500, 500, "urn:vigie:problem:unexpected")
    assert "on purpose" not in str(told)
    with server.send(post("/fail", b"body") + head("GET", "/")) as connection:
        assert answer_of(connection)[0] == 500
        assert answer_of(connection)[0] == 200


def test_a_server_that_is_asked_to_stop_ends_what_it_has_begun(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    with (
        server.connect(),
        server.send(head("GET", "/wait")) as working,
        server.send(head("POST", "/", "Content-Length: 2") + b"x") as sending,
        server.send(head("GET", "/") + head("GET", "/wait")) as pipelined,
    ):
        assert answer_of(pipelined)[0] == 200
        assert server.child.pid is not None
        os.kill(server.child.pid, signal.SIGTERM)
        eventually(lambda: "Stopping worker-1" in server.child.log.read_text())
        server.go_on.touch()
        sending.sendall(b"y")
        assert answer_of(working)[0] == 200
        assert answer_of(sending)[0] == 200
        eventually(lambda: not server.child.is_alive())
    server.child.stop(0)


def test_the_head_of_an_answer_has_no_body(server: Server) -> None:
    with server.send(head("HEAD", "/big") + head("GET", "/pieces")) as connection:
        received = b""
        while b"one two" not in received:
            received += connection.recv(1000)
    assert received.count(b"HTTP/1.1 200") == 2
    assert f"content-length: {gated.BIG}".encode() in received


def test_what_the_gate_refuses_is_told_as_every_other_error(client: FlaskClient) -> None:
    late = client.post("/api/v1/reports", environ_overrides={REFUSAL: BodyTooSlow()})
    assert refused(late, 408)["type"] == "urn:vigie:problem:too-slow"
    full = client.get("/api/v1/categories", environ_overrides={REFUSAL: Overloaded()})
    assert refused(full, 503)["type"] == "urn:vigie:problem:overloaded"
    assert int(full.headers["Retry-After"]) > 0
    assert full.headers["X-Request-ID"]
