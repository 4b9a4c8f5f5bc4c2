"""Photos out of a bucket: through the application, or by a redirect to a signed address.

A client fetches the same derivatives through two web servers over one bucket, in turns, and gets
the same bytes both ways. The bucket is moto's server on the same machine: it answers more slowly
than a real one, and the way to it is shorter. It costs both sides the same one request.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from api.app import create_app
from api.services import Services
from bench.tools.verdict import Ratio, conclude
from city.file_format import read_city_file
from city.loading import Loading
from infra.clock import now
from infra.embedded.cluster import Cluster
from infra.embedded.process import Child
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.api.help import render_photos
from tests.bucket import BucketServer
from tests.commands import alembic
from tests.conftest import DEMO
from tests.resident import BASE, Resident
from tests.stack import ROOT, environment, free_port

PHOTO = ROOT / "docs" / "pothole.jpg"
PHOTOS = 5
ROUNDS = 7
FETCHES = 240
CLIENTS = 4
SIZES = ("320", "800", "1600")
PATIENCE_S = 60
# The redirect keeps neither addresses nor caches, nor takes back what was hidden, so it would have
# to be better by more than this.
LITTLE = 1.25
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Side:
    """One web server, and what was measured of it, one figure for each round."""

    name: str
    port: int
    child: Child
    latency_ms: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def cpu_s(self) -> float:
        """Return the processor time that the server and its processes have used."""
        assert self.child.pid is not None
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text()
        pids = [self.child.pid, *map(int, children.split())]
        fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
        return sum(int(parts[11]) + int(parts[12]) for parts in fields) / _TICKS_PER_S


class Client:
    """A browser without a cache: one open connection to each server, redirects followed."""

    def __init__(self) -> None:
        self._open: dict[str, HTTPConnection] = {}

    def fetch(self, url: str) -> bytes:
        """Return the bytes that are found there in the end."""
        parts = urlsplit(url)
        connection = self._open.setdefault(parts.netloc, HTTPConnection(parts.netloc))
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 302:
            return self.fetch(answer.headers["Location"])
        assert answer.status == 200, (answer.status, body)
        return body

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()


def main() -> int:
    """Measure and judge."""
    with TemporaryDirectory() as name, ExitStack() as parts:
        environ, paths = parts.enter_context(_city(Path(name)))
        ours = parts.enter_context(_serving("stream", "wsgi:app", Path(name), environ))
        peer = parts.enter_context(
            _serving("redirect", "bench.tools.redirecting:app", Path(name), environ)
        )
        for path in paths:
            assert _fetch(ours, [path]) == _fetch(peer, [path]), path
        for _ in range(ROUNDS):
            for side in (ours, peer):
                _measure(side, paths)
    for side in (ours, peer):
        print(
            f"{side.name}: {median(side.latency_ms):.2f} ms alone,"
            f" {median(side.rate):.0f} requests/s with {CLIENTS} clients,"
            f" {median(side.cpu_ms):.2f} ms of the web server's processors for each"
        )
    way = "a redirect to a signed address"
    return conclude(
        [
            Ratio("latency alone", way, "ms", ours.latency_ms, peer.latency_ms, LITTLE),
            Ratio("throughput", way, "requests/s", ours.rate, peer.rate, 1 / LITTLE, at_least=True),
            Ratio("processor time", way, "ms/request", ours.cpu_ms, peer.cpu_ms, 1.5),
        ]
    )


def _measure(side: Side, paths: list[str]) -> None:
    client = Client()
    times = []
    for path in paths:
        began = time.perf_counter()
        client.fetch(f"http://127.0.0.1:{side.port}{path}")
        times.append(time.perf_counter() - began)
    client.close()
    side.latency_ms.append(median(times) * 1000)

    asked = [paths[number % len(paths)] for number in range(FETCHES)]
    before, began = side.cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda part: _fetch(side, part), [asked[n::CLIENTS] for n in range(CLIENTS)]))
    side.rate.append(FETCHES / (time.perf_counter() - began))
    side.cpu_ms.append((side.cpu_s() - before) / FETCHES * 1000)


def _fetch(side: Side, paths: list[str]) -> list[bytes]:
    client = Client()
    bodies = [client.fetch(f"http://127.0.0.1:{side.port}{path}") for path in paths]
    client.close()
    return bodies


@contextmanager
def _city(folder: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield the variables of a city whose photos are in a bucket, and their derivatives' paths."""
    cluster, valkey = Cluster(folder / "cluster", durable=False), Valkey(folder / "valkey")
    bucket = BucketServer(folder)
    for part in (cluster, valkey, bucket):
        part.start()
    try:
        # A signed address is nothing that moto could check together with a key's rights.
        bucket.trust_everybody()
        cluster.create_database("city")
        environ = environment(folder, cluster.url("city"), valkey.url, "smtp://127.0.0.1:9")
        environ |= bucket.environ | {"LOG_LEVEL": "WARNING"}
        os.environ |= environ
        alembic(environ, "upgrade", "head")
        yield environ, _photographs(environ)
    finally:
        bucket.stop()
        valkey.discard()
        cluster.discard()


def _photographs(environ: dict[str, str]) -> list[str]:
    app = create_app(Settings.from_env(environ))
    parts: Services = app.extensions["vigie"]
    with parts.sessions.begin() as session:
        Loading(session, read_city_file(DEMO), now()).run()
    resident = Resident(app.test_client())
    view = resident.report()
    ids = []
    for _ in range(PHOTOS):
        answer = resident.put_photo(view, PHOTO.read_bytes()).json
        assert isinstance(answer, dict)
        ids.append(answer["id"])
    render_photos(app, view["reference"])
    parts.engine.dispose()
    return [f"{BASE}/photos/{id_}/{size}.jpg" for id_ in ids for size in SIZES]


@contextmanager
def _serving(name: str, target: str, folder: Path, environ: dict[str, str]) -> Iterator[Side]:
    port = free_port()
    options = (
        f"granian --interface wsgi --http 1 --no-ws --host 127.0.0.1 --port {port}"
        f" --workers 1 --blocking-threads 8 --backpressure 256 {target}"
    )
    command = [sys.executable, "-m", *options.split()]
    child = Child(name, command, folder / f"{name}.log", cwd=ROOT, environ=environ)
    child.start()
    try:
        child.wait_until(lambda: _is_alive(port), PATIENCE_S)
        yield Side(name, port, child)
    finally:
        child.stop(PATIENCE_S)


def _is_alive(port: int) -> bool:
    client = Client()
    try:
        return bool(client.fetch(f"http://127.0.0.1:{port}/healthz"))
    except OSError:
        return False
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(main())
