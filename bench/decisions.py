"""One decision on the way of a request, among few large districts and among many small ones.

It is the very call that a report makes: one question to the database about the spot, the rules and
all that is set up there, and the choice. The one map has 400 districts of 12,000 corners, the
other 35,000 of 60, over the same country; both are asked in turns for the same spots, a tenth of
which lie so near to a border that the whole shape has to be asked.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from random import Random

from shapely import get_coordinates
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.tools.database import town
from bench.tools.grid import COUNTRY, Grid, found_grid_city
from bench.tools.verdict import Ratio, conclude
from city import setup
from geo import layers
from geo.conditions import Said
from geo.coordinates import Position
from geo.models import Layer, LayerVersion
from infra.clock import now
from reports import decisions, placing
from reports.models import Report, Ticket

MANY = replace(COUNTRY, corners=15)
FEW = replace(COUNTRY, wide=0.05, high=0.04375, columns=20, rows=20, corners=3_000)
ROUNDS = 10
SPOTS = 100
ON_BORDERS = 10
WITHIN = 2.0


def main() -> int:
    """Publish either map in turns and take the time of single decisions."""
    with town() as one, one.parts.sessions() as session:
        layer = session.get_one(Layer, found_grid_city(session))
        session.execute(text("SET LOCAL statement_timeout = 0"))
        kept = [_keep(session, layer, grid) for grid in (FEW, MANY)]
        session.commit()
        session.execute(text("ANALYZE"))
        session.commit()
        spots = [_choose(grid) for grid in (FEW, MANY)]
        times: list[list[float]] = [[], []]
        for number in range(ROUNDS + 1):
            for version, chosen, taken in zip(kept, spots, times, strict=True):
                layers.publish_version(session, layer, version, now())
                session.commit()
                found = [_decide(session, spot) for spot in chosen]
                if number:
                    taken.extend(found)
    many, few = times[1], times[0]
    return conclude(
        [
            Ratio("a decision, 400 of 12,000 corners", "35,000 of 60", "ms", few, many, WITHIN),
            Ratio("a decision, 35,000 of 60 corners", "400 of 12,000", "ms", many, few, WITHIN),
        ]
    )


def _keep(session: Session, layer: Layer, grid: Grid) -> LayerVersion:
    began = time.perf_counter()
    version = layers.add_version(session, layer, list(grid.draw()), "en", now())
    count, corners = grid.columns * grid.rows, 4 * grid.corners
    print(f"{count:,} districts of {corners:,} corners kept in {time.perf_counter() - began:.0f} s")
    return version


def _choose(grid: Grid) -> list[Position]:
    """Return spots all over the country, some of them corners of the map."""
    luck = Random(3)
    corners = get_coordinates([feature.shape for feature in luck.sample(list(grid.draw()), 20)])
    on_borders = luck.sample(corners.tolist(), ON_BORDERS)
    anywhere = [
        (
            COUNTRY.west + luck.uniform(1, COUNTRY.columns - 1) * COUNTRY.wide,
            COUNTRY.south + luck.uniform(1, COUNTRY.rows - 1) * COUNTRY.high,
        )
        for _ in range(SPOTS - ON_BORDERS)
    ]
    return [Position(latitude=y, longitude=x) for x, y in [*on_borders, *anywhere]]


def _decide(session: Session, spot: Position) -> float:
    began = time.perf_counter()
    surveyed = setup.survey(session, "hole", spot, reserve=(Report, Ticket))
    assert surveyed.setup is not None
    placed = placing.weigh(session, surveyed.place, 8.0)
    routed = decisions.route(surveyed.setup, placed, Said(now(), "problem", {}))
    taken = 1_000 * (time.perf_counter() - began)
    assert routed.choice.district_id is not None
    return taken


if __name__ == "__main__":
    sys.exit(main())
