"""Where a spot lies among 35,000 districts: the request's own statement against bare psycopg.

The peer asks the whole, undivided shapes for the same columns, by one prepared statement and no
SQLAlchemy. Beforehand both are asked for 100,000 spots, corners and edges included, and must agree.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from random import Random

import psycopg
from shapely import get_coordinates
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.tools.database import town
from bench.tools.grid import COUNTRY, found_grid_city
from bench.tools.verdict import Ratio, conclude
from geo import districts, layers
from geo.coordinates import Position
from geo.features import Feature
from geo.models import Layer
from tests.city.towns import NOW
from tests.statements import asked_of

SPOTS = 100_000
LOOKUPS = 400
WARM_UP = 20
AT_MOST = 4.0

_PEER = """
    SELECT l.jurisdiction_id, l.role, d.id AS district_id, d.code, d.names, true AS exact,
        CASE WHEN l.role = 'service' THEN ST_Distance(
            ST_Boundary(s.shape)::geography,
            ST_SetSRID(ST_MakePoint(%(longitude)s, %(latitude)s), 4326)::geography
        ) END AS border_distance_m
    FROM district_shapes s
    JOIN layers l ON l.published_version_id = s.layer_version_id AND l.retired_at IS NULL
    JOIN districts d ON d.id = s.district_id
    JOIN jurisdictions j ON j.id = l.jurisdiction_id AND j.retired_at IS NULL
    WHERE ST_Covers(s.shape, ST_SetSRID(ST_MakePoint(%(longitude)s, %(latitude)s), 4326))
    ORDER BY j.code, l.role, d.code
"""


# A request gets one document with the hits in it, each a list of what `Hit` holds.
_AS_ROWS = """
    SELECT (hit ->> 2)::bigint AS district_id, (hit ->> 5)::boolean AS exact
    FROM ({}) AS asked (hits), json_array_elements(hits) AS hit
"""


def main() -> int:
    """Publish the districts, compare the answers, then the times."""
    with town() as one, one.parts.sessions() as session:
        features = list(COUNTRY.draw())
        began = time.perf_counter()
        _publish(session, features)
        with psycopg.connect(one.libpq_url, autocommit=True) as connection:
            # Ours has no use for it; the peer would read every shape without it.
            connection.execute("CREATE INDEX ON district_shapes USING gist (shape)")
            connection.execute("VACUUM (ANALYZE)")
            print(f"{len(features):,} districts published in {time.perf_counter() - began:.0f} s")
            spots = _choose(features)
            statement = _statement(session, spots[0])
            if not _agree(connection, statement, spots):
                return 1
            ratios = _race(session, connection, statement, spots)
    return conclude(ratios)


def _publish(session: Session, features: list[Feature]) -> None:
    layer = session.get_one(Layer, found_grid_city(session))
    session.execute(text("SET LOCAL statement_timeout = 0"))
    layers.publish(session, layer, features, "en", NOW)
    session.commit()


def _choose(features: list[Feature]) -> list[Position]:
    """Return spots of which a third are corners, a third lie on edges, the others anywhere."""
    random = Random(7)
    spots = []
    for number in range(SPOTS):
        ring = get_coordinates(random.choice(features).shape).tolist()
        place = random.randrange(len(ring) - 1)
        (x, y), (next_x, next_y) = ring[place], ring[place + 1]
        if number % 3 == 1:
            share = random.random()
            x, y = x + share * (next_x - x), y + share * (next_y - y)
        elif number % 3 == 2:
            x = COUNTRY.west + random.uniform(-1, COUNTRY.columns + 1) * COUNTRY.wide
            y = COUNTRY.south + random.uniform(-1, COUNTRY.rows + 1) * COUNTRY.high
        spots.append(Position(latitude=y, longitude=x))
    return spots


def _statement(session: Session, spot: Position) -> str:
    """Return the very statement by which a request looks a spot up, as psycopg gets it."""
    with asked_of(session.connection()) as asked:
        districts.locate(session, spot)
    return asked[0]


def _agree(connection: psycopg.Connection, statement: str, spots: list[Position]) -> bool:
    """Ask both for all spots at once; only those that a shape covers count, as for a request."""
    began = time.perf_counter()
    connection.execute(
        "CREATE TEMPORARY TABLE spots (id int, latitude float8, longitude float8, again float8)"
    )
    with connection.cursor().copy("COPY spots (id, latitude, longitude) FROM STDIN") as copy:
        for number, spot in enumerate(spots):
            copy.write_row((number, spot.latitude, spot.longitude))
    answers = [
        connection.execute(
            f"""
            SELECT spots.id, array_agg(hit.district_id ORDER BY hit.district_id)
            FROM spots CROSS JOIN LATERAL ({_over_spots(asked)}) AS hit
            WHERE hit.exact GROUP BY spots.id
            """
        ).fetchall()
        for asked in (_AS_ROWS.format(statement), _PEER)
    ]
    ours, peers = ({row[0]: row[1] for row in rows} for rows in answers)
    differing = len([n for n in range(len(spots)) if ours.get(n) != peers.get(n)])
    several = sum(len(ids) > 2 for ids in peers.values())
    print(
        f"{len(spots):,} spots, {several:,} of them in several districts: {differing} answers"
        f" differ from the whole shapes' ({time.perf_counter() - began:.0f} s)"
    )
    return differing == 0


def _over_spots(statement: str) -> str:
    names = {"longitude_again": "again", "latitude": "latitude", "longitude": "longitude"}
    for name, column in names.items():
        statement = statement.replace(f"%({name})s", f"spots.{column}")
    return statement


def _race(
    session: Session, connection: psycopg.Connection, statement: str, spots: list[Position]
) -> list[Ratio]:
    random = Random(8)
    chosen = random.sample(spots, LOOKUPS + WARM_UP)

    def ours(spot: Position) -> object:
        return districts.locate(session, spot)

    def whole(spot: Position) -> object:
        return connection.execute(_PEER, _values(spot), prepare=True).fetchall()

    def same(spot: Position) -> object:
        return connection.execute(statement, _values(spot), prepare=True).fetchall()

    taken: dict[Callable[[Position], object], list[float]] = {ours: [], whole: [], same: []}
    for number, spot in enumerate(chosen):
        for ask, times in taken.items():
            began = time.perf_counter()
            ask(spot)
            if number >= WARM_UP:
                times.append((time.perf_counter() - began) * 1e3)
    peers = {"the whole shapes by bare psycopg": whole, "the same statement by it": same}
    return [
        Ratio("look-up of a district", name, "ms", taken[ours], taken[peer], AT_MOST)
        for name, peer in peers.items()
    ]


def _values(spot: Position) -> dict[str, float | None]:
    return {"latitude": spot.latitude, "longitude": spot.longitude, "longitude_again": None}


if __name__ == "__main__":
    sys.exit(main())
