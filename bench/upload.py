"""Photos of 3 MB by PUT through the real web server, against no more than writing them down.

The peer is a bare WSGI application on the same server behind the same gate, which writes the body
to the same disk and waits until it is there. Ours also knows whose report it is, proves that it is
a photo, and commits its row.
"""

from __future__ import annotations

import io
import json
import sys
from collections import deque
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

from PIL import Image

from bench.tools.servers import GATED, Site, request, requests_per_s, serving, site
from bench.tools.verdict import Ratio, conclude
from tests.resident import BASE, bearer, problem_at

ROUNDS = 5
ROUND_S = 4.0
CLIENTS = 4
BOUND = 0.6
SIZE = 3_000_000
PER_REPORT = 5
REPORTS = 400


def photo() -> bytes:
    """Return a JPEG of 12 megapixels and 3 MB."""
    grain = Image.effect_noise((1000, 750), 40).resize((4000, 3000)).convert("RGB")
    file = io.BytesIO()
    grain.save(file, "JPEG", quality=80)
    # The rest of the size stands in a comment, as phones have theirs in notes of the maker.
    data = file.getvalue()
    assert len(data) < SIZE, len(data)
    missing = SIZE - len(data)
    comments = b""
    while missing > 4:
        length = min(missing - 2, 65_535)
        comments += b"\xff\xfe" + length.to_bytes(2, "big") + bytes(length - 2)
        missing -= length + 2
    return data[:2] + comments + data[2:]


def targets(port: int) -> deque[tuple[str, list[str]]]:
    """Make reports, and return path and headers for each photo that they take."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    found: deque[tuple[str, list[str]]] = deque()
    for _ in range(REPORTS):
        body = json.dumps(problem_at())
        connection.request("POST", f"{BASE}/reports", body, {"Content-Type": "application/json"})
        view = json.load(connection.getresponse())
        token = bearer(view["tracking_token"])["Authorization"]
        headers = [f"Authorization: {token}", "Content-Type: image/jpeg"]
        path = f"{BASE}/reports/{view['reference']}/photos"
        found += [(f"{path}/{uuid4()}", headers) for _ in range(PER_REPORT)]
    connection.close()
    return found


def demand_same(folder: Path, data: bytes, count: int) -> None:
    """Fail unless as many files as were acknowledged hold exactly the photo, then remove them."""
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert len(kept) == count, (len(kept), count)
    for path in kept:
        assert path.read_bytes()[: len(data)] == data
        path.unlink()


def measure(city: Site, ours_port: int, bare_port: int) -> tuple[list[float], list[float]]:
    """Return both sides' samples, taken in turn."""
    data = photo()
    free = targets(ours_port)
    ours, bare, sent = [], [], [0, 0]

    def to_ours() -> bytes:
        path, headers = free.popleft()
        sent[0] += 1
        # Each is another photo: the same one would be known, and not be written again.
        return request("PUT", path, data + uuid4().bytes, headers)

    def to_bare() -> bytes:
        sent[1] += 1
        return request("PUT", "/", data + uuid4().bytes)

    for _ in range(ROUNDS):
        ours.append(requests_per_s(ours_port, ROUND_S, CLIENTS, to_ours, 201))
        bare.append(requests_per_s(bare_port, ROUND_S, CLIENTS, to_bare, 200))
        demand_same(city.folder / "storage" / "originals", data, sent[0])
        demand_same(city.folder / "bare", data, sent[1])
        sent[:] = [0, 0]
    return ours, bare


def main() -> int:
    """Run both sides, and conclude."""
    with (
        site() as city,
        serving(GATED, "asgi:app", city) as ours_port,
        serving(GATED, "bench.tools.bare:app", city) as bare_port,
    ):
        ours, bare = measure(city, ours_port, bare_port)
    return conclude(
        [Ratio("photos of 3 MB", "a bare WSGI app", "/s", ours, bare, BOUND, at_least=True)]
    )


if __name__ == "__main__":
    sys.exit(main())
