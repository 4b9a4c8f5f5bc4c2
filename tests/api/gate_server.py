"""The web server with the gated application, and how to talk to it byte by byte."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from infra.embedded.process import Child
from tests.stack import ROOT, free_port


class Server:
    """The web server with the gated application."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.go_on = folder / "go-on"
        command = f"granian --interface asginl --http 1 --no-ws --port {self.port}"
        self.child = Child(
            "gated",
            [sys.executable, "-m", *command.split(), "tests.api.gated:app"],
            folder / "gated.log",
            cwd=ROOT,
            environ={"PATH": os.environ["PATH"], "GO_ON": str(self.go_on)},
        )

    def start(self) -> None:
        self.child.start()
        self.child.wait_until(self._listens, 30)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, data: bytes) -> socket.socket:
        connection = self.connect()
        connection.sendall(data)
        return connection

    def ask(self, data: bytes) -> tuple[int, bytes]:
        with self.send(data) as connection:
            return answer_of(connection)

    def calls(self) -> list[str]:
        calls: list[str] = json.loads(self.ask(head("GET", "/calls"))[1])
        return calls

    def _listens(self) -> bool:
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True


def head(method: str, target: str, *headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: city.example", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(target: str, body: bytes) -> bytes:
    return head("POST", target, f"Content-Length: {len(body)}") + body


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """Return status and body of the next answer, or 0 where the connection ended instead."""
    received = b""
    # Byte by byte, so that nothing is taken away from the answer that follows.
    while not received.endswith(b"\r\n\r\n"):
        if not (byte := connection.recv(1)):
            return 0, b""
        received += byte
    _, _, after = received.lower().partition(b"content-length:")
    body = bytearray()
    while missing := int(after.split()[0]) - len(body):
        body += connection.recv(min(missing, 1_000_000))
    return int(received[9:12]), bytes(body)


def ended(connection: socket.socket) -> bool:
    """Read on until the other side has closed the connection."""
    try:
        while connection.recv(1_000_000):
            pass
    except ConnectionError:
        pass
    return True


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def environ_of(server: Server, data: bytes) -> dict[str, Any]:
    status, body = server.ask(data)
    assert status == 200
    environ: dict[str, Any] = json.loads(body)
    return environ
