"""One request for a thousand tickets, against one for a hundred: each ticket must cost the same.

Half of the rounds change a field, the other half a status. Every ticket is changed, and told of,
by itself; that each of them was is counted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient

from bench.tools.database import town
from bench.tools.verdict import Ratio, conclude
from tests.resident import BASE, Resident, body_of, log_in, read_ticket

FEW, MANY = 100, 1_000
AT_MOST = 12.0
_PRIORITIES = [{"change": {"priority": level}} for level in ("high", "low", "high", "low", "high")]
_STATUSES = [
    {"transition": {"to": status, "reason": "Tournée"}}
    for status in ("accepted", "in_progress", "waiting", "in_progress", "waiting")
]


def main() -> int:
    """Change few and many tickets in turn, and compare how long it takes."""
    with town() as one:
        client = one.app.test_client()
        staff = log_in(client)
        few, many = (_Tickets(client, staff, count) for count in (FEW, MANY))
        ratios = [_race(few, many, steps) for steps in (_PRIORITIES, _STATUSES)]
    return conclude(ratios)


class _Tickets:
    """Some tickets, as the last answer about them left them."""

    def __init__(self, client: FlaskClient, staff: dict[str, str], count: int) -> None:
        self._client, self._staff = client, staff
        resident = Resident(client)
        references = [resident.report()["ticket"] for _ in range(count)]
        self._items = [
            {"reference": reference, "etag": read_ticket(client, reference, staff)[1]}
            for reference in references
        ]

    def do(self, what: dict[str, Any]) -> float:
        """Do it to all of them; return how many milliseconds it took."""
        began = time.perf_counter()
        answer = self._client.post(
            f"{BASE}/tickets/bulk", json={"items": self._items, **what}, headers=self._staff
        )
        taken = time.perf_counter() - began
        outcomes = body_of(answer)["items"]
        if any(outcome["status"] != 200 for outcome in outcomes):
            raise RuntimeError("some tickets were not changed")
        self._items = [{"reference": one["reference"], "etag": one["etag"]} for one in outcomes]
        return taken * 1e3


def _race(few: _Tickets, many: _Tickets, steps: Sequence[dict[str, Any]]) -> Ratio:
    """Take all steps in turn; the first fills caches and does not count."""
    times = [(many.do(step), few.do(step)) for step in steps][1:]
    ours, peers = zip(*times, strict=True)
    name = f"{next(iter(steps[0]))} of {MANY:,} tickets at once"
    return Ratio(name, f"{FEW} tickets", "ms", ours, peers, AT_MOST)


if __name__ == "__main__":
    sys.exit(main())
