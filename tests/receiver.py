"""A system that webhooks lead to: a real HTTP server that remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

Reply = tuple[int, dict[str, str]]
OK: Reply = (200, {})


@dataclass(frozen=True)
class Message:
    """What came in one request; `host` is the address that it came to."""

    path: str
    host: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    def verified_by(self, secret: str) -> dict[str, Any]:
        """Return the message as a receiver's library takes it, or raise."""
        read: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return read


def _well(_earlier: int) -> Reply:
    return OK


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        message = Message(self.path, self.connection.getsockname()[0], headers, body)
        earlier = len(self.server.receiver.messages(self.path))
        self.server.receiver.taken.append(message)
        status, more = self.server.receiver.answers.get(self.path, _well)(earlier)
        self.send_response(status)
        for name, value in {**more, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()


class _Server(ThreadingHTTPServer):
    receiver: Receiver

    def handle_error(self, *_arguments: Any) -> None:
        """Let those go who did not wait for the answer."""


@dataclass
class Receiver:
    """Answers by path, told how many messages came there before; 200 where nothing is said."""

    port: int
    taken: list[Message] = field(default_factory=list)
    answers: dict[str, Callable[[int], Reply]] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def messages(self, path: str) -> list[Message]:
        return [message for message in self.taken if message.path == path]

    def silent(self, _earlier: int) -> Reply:
        """Answer only when it is over."""
        self.released.wait(60)
        return OK


@contextmanager
def receiving() -> Iterator[Receiver]:
    with _Server(("0.0.0.0", 0), _Handler) as server:
        server.daemon_threads = True
        server.receiver = receiver = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.released.set()
            server.shutdown()
            thread.join()
