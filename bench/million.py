"""Lists over a million reports: pages at any depth, boxes of any size, and the inbox's counts.

Every figure is a whole request. What each box holds is checked against the rows themselves.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import psycopg
from flask.testing import FlaskClient

from api.cursors import encode
from bench.tools.database import AREA, OPEN_EVERY, Town, fill, town
from bench.tools.verdict import Ratio, conclude
from reports.filters import Mark
from reports.inbox.tallies import MOST_COUNTED
from tests.resident import BASE, body_of, log_in

REPORTS = 1_000_000
DEPTH = 900_000
LIMIT = 100
ROUNDS = 15
WARM_UP = 3
DEEP_AT_MOST = 1.5
HALF_AT_MOST = 3.0
COUNTED_AT_MOST = 3.0

# Their widths and heights as shares of the city's; "nowhere" lies beside it.
_HUNDREDTH = (0.1, 0.1)
_BOXES = {"half the city": (0.5, 1.0), "all of it": (1.0, 1.0), "a ten-thousandth": (0.01, 0.01)}
_NOWHERE = f"bbox={AREA.east + 1},{AREA.south},{AREA.east + 2},{AREA.north}"

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two lists of which one must not cost much more than the other."""

    name: str
    peer: str
    path: str
    peers_path: str
    bound: float
    headers: Headers


def main() -> int:
    """Ask for each pair of lists in turn and compare how long they take."""
    with town() as one:
        fill(one, REPORTS)
        client = one.app.test_client()
        staff = log_in(client)
        _check_boxes(one, client)
        _check_counts(client, staff)
        ratios = [_race(client, pair) for pair in _pairs(one, staff)]
    return conclude(ratios)


def _pairs(one: Town, staff: Headers) -> list[Pair]:
    public, inbox = f"/reports?limit={LIMIT}", f"/tickets?limit={LIMIT}"
    first = "its first page"
    hundredth = f"{public}&{_box(*_HUNDREDTH)}"
    boxes = {name: _box(*share) for name, share in _BOXES.items()} | {"nowhere": _NOWHERE}
    return [
        Pair(
            f"public list at depth {DEPTH:,}",
            first,
            _deep(one, public),
            public,
            DEEP_AT_MOST,
            {},
        ),
        Pair(f"inbox at depth {DEPTH:,}", first, _deep(one, inbox), inbox, DEEP_AT_MOST, staff),
        *(
            Pair(
                f"newest {LIMIT} in {name}",
                "a hundredth",
                f"{public}&{box}",
                hundredth,
                HALF_AT_MOST,
                {},
            )
            for name, box in boxes.items()
        ),
        Pair(
            f"inbox with counts of {REPORTS:,} tickets",
            "the public list",
            inbox,
            public,
            COUNTED_AT_MOST,
            staff,
        ),
    ]


def _race(client: FlaskClient, pair: Pair) -> Ratio:
    ours: list[float] = []
    peers: list[float] = []
    for number in range(WARM_UP + ROUNDS):
        for path, times in ((pair.path, ours), (pair.peers_path, peers)):
            began = time.perf_counter()
            answer = client.get(BASE + path, headers=pair.headers)
            taken = time.perf_counter() - began
            if answer.status_code != 200:
                raise RuntimeError(f"{path} answered {answer.status_code}")
            if number >= WARM_UP:
                times.append(taken * 1e3)
    return Ratio(pair.name, pair.peer, "ms", ours, peers, pair.bound)


def _box(width: float, height: float) -> str:
    east = AREA.west + width * (AREA.east - AREA.west)
    north = AREA.south + height * (AREA.north - AREA.south)
    return f"bbox={AREA.west},{AREA.south},{east},{north}"


def _deep(one: Town, path: str) -> str:
    """Return the path of the list's page that begins at DEPTH."""
    row_id = REPORTS - DEPTH
    with psycopg.connect(one.libpq_url) as connection:
        query = "SELECT created_at FROM reports WHERE id = %s"
        row = connection.execute(query, (row_id,)).fetchone()
    if row is None:
        raise RuntimeError("the rows are not there")
    with one.app.test_request_context(BASE + path):
        return f"{path}&cursor={encode(Mark(row[0], row_id))}"


def _check_boxes(one: Town, client: FlaskClient) -> None:
    """Hold the newest of each box against all rows of the box, sorted."""
    with psycopg.connect(one.libpq_url) as connection:
        for share in (_HUNDREDTH, *_BOXES.values()):
            box = _box(*share)
            west, south, east, north = map(float, box.removeprefix("bbox=").split(","))
            expected = connection.execute(
                """
                SELECT r.reference FROM reports r JOIN categories c ON c.id = r.category_id
                WHERE c.public AND ST_X(r.location) BETWEEN %s AND %s
                    AND ST_Y(r.location) BETWEEN %s AND %s
                ORDER BY r.created_at DESC, r.id DESC LIMIT %s
                """,
                (west, east, south, north, LIMIT),
            ).fetchall()
            page = body_of(client.get(f"{BASE}/reports?limit={LIMIT}&{box}"))
            if [item["reference"] for item in page["items"]] != [row[0] for row in expected]:
                raise RuntimeError(f"{box} does not hold the newest of its rows")


def _check_counts(client: FlaskClient, staff: Headers) -> None:
    counts = body_of(client.get(f"{BASE}/tickets?limit=1", headers=staff))["counts"]
    counted = sum(n for status, n in counts.items() if status not in {"resolved", "declined"})
    if counted != REPORTS // OPEN_EVERY:
        raise RuntimeError("the open tickets are not all counted")
    if counts["resolved"] != MOST_COUNTED:
        raise RuntimeError("more tickets were counted than the inbox promises")


if __name__ == "__main__":
    sys.exit(main())
