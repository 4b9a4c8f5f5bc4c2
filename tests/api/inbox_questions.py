"""Everything that an inbox is asked, how each question is explained, and what no plan may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from tests.api.help import MEMBER_OF_ROADS
from tests.statements import Statement

LARGE = {"tickets", "ticket_words", "reports", "memberships", "messages", "events"}
"""The tables that grow with the years."""

WEST, SOUTH, NORTH = 2.21, 48.79, 48.83

RARE = "licorne"
"""A word of one ticket in 50,000."""

UNUSUAL = "trottinette"
"""A word of one ticket in 500."""

COMMON = "lampadaire"
"""A word of one ticket in seven."""

_SMALL_BOX = f"bbox={WEST},{SOUTH},{WEST + 0.002},{SOUTH + 0.002}"
_HALF = f"bbox={WEST},{SOUTH},{WEST + 0.03},{NORTH}"

OF_ALL = (
    "",
    "limit=100",
    "sort=oldest",
    "sort=deadline",
    "sort=priority",
    "sort=reports",
    "status=received",
    "status=resolved",
    "status=received,reopened&sort=deadline",
    "team=voirie",
    "team=voirie,reseaux&status=waiting",
    "category=nid-de-poule",
    "category=personne-en-difficulte",
    "district=bellevue",
    "district=les-docks&category=banc",
    "priority=urgent",
    "priority=normal",
    f"assignee={MEMBER_OF_ROADS}",
    "late=true",
    "late=false",
    "unrouted=true",
    "uncertain=true",
    "undelivered=true",
    "flagged=true",
    "flagged=false",
    "close_reason=repare",
    "kind=idea",
    _SMALL_BOX,
    _HALF,
    f"q={RARE}",
    f"q={UNUSUAL}",
    f"q={COMMON}",
    f"q={COMMON}&status=received",
    f"q={COMMON}&sort=reports",
    "q=nacelle",
    f"q={COMMON}+nacelle",
    f"q={UNUSUAL}&category=nid-de-poule&late=false",
    "q=nobodysaysthis",
    "q=7KM-3QX-9PA",
)
OF_TEAMS = ("", "sort=deadline", "status=resolved", "late=true", f"q={COMMON}", f"q={UNUSUAL}")


def nodes_of(
    connection: psycopg.Connection, statement: Statement, options: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a question's plan; of what is none, none."""
    if not statement.is_question:
        return
    explain = f"EXPLAIN ({options}FORMAT JSON) {statement}"
    found = connection.execute(explain.encode(), statement.values).fetchone()
    assert found is not None
    yield from _nodes(found[0][0]["Plan"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
