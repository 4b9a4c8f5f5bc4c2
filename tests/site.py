"""A site that photos are fetched from: a real HTTP server that answers as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

DRIP_EVERY_S = 0.2


@dataclass(frozen=True)
class Page:
    """An answer, whose body comes piece by piece and ends with the connection."""

    status: int = 200
    pieces: Iterable[bytes] = ()
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        site = self.server.site
        earlier = site.asked.count(self.path)
        site.asked.append(self.path)
        site.agents.append(self.headers["User-Agent"])
        page = site.pages[self.path](earlier)
        self.send_response(page.status)
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in page.pieces:
            self.wfile.write(piece)


class _Server(ThreadingHTTPServer):
    site: Site

    def handle_error(self, *_arguments: Any) -> None:
        """Let those go who did not wait for the answer."""


@dataclass
class Site:
    """Answers by path, told how often it was asked for before."""

    port: int
    pages: dict[str, Callable[[int], Page]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, *pages: Page | Callable[[], Page]) -> str:
        """Have these answers come one after the other, the last for good, and return the path."""
        path = f"/{uuid4().hex}.jpg"

        def answer(earlier: int) -> Page:
            page = pages[min(earlier, len(pages) - 1)]
            return page if isinstance(page, Page) else page()

        self.pages[path] = answer
        return path

    def dripping(self) -> Page:
        """Return an answer that never ends and never stops coming."""
        return Page(pieces=self._drops())

    def silent(self) -> Page:
        """Answer only when it is over."""
        self.released.wait(60)
        return Page()

    def _drops(self) -> Iterator[bytes]:
        yield b"\xff\xd8\xff"
        while not self.released.wait(DRIP_EVERY_S):
            yield b"\x00"


@contextmanager
def serving() -> Iterator[Site]:
    with _Server(("0.0.0.0", 0), _Handler) as server:
        server.daemon_threads = True
        server.site = site = Site(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield site
        finally:
            site.released.set()
            server.shutdown()
            thread.join()
