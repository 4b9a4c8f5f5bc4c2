"""Real maps and real reports: we say of them what the cities themselves said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyogrio
import pytest
from sqlalchemy.orm import Session

from bench.tools.samples import SAMPLES, rows
from city import jurisdictions, layers
from city.administration import Administration
from city.layers import Source
from geo import maps
from geo.coordinates import Position
from geo.models import LayerRole
from geo.routing import in_order
from tests.city.towns import NOW, document, load, polygon, rectangle, write
from tests.geo.looking import service_hits

BORDER_M = 20
AT_LEAST = 0.995


class Sample(NamedTuple):
    """A city's map, which of its properties is the code, its reports, and a box around both."""

    layer: str
    code_field: str
    reports: str
    read: Callable[[dict[str, str]], tuple[Position, str] | None]
    box: tuple[float, float, float, float]


def of_paris(row: dict[str, str]) -> tuple[Position, str]:
    point = json.loads(row["geo_point_2d"].replace("'", '"'))
    return Position(latitude=point["lat"], longitude=point["lon"]), row["arrondissement"]


def of_san_francisco(row: dict[str, str]) -> tuple[Position, str] | None:
    if not row["Lat"] or not row["Supervisor.District"]:
        return None
    place = Position(latitude=float(row["Lat"]), longitude=float(row["Long"]))
    return place, row["Supervisor.District"]


CITIES = {
    "paris": Sample(
        "paris-arrondissements.geojson", "c_ar", "paris-dmr-500.csv", of_paris, (2, 48, 3, 49)
    ),
    "san-francisco": Sample(
        "sf-supervisor-2012.topo.json",
        "id",
        "sf311-1000.csv",
        of_san_francisco,
        (-124, 37, -122, 38),
    ),
}


def told(sample: Sample) -> Iterator[tuple[Position, str]]:
    for row in rows(sample.reports):
        if found := sample.read(row):
            yield found


def as_file(sample: Sample, folder: Path) -> bytes:
    """Return the map as one of the formats that are taken."""
    path = SAMPLES / "geo" / sample.layer
    if path.suffixes != [".topo", ".json"]:
        return path.read_bytes()
    meta, _, shapes, columns = pyogrio.raw.read(path)
    written = folder / "layer.gpkg"
    pyogrio.raw.write(
        written, shapes, columns, meta["fields"], geometry_type="Unknown", crs="EPSG:4326"
    )
    return written.read_bytes()


@pytest.mark.parametrize("city", CITIES)
def test_districts_are_those_that_the_city_wrote_down(
    session: Session, tmp_path: Path, city: str
) -> None:
    sample = CITIES[city]
    reports = list(told(sample))
    if not reports:
        pytest.skip(f"no sample reports in {SAMPLES}")
    outline = polygon(rectangle(*sample.box))
    load(session, write(tmp_path, document("everywhere", rules=[]), boundary=outline))
    office = Administration(session, None, jurisdictions.find(session, "everywhere").id, NOW)
    source = Source(code_field=sample.code_field)
    features = layers.read(office, as_file(sample, tmp_path), source, LayerRole.SERVICE)
    brought = layers.bring(office, "wards", LayerRole.SERVICE, features)
    layers.publish(office, brought.layer, brought.version)

    agreed = away = 0
    alone = []
    for place, theirs in reports:
        hits = {hit.district_id: hit for hit in service_hits(session, place)}
        ordered = in_order([hit.as_cover() for hit in hits.values()])
        alone.append(ordered[0].district_id if ordered else maps.NOWHERE)
        border_m = hits[ordered[0].district_id].border_distance_m if ordered else None
        if border_m is not None and border_m > BORDER_M:
            away += 1
            agreed += ordered[0].code.lstrip("0") == theirs.lstrip("0")
    sys.stdout.write(f"{city}: {agreed} of {away} over {BORDER_M} m from a border agree\n")
    assert away > len(reports) * 0.8
    assert agreed / away >= AT_LEAST

    lon_lat = np.array([(place.longitude, place.latitude) for place, _ in reports])
    together = maps.read(session, brought.version.id).locate(
        session, lon_lat, np.zeros(len(lon_lat))
    )
    assert together.tolist() == alone
