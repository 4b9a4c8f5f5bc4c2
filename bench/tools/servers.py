"""Web servers over a durable throw-away city, and clients that ask them as fast as they answer."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.cluster import Cluster
from infra.embedded.process import Child
from infra.embedded.valkey import Valkey
from tests.conftest import load_city
from tests.stack import ROOT, environment, eventually, free_port

PROCESSES = 2
GATED = "granian --interface asginl --http 1 --no-ws --backpressure 5000"
"""granian behind our gate, with the options of `make run`."""
PLAIN = "granian --interface wsgi --http 1 --no-ws --blocking-threads 16 --backpressure 256"
GUNICORN = "gunicorn --worker-class gthread --threads 16"


@dataclass(frozen=True, slots=True)
class Site:
    """What a web server needs: `folder` is on the disk that everything is written to."""

    folder: Path
    cluster: Cluster
    environ: Mapping[str, str]

    @property
    def database_url(self) -> str:
        """Return the city's database, for psycopg."""
        return self.environ["DATABASE_URL"]


@contextmanager
def site() -> Iterator[Site]:
    """Make a demo city whose database waits for the disk at every commit."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        cluster, valkey = Cluster(folder / "postgres"), Valkey(folder / "valkey")
        cluster.start()
        valkey.start()
        try:
            cluster.create_database("city")
            url = cluster.url("city")
            environ = environment(folder, url, valkey.url, "smtp://127.0.0.1:9")
            environ["LOG_LEVEL"] = "WARNING"
            load_city(environ)
            yield Site(folder, cluster, environ)
        finally:
            valkey.discard()
            cluster.discard()


@contextmanager
def serving(command: str, target: str, site: Site) -> Iterator[int]:
    """Run a web server with as many processes for every peer; yield its port."""
    port = free_port()
    place = f"--bind 127.0.0.1:{port}" if command.startswith("gunicorn") else f"--port {port}"
    words = [*command.split(), *place.split(), "--workers", str(PROCESSES), target]
    log = site.folder / f"{port}.log"
    environ = {**site.environ, "BENCH_FOLDER": str(site.folder)}
    child = Child(words[0], [sys.executable, "-m", *words], log, cwd=ROOT, environ=environ)
    child.start()
    try:
        eventually(lambda: _answers(port))
        yield port
    finally:
        child.stop(15)


def requests_per_s(
    port: int, seconds: float, clients: int, next_request: Callable[[], bytes], status: int
) -> float:
    """Return how many requests were answered in a second with the status, by kept connections.

    `next_request` makes each request; it is called by all clients' threads.
    """
    until = time.perf_counter() + seconds

    def ask(_client: int) -> int:
        count = 0
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            while time.perf_counter() < until:
                connection.sendall(next_request())
                found = _status(connection)
                assert found == status, f"answered {found}"
                count += 1
        return count

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        answered = sum(threads.map(ask, range(clients)))
    return answered / (time.perf_counter() - began)


def request(method: str, path: str, body: bytes, headers: Sequence[str] = ()) -> bytes:
    """Return a whole request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: city.example", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _status(connection: socket.socket) -> int:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (some := connection.recv(65_536)):
            raise ConnectionError("the server went away")
        received += some
    head, _, body = received.partition(b"\r\n\r\n")
    _, _, after = head.lower().partition(b"content-length:")
    missing = int(after.split(maxsplit=1)[0]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(65_536))
    return int(head[9:12])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request("GET", "/healthz", b""))
            return _status(connection) == 200
    except OSError:
        return False
