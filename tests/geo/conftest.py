"""Jurisdictions beside the demo city, loaded into a transaction that is never committed."""

from __future__ import annotations

from math import cos, pi, sin
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.city.towns import Drawing, document, load, polygon, rectangle, several, write

BIG_VERTICES = 12_000

# Written as they come from different hands: beyond 180, wrapped, and cut already.
ISLANDS: dict[str, Drawing] = {
    "a-west": polygon(rectangle(179.6, -17.1, 179.8, -16.9)),
    "b-across": polygon(rectangle(179.8, -17.1, 180.2, -16.9)),
    "c-east": polygon(rectangle(-179.8, -17.1, -179.6, -16.9)),
    "d-cut": several(
        polygon(rectangle(179.8, -16.9, 180, -16.7)),
        polygon(rectangle(-180, -16.9, -179.8, -16.7)),
    ),
    "e-to-the-line": polygon(rectangle(179.8, -16.7, 180, -16.5)),
    "f-from-the-line": polygon(rectangle(-180, -16.7, -179.8, -16.5)),
}
ISLANDS_BOUNDARY = polygon(
    [(179.6, -17.1), (-179.6, -17.1), (-179.6, -16.5), (179.6, -16.5), (179.6, -17.1)]
)


@pytest.fixture
def islands(session: Session, tmp_path: Path) -> Session:
    """Return a session that sees a jurisdiction across the antimeridian."""
    says = document("islands", rules=[{"team": "crew", "district": "b-across"}])
    load(session, write(tmp_path / "i", says, boundary=ISLANDS_BOUNDARY, districts=ISLANDS))
    return session


def jagged(vertices: int) -> Drawing:
    """Return a round district with a border of many teeth, around (30, -20)."""
    ring = []
    for number in range(vertices):
        angle = 2 * pi * number / vertices
        radius = 0.1 + (0.0005 if number % 2 else 0)
        ring.append((30 + radius * cos(angle), -20 + radius * sin(angle)))
    return polygon([*ring, ring[0]])


@pytest.fixture
def big(session: Session, tmp_path: Path) -> Session:
    """Return a session that sees a jurisdiction with a district of many vertices."""
    says = document("big", rules=[])
    districts = {"disc": jagged(BIG_VERTICES), "far": polygon(rectangle(30.2, -20.1, 30.3, -20))}
    outline = polygon(rectangle(29.8, -20.2, 30.4, -19.8))
    load(session, write(tmp_path / "b", says, boundary=outline, districts=districts))
    session.execute(text("ANALYZE district_pieces, district_edges, district_shapes, layers"))
    return session
