"""Every question to the inbox at a million tickets, against the same at a hundred thousand.

Every figure is a whole request, with its page, its lines and its counts. Each statement of each
question is also explained while it runs: none may read a table of tickets, of their words or of
their reports from end to end, nor more than a tenth of it by whatever way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from flask.testing import FlaskClient

from api.cursors import encode
from bench.tools.database import Town, town
from bench.tools.desk import fill_desk
from bench.tools.verdict import Ratio, conclude
from reports.filters import Mark
from tests.api.help import LEAD_OF_ROADS, MEMBER_OF_ROADS
from tests.api.inbox_questions import LARGE, OF_ALL, OF_TEAMS, nodes_of
from tests.resident import BASE, body_of, log_in
from tests.statements import asked_of

FEW, MANY = 100_000, 1_000_000
AT_MOST = 2.0
ROUNDS = 11
WARM_UP = 3
MOST_READ = 0.1
Headers = dict[str, str]
Question = tuple[str, str]


def main() -> int:
    """Ask both cities in turn and compare how long they take."""
    with town() as small, town() as large:
        fill_desk(small, FEW)
        fill_desk(large, MANY)
        questions = [
            *(("dispatcher", query) for query in OF_ALL),
            *(("member of two teams", query) for query in OF_TEAMS),
            *(("lead of a team", query) for query in OF_TEAMS),
        ]
        cities = [_City(small, FEW), _City(large, MANY)]
        read = [complaint for question in questions for complaint in cities[1].explain(question)]
        for complaint in read:
            print(complaint)
        ratios = [_race(question, *cities) for question in questions]
        ratios.append(_race(("dispatcher", ""), *cities, deep=True))
    return conclude(ratios) or (1 if read else 0)


class _City:
    """A city whose inbox is asked, by people of different reach."""

    def __init__(self, one: Town, count: int) -> None:
        self._one, self._count = one, count
        self._client: FlaskClient = one.app.test_client()
        self._people = {
            "dispatcher": log_in(self._client),
            "member of two teams": log_in(self._client, MEMBER_OF_ROADS),
            "lead of a team": log_in(self._client, LEAD_OF_ROADS),
        }

    def ask(self, question: Question, *, deep: bool = False) -> float:
        """Return how many milliseconds the answer took; `deep` asks for what comes far behind."""
        who, query = question
        path = f"{BASE}/tickets?{query}"
        if deep:
            path = f"{path}&cursor={self._deep()}"
        began = time.perf_counter()
        answer = self._client.get(path, headers=self._people[who])
        taken = time.perf_counter() - began
        if answer.status_code != 200 or "open" not in body_of(answer):
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return taken * 1e3

    def explain(self, question: Question) -> Iterator[str]:
        """Yield a complaint for each statement that reads too much of a large table."""
        with asked_of(self._one.parts.engine) as asked:
            self.ask(question)
        with psycopg.connect(self._one.libpq_url) as connection:
            for statement in asked:
                for node in nodes_of(connection, statement, "ANALYZE, TIMING OFF, "):
                    rows = _rows_read(node)
                    if node.get("Relation Name") in LARGE and (
                        node["Node Type"] == "Seq Scan" or rows > MOST_READ * self._count
                    ):
                        yield (
                            f"WRONG: {question} reads {rows:,.0f} rows of"
                            f" {node['Relation Name']} by {node['Node Type']}"
                        )

    def _deep(self) -> str:
        row_id = self._count // 10
        with psycopg.connect(self._one.libpq_url) as connection:
            found = connection.execute("SELECT created_at FROM tickets WHERE id = %s", (row_id,))
            row = found.fetchone()
        assert row is not None
        # A cursor belongs to its list, and is made in the name of a request for it.
        with self._one.app.test_request_context(f"{BASE}/tickets"):
            return encode(Mark(row[0], row_id))


def _race(question: Question, small: _City, large: _City, *, deep: bool = False) -> Ratio:
    ours: list[float] = []
    peers: list[float] = []
    for number in range(WARM_UP + ROUNDS):
        for city, times in ((large, ours), (small, peers)):
            taken = city.ask(question, deep=deep)
            if number >= WARM_UP:
                times.append(taken)
    who, query = question
    name = f"{who}: {query or ('far behind' if deep else 'everything')}"
    return Ratio(name, f"at {FEW:,}", "ms", ours, peers, AT_MOST)


def _rows_read(node: dict[str, Any]) -> float:
    removed = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    rows: float = (node.get("Actual Rows", 0) + removed) * node.get("Actual Loops", 0)
    return rows


if __name__ == "__main__":
    sys.exit(main())
