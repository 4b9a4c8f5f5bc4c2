"""Layers as cities' offices and attackers send them, by either way in: right, or one clear line."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from shapely import Polygon, box
from shapely.affinity import translate
from sqlalchemy import text

from bench.tools.grid import COUNTRY
from geo.gis_files import MOST_UNPACKED_BYTES
from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_layers import SHAPES, put
from tests.city import towns
from tests.city.test_layer_command import run
from tests.geo.drawers import projected, written
from tests.resident import BASE, INSIDE, body_of

TABLES = (
    *("layers", "layer_versions", "districts", "district_shapes", "district_pieces"),
    *("district_edges", "reference_features", "audit_entries"),
)
BOSTON = {"harbour": box(-71.06, 42.35, -71.04, 42.37), "common": box(-71.08, 42.35, -71.06, 42.37)}
# One side of it runs across another, half of it away.
BOW = Polygon([(2.21, 48.80), (2.23, 48.82), (2.23, 48.80), (2.21, 48.82)])


def zipped(folder: Path, **members: bytes) -> bytes:
    """Return a whole Shapefile in an archive, with these members besides or instead."""
    folder.mkdir()
    written(folder, ".zip", SHAPES)
    files = {path.name: path.read_bytes() for path in folder.glob("layer.*")}
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**files, **members}.items():
            archive.writestr(name, data)
    return output.getvalue()


def bad_files(folder: Path) -> Mapping[str, tuple[bytes, str]]:
    """Return files that cannot be taken, each with a part of the line that says why."""
    metres = {code: projected(shape, "EPSG:2154") for code, shape in SHAPES.items()}
    feet = {code: projected(shape, "EPSG:2249") for code, shape in BOSTON.items()}
    sound = written(folder, ".gpkg", SHAPES)
    swollen = {"layer.dbf": bytes(MOST_UNPACKED_BYTES + 1)}
    return {
        "metres, undeclared": (written(folder, ".geojson", metres, system=None), "EPSG:2154 ("),
        "feet, undeclared": (written(folder, ".geojson", feet, system=None), "longitude"),
        "feet of elsewhere": (written(folder, ".fgb", feet, system="EPSG:2249"), "in the city"),
        "crossing": (written(folder, ".geojson", {"bow": BOW}), "cross themselves"),
        "empty": (written(folder, ".geojson", {}), "no feature"),
        "nothing": (b"", "no GeoJSON"),
        "truncated": (sound[: len(sound) * 2 // 3], "cut off"),
        "zip bomb": (zipped(folder / "bomb", **swollen), "more than 500 MB"),
        "path traversal": (zipped(folder / "path", **{"../../x.shp": b"x"}), "outside"),
        "far": (
            written(folder, ".geojson", {"far": translate(SHAPES["bellevue"], 20, 0)}),
            "in the city",
        ),
    }


def kept(app: Flask) -> tuple[dict[str, int], object]:
    """Return how many rows there are of all that makes layers, and what decides at a spot."""
    with h.parts_of(app).sessions() as session:
        counts = {table: session.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}
    where = app.test_client().get(
        f"{BASE}/locate", query_string={**INSIDE, "category": "nid-de-poule"}
    )
    return counts, body_of(where)


def test_what_cannot_be_taken_is_one_line_and_leaves_nothing(
    own_app: Flask, tmp_path: Path
) -> None:
    office, before = Office(own_app), kept(own_app)
    for name, (data, part) in bad_files(tmp_path).items():
        [fault] = h.refused(put(office, data), 422)["errors"]
        assert part in fault["detail"], (name, fault)
        assert "\n" not in fault["detail"]
        file = tmp_path / "sent"
        file.write_bytes(data)
        code, told = run(own_app, "beaurive", "quartiers", file, "--code-field", "code")
        *_, last = told.splitlines()
        assert (code, last.startswith("Error: "), part in last) == (1, True, True), (name, told)
        assert kept(own_app) == before, name


@pytest.mark.parametrize("suffix", [".gpkg", ".zip"])
def test_feet_that_are_declared_are_turned_into_degrees(
    own_app: Flask, tmp_path: Path, suffix: str
) -> None:
    with h.parts_of(own_app).sessions.begin() as session:
        outline = towns.polygon(towns.rectangle(-71.2, 42.2, -70.9, 42.5))
        towns.load(
            session, towns.write(tmp_path / "town", towns.document("boston"), boundary=outline)
        )
    feet = {code: projected(shape, "EPSG:2249") for code, shape in BOSTON.items()}
    file = tmp_path / f"wards{suffix}"
    file.write_bytes(written(tmp_path, suffix, feet, system="EPSG:2249"))
    code, told = run(own_app, "boston", "wards", file, "--code-field", "code")
    # All the rest of the city is in neither of them.
    assert (code, "overlap" in told, told.count("gap of")) == (0, False, 1), told
    for ward, shape in BOSTON.items():
        middle = {"latitude": shape.centroid.y, "longitude": shape.centroid.x}
        where = own_app.test_client().get(f"{BASE}/locate", query_string=middle)
        assert body_of(where)["district"]["code"] == ward


def test_as_many_districts_as_a_country_has_communes(own_app: Flask, tmp_path: Path) -> None:
    west, south, east, north = SHAPES["centre-ville"].bounds
    wide, high = (east - west) / COUNTRY.columns, (north - south) / COUNTRY.rows
    small = replace(COUNTRY, west=west, south=south, wide=wide, high=high, corners=2)
    file = tmp_path / "communes.fgb"
    file.write_bytes(written(tmp_path, ".fgb", {one.code: one.shape for one in small.draw()}))
    code, told = run(own_app, "beaurive", "quartiers", file, "--code-field", "code")
    assert code == 0, told
    assert "looking at 35,000 features" in told
    [layer] = [one for one in Office(own_app).get("/layers")["items"] if one["role"] == "service"]
    # They fit together, and leave out the rest of the city.
    assert (layer["versions"][0]["features"], layer["versions"][0]["problems"]) == (35_000, 1)
    spot = {"latitude": south + 3.5 * small.high, "longitude": west + 7.5 * small.wide}
    where = own_app.test_client().get(f"{BASE}/locate", query_string=spot)
    assert body_of(where)["district"]["code"] == "d007-003"
