"""Other rules and another map tried on a million reports, against PostGIS joining them to the map.

The map has 5,000 districts of 500 corners, whose sides meander. The peer is the join as PostGIS
does it by default: every report with every district that ST_Covers says holds it, an index on
either side. For both, a report lies exactly where it says; circles of doubt would be more work
than the join does. Beforehand the pairs of both are compared, reports on corners and edges
included, and what is simulated with what is decided about single reports. Maps are prepared before
either is timed: PostGIS has its index, and Vigie the raster that it keeps when a map is brought.
The whole is the worker's own job, in a process of its own: from when a worker takes it up, it reads
a million reports, two maps and the rules, and keeps what changes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bench.tools.database import AREA, Town, fill, town
from bench.tools.grid import Grid
from bench.tools.verdict import Ratio, conclude
from city import rules, rulesets
from city.administration import Administration
from city.models import Category, Jurisdiction
from geo import districts, layers, maps, routing
from geo.conditions import Said
from geo.coordinates import Position
from geo.maps import NOWHERE
from geo.models import Layer, LayerRole, LayerVersion
from geo.routing import Cover, Subject
from infra.clock import now
from reports.models import Report
from reports.simulation import asking
from reports.simulation.asking import Wanted
from reports.simulation.running import AT_ONCE
from reports.simulation_models import SimulatedChange, Simulation, SimulationStatus
from tests.stack import ROOT

REPORTS = 1_000_000
ON_BORDERS = 20_000
COMPARED = 4_000
MAP = Grid(
    *(AREA.west, AREA.south),
    wide=(AREA.east - AREA.west) / 100,
    high=(AREA.north - AREA.south) / 50,
    columns=100,
    rows=50,
    corners=125,
)
ROUNDS = 3
SPATIAL_AT_LEAST = 8.0
WHOLE_AT_MOST = 1.0
MOST_BYTES = 2e9

_JOIN = """
    FROM reports r JOIN district_shapes s
        ON s.layer_version_id = %(version_id)s AND {predicate}(s.shape, r.location)
"""
# A worker has started long before a job comes.
_JOB = """
import sys, time
from workers.simulations import run
began = time.perf_counter()
run({row_id}, None)
sys.stdout.write("\\n" + str(time.perf_counter() - began))
"""


def main() -> int:
    """Draw the maps, compare the answers, then the times."""
    with town() as one:
        fill(one, REPORTS, photo_every=1000, searched=False, accuracy_m=None)
        with one.parts.sessions() as session:
            base, tried = _draw_maps(session)
            _write_rules(session)
            session.commit()
        with psycopg.connect(one.libpq_url, autocommit=True) as connection:
            _move_to_borders(connection, base)
            connection.execute("CREATE INDEX ON district_shapes USING gist (shape)")
            connection.execute("VACUUM (ANALYZE)")
            with one.parts.sessions() as session:
                lon_lat, ids = _reports(session)
                if not _pairs_agree(session, connection, base, lon_lat, ids):
                    return 1
                ours, peers = [], []
                for _ in range(ROUNDS):
                    ours.append(_locate(session, base, lon_lat)[1])
                    peers.append(_join(connection, base, "ST_Covers"))
            other = _join(connection, base, "ST_Intersects")
        wholes, most = [], 0
        for _ in range(ROUNDS):
            number, seconds, used = _simulate(one, tried)
            wholes.append(seconds)
            most = max(most, used)
        with one.parts.sessions() as session:
            if not _decisions_agree(session, number):
                return 1
    print(f"the same join by ST_Intersects, which walks along the districts: {other:.1f} s")
    peer = "PostGIS joining them"
    return conclude(
        [
            Ratio(
                "a million reports on the map, PostGIS over ours",
                "ours",
                "s",
                peers,
                ours,
                SPATIAL_AT_LEAST,
                at_least=True,
            ),
            Ratio("the whole simulation", peer, "s", wholes, peers, WHOLE_AT_MOST),
            Ratio("memory of the job", "the limit", "bytes", [most], [MOST_BYTES], 1.0),
        ]
    )


def _draw_maps(session: Session) -> tuple[int, int]:
    """Publish one map as the city's service layer, keep another as a draft; return both's ids."""
    layer = session.scalars(select(Layer).where(Layer.role == LayerRole.SERVICE.value)).one()
    session.execute(text("SET LOCAL statement_timeout = 0"))
    published = layers.add_version(session, layer, list(MAP.draw()), "fr", now())
    layers.publish_version(session, layer, published, now())
    return published.id, layers.add_version(
        session, layer, list(replace(MAP, phase=0.9).draw()), "fr", now()
    ).id


def _write_rules(session: Session) -> None:
    """Publish rules for groups and districts, and draft others with conditions besides."""
    city = session.scalars(select(Jurisdiction)).one()
    office = Administration(session, None, city.id, now())
    groups = {"voirie": "voirie", "eclairage": "reseaux", "proprete": "proprete"}
    of_groups = [{"group": group, "team": team} for group, team in groups.items()]
    everywhere = [{"team": "espaces-verts"}]
    of_districts = [
        {"group": "voirie", "district": f"d{column:03}-{row:03}", "team": "accueil"}
        for column in range(0, MAP.columns, 4)
        for row in range(0, MAP.rows, 4)
    ]
    base = rulesets.create(office, {"rules": [*of_groups, *of_districts, *everywhere]})
    rulesets.publish(office, base)
    nights = {"hours": {"saturday": ["00:00-24:00"], "sunday": ["00:00-24:00"]}}
    conditional = [
        {"group": "voirie", **nights, "team": "accueil"},
        {"category": "lampadaire", "kind": "problem", "team": "voirie"},
    ]
    rulesets.create(office, {"rules": [*of_groups, *of_districts[::2], *conditional, *everywhere]})


def _move_to_borders(connection: psycopg.Connection, version_id: int) -> None:
    """Have some reports lie on corners of the map, and as many on the edges between them."""
    connection.execute(
        """
        WITH corners AS (
            SELECT row_number() OVER () AS n, (dump.d).geom AS here,
                lead((dump.d).geom) OVER (PARTITION BY shape_id ORDER BY (dump.d).path) AS there
            FROM (
                SELECT id AS shape_id, ST_DumpPoints(shape) AS d
                FROM district_shapes WHERE layer_version_id = %(version_id)s
            ) AS dump
        )
        UPDATE reports SET location = CASE WHEN reports.id %% 2 = 0 THEN here
            ELSE ST_LineInterpolatePoint(ST_MakeLine(here, there), random()) END
        FROM corners
        WHERE reports.id = corners.n * 50 AND reports.id <= %(last)s AND there IS NOT NULL
        """,
        {"version_id": version_id, "last": ON_BORDERS * 50},
    )


def _reports(session: Session) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    query = text("SELECT id, ST_X(location), ST_Y(location) FROM reports ORDER BY id")
    rows = np.array([tuple(row) for row in session.execute(query)], dtype=np.float64)
    return np.ascontiguousarray(rows[:, 1:]), rows[:, 0].astype(np.int64)


def _locate(
    session: Session, version_id: int, lon_lat: NDArray[np.float64]
) -> tuple[NDArray[np.int64], float]:
    """Return the district of each spot, and how long that took from reading the map on."""
    began = time.perf_counter()
    drawn = maps.read(session, version_id)
    found = [
        drawn.locate(session, lon_lat[begin : begin + AT_ONCE])
        for begin in range(0, len(lon_lat), AT_ONCE)
    ]
    return np.concatenate(found), time.perf_counter() - began


def _join(connection: psycopg.Connection, version_id: int, predicate: str) -> float:
    began = time.perf_counter()
    connection.execute(
        f"SELECT count(*) {_JOIN.format(predicate=predicate)}".encode(), {"version_id": version_id}
    )
    return time.perf_counter() - began


def _pairs_agree(
    session: Session,
    connection: psycopg.Connection,
    version_id: int,
    lon_lat: NDArray[np.float64],
    ids: NDArray[np.int64],
) -> bool:
    """Tell whether each report has the first by code of the districts that it is joined to."""
    joined = connection.execute(
        f"""
        SELECT DISTINCT ON (r.id) r.id, s.district_id {_JOIN.format(predicate="ST_Covers")}
        JOIN districts d ON d.id = s.district_id ORDER BY r.id, d.code COLLATE "C"
        """.encode(),
        {"version_id": version_id},
    ).fetchall()
    theirs: dict[int, int] = dict(joined)
    ours = dict(zip(ids.tolist(), _locate(session, version_id, lon_lat)[0].tolist(), strict=True))
    # A hair beside every district a report is given the nearest, which the join leaves out.
    differ = [id_ for id_, district in ours.items() if theirs.get(id_, district) != district]
    without = sum(district != NOWHERE and id_ not in theirs for id_, district in ours.items())
    print(
        f"{len(theirs):,} of {len(ours):,} reports joined, {len(differ)} with another district;"
        f" {without} a hair beside every district"
    )
    return not differ and without < ON_BORDERS


def _simulate(one: Town, version_id: int) -> tuple[int, float, int]:
    """Run the job; return the simulation's number, the seconds and the most bytes it used."""
    with one.parts.sessions.begin() as session:
        city = session.scalars(select(Jurisdiction)).one()
        layer_id, number = session.execute(
            select(LayerVersion.layer_id, LayerVersion.number).where(LayerVersion.id == version_id)
        ).one()
        code = session.get_one(Layer, layer_id).code
        newest = max(view.ruleset.number for view in rulesets.every(_office(session, city)))
        row = asking.ask(
            _office(session, city), Wanted(newest, {code: number}, REPORTS, None, None)
        )
        row_id, row_number = row.id, row.number
    with subprocess.Popen(
        [sys.executable, "-c", _JOB.format(row_id=row_id)],
        env={**os.environ, **one.environ},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        *_logged, seconds_taken = process.stdout.read().split("\n")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = float(seconds_taken)
    with one.parts.sessions() as session:
        row = session.get_one(Simulation, row_id)
        changes = sum(count for *_pair, count in row.moves)
        print(f"{row.status}: {row.done:,} reports in {seconds:.1f} s, {changes:,} change team")
        assert (process.returncode, row.status) == (0, SimulationStatus.DONE.value)
        assert row.done == REPORTS
    return row_number, seconds, usage.ru_maxrss * 1024


def _office(session: Session, city: Jurisdiction) -> Administration:
    return Administration(session, None, city.id, now())


def _decisions_agree(session: Session, number: int) -> bool:
    """Tell whether single reports are decided as the simulation says, before and after."""
    row = session.scalars(select(Simulation).where(Simulation.number == number)).one()
    luck = Random(1)
    ids = sorted({50 * luck.randrange(1, ON_BORDERS) for _ in range(COMPARED // 2)}) + sorted(
        {luck.randrange(1, REPORTS) for _ in range(COMPARED // 2)}
    )
    reports = {one.id: one for one in session.scalars(select(Report).where(Report.id.in_(ids)))}
    told = {
        one.report_id: one
        for one in session.scalars(
            select(SimulatedChange).where(
                SimulatedChange.simulation_id == row.id, SimulatedChange.report_id.in_(ids)
            )
        )
    }
    wrong = 0
    base = [_alone(session, row.base_ruleset_id, reports[id_]) for id_ in ids]
    layer = session.scalars(select(Layer).where(Layer.role == LayerRole.SERVICE.value)).one()
    version = session.get_one(LayerVersion, row.map_version_id)
    layers.publish_version(session, layer, version, now())
    tried = [_alone(session, row.ruleset_id, reports[id_]) for id_ in ids]
    session.rollback()
    for id_, before, after in zip(ids, base, tried, strict=True):
        one = told.get(id_)
        if before == after:
            wrong += one is not None
        elif one is None:
            wrong += 1
        else:
            wrong += (one.base_team_id, one.base_district_id) != before
            wrong += (one.team_id, one.district_id) != after
    changed = sum(before != after for before, after in zip(base, tried, strict=True))
    print(f"{len(ids):,} single decisions each way, {changed:,} change, {wrong} told otherwise")
    return not wrong


def _alone(session: Session, ruleset_id: int | None, report: Report) -> tuple[int, int | None]:
    """Return team and district of the report, decided by itself."""
    city = session.get_one(Jurisdiction, report.jurisdiction_id)
    group_id = session.get_one(Category, report.category_id).group_id
    place = Position(report.location.latitude, report.location.longitude)
    covers: list[Cover] = [
        hit.as_cover() for hit in districts.locate(session, place) if hit.role is LayerRole.SERVICE
    ]
    at = report.created_at.astimezone(ZoneInfo(city.time_zone))
    choice = routing.decide(
        Subject(report.category_id, group_id, Said(at, report.kind, report.answers)),
        covers,
        rules.applied(session, ruleset_id),
        city.fallback_team_id or 0,
    )
    return choice.target_id, choice.district_id


if __name__ == "__main__":
    sys.exit(main())
