"""Bringing a layer of 35,000 districts with all its checks, against copying its file unchecked.

The peer reads the file by pyogrio and copies its shapes into PostGIS: nothing is looked at or
indexed. Ours reads, checks how they fit together, keeps them (with so few corners, uncut), counts
what would move and publishes. All rounds but the first bring districts that are known already.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pyogrio
from sqlalchemy.orm import Session

from bench.tools.database import Town, town
from bench.tools.grid import COUNTRY, found_grid_city
from bench.tools.verdict import Ratio, conclude
from city import layers
from city.administration import Administration
from city.layers import Source
from geo.models import Layer, LayerRole
from infra.clock import now
from reports import moving
from tests.geo.drawers import written

ROUNDS = 3
AT_MOST = 5.0


def main() -> int:
    """Bring the file and copy it in turns, and compare how long that takes."""
    with town() as one, tempfile.TemporaryDirectory() as folder:
        shapes = {feature.code: feature.shape for feature in COUNTRY.draw()}
        data = written(Path(folder), ".fgb", shapes)
        path = Path(folder) / "layer.fgb"
        with one.parts.sessions() as session:
            layer = session.get_one(Layer, found_grid_city(session))
            session.commit()
            ours, peers = [], []
            for _ in range(ROUNDS):
                peers.append(_copy(one, path))
                ours.append(_bring(session, layer, data))
    print(f"{len(shapes):,} districts, {len(data) / 1e6:.0f} MB")
    return conclude(
        [Ratio("a layer of 35,000", "pyogrio and COPY alone", "s", ours, peers, AT_MOST)]
    )


def _bring(session: Session, layer: Layer, data: bytes) -> float:
    began = time.perf_counter()
    office = Administration(session, None, layer.jurisdiction_id, now())
    features = layers.read(office, data, Source("code", "nom"), LayerRole.SERVICE)
    brought = layers.bring(office, layer.code, LayerRole.SERVICE, features)
    moving.count(session, brought.version)
    layers.publish(office, brought.layer, brought.version)
    session.commit()
    # The city is a little larger than its districts.
    if [one["properties"]["kind"] for one in brought.version.problems] != ["gap"]:
        raise RuntimeError("the districts fit together, and other problems were told")
    return time.perf_counter() - began


def _copy(one: Town, path: Path) -> float:
    began = time.perf_counter()
    _meta, _ids, shapes, (codes, names) = pyogrio.raw.read(path)
    with psycopg.connect(one.libpq_url) as connection:
        connection.execute("CREATE TABLE copied (code text, name text, shape geometry)")
        with connection.cursor().copy("COPY copied FROM STDIN") as copy:
            for row in zip(codes, names, shapes, strict=True):
                copy.write_row((row[0], row[1], row[2].hex()))
    taken = time.perf_counter() - began
    with psycopg.connect(one.libpq_url) as connection:
        connection.execute("DROP TABLE copied")
    return taken


if __name__ == "__main__":
    sys.exit(main())
