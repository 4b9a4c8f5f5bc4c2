"""Files that are odd, or made to do harm: read as they were meant, or refused by one line."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely import GeometryCollection, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from geo.coordinates import Position
from geo.coverage import examine
from geo.features import Feature, features_of
from geo.gis_files import read
from geo.unusable import UnusableFeatures
from tests.geo.drawers import written

HERE = Position(48.85, 2.35)
SQUARE = box(2.3, 48.8, 2.31, 48.81)
DISTRICTS = {"01": SQUARE, "02": box(2.31, 48.8, 2.32, 48.81)}
ENDLESS = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c)"
UNWATCHED = "PRAGMA foreign_keys = off; PRAGMA legacy_alter_table = on;"
PATIENCE_S = 30


def taken(data: bytes, layer: str | None = None, name: str | None = "nom") -> list[Feature]:
    found = features_of(read(data, layer), "code", name, HERE)
    return sorted(found, key=lambda each: each.code)


def refusal(data: bytes, layer: str | None = None, name: str | None = "nom") -> str:
    with pytest.raises(UnusableFeatures) as raised:
        taken(data, layer, name)
    told = str(raised.value)
    assert "\n" not in told
    return told


def collection(*features: Mapping[str, Any], **members: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **members}).encode()


def feature(code: Any, shape: BaseGeometry | None = SQUARE, name: str = "x") -> dict[str, Any]:
    drawn = None if shape is None else json.loads(shapely.to_geojson(shape))
    return {"type": "Feature", "properties": {"code": code, "nom": name}, "geometry": drawn}


def ring(*corners: Any) -> dict[str, Any]:
    return {**feature("a"), "geometry": {"type": "Polygon", "coordinates": [list(corners)]}}


def in_system(name: str) -> bytes:
    return collection(feature("a"), crs={"type": "name", "properties": {"name": name}})


def members(folder: Path, **options: Any) -> dict[str, bytes]:
    """Return the parts of a Shapefile, by name."""
    written(folder, ".zip", DISTRICTS, **options)
    return {path.name: path.read_bytes() for path in folder.glob("layer.*")}


def archive(parts: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", packing) as packed_:
        for name, data in parts.items():
            packed_.writestr(name, data)
    return output.getvalue()


def altered(folder: Path, script: str) -> bytes:
    """Return a GeoPackage that somebody has had SQLite run a script in."""
    written(folder, ".gpkg", DISTRICTS)
    path = folder / "layer.gpkg"
    with closing(sqlite3.connect(path)) as base:
        base.executescript(script)
        base.commit()
    return path.read_bytes()


@pytest.fixture
def served(tmp_path: Path) -> str:
    """Return where a file lies that a sent one has no business with."""
    path = tmp_path / "elsewhere.geojson"
    path.write_bytes(collection(feature("secret")))
    return str(path)


@pytest.mark.parametrize("source", ["{served}", "/vsicurl/http://127.0.0.1:9/x.geojson"])
def test_a_virtual_layer_that_calls_itself_a_shapefile_is_not_opened(
    tmp_path: Path, served: str, source: str
) -> None:
    vrt = (
        "<OGRVRTDataSource><OGRVRTLayer name='layer'>"
        f"<SrcDataSource>{source.format(served=served)}</SrcDataSource>"
        "<SrcLayer>elsewhere</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )
    parts = {**members(tmp_path), "layer.shp": vrt.encode()}
    assert refusal(archive(parts)) == "the file is a Shapefile, but broken or cut off"


def test_another_format_that_calls_itself_a_shapefile_is_not_opened(tmp_path: Path) -> None:
    parts = {**members(tmp_path), "layer.shp": written(tmp_path, ".gpkg", DISTRICTS)}
    assert refusal(archive(parts)) == "the file is a Shapefile, but broken or cut off"


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize(
    "script",
    [
        f"CREATE VIEW beside AS SELECT 1 AS x WHERE {ENDLESS} > 0;",
        f"{UNWATCHED} ALTER TABLE layer RENAME TO kept;"
        f" CREATE VIEW layer AS SELECT * FROM kept WHERE {ENDLESS} > 0;",
        f"{UNWATCHED} ALTER TABLE gpkg_contents RENAME TO kept;"
        f" CREATE VIEW gpkg_contents AS SELECT * FROM kept WHERE {ENDLESS} > 0;",
        "ALTER TABLE layer ADD COLUMN all_of_it AS (hex(zeroblob(400000000)));",
    ],
)
def test_what_a_geopackage_would_have_us_reckon_is_not_reckoned(
    tmp_path: Path, script: str
) -> None:
    told = refusal(altered(tmp_path, script))
    assert "would have to be computed" in told


def test_views_and_triggers_as_the_standard_has_them_do_no_harm(tmp_path: Path) -> None:
    script = """
        CREATE VIEW st_spatial_ref_sys AS SELECT srs_id FROM gpkg_spatial_ref_sys;
        CREATE VIEW spatial_ref_sys AS SELECT srs_id FROM gpkg_spatial_ref_sys;
        CREATE VIEW st_geometry_columns AS SELECT table_name FROM gpkg_geometry_columns;
        CREATE VIEW geometry_columns AS SELECT table_name FROM gpkg_geometry_columns;
        CREATE TRIGGER t BEFORE UPDATE ON layer BEGIN SELECT RAISE(ABORT, 'never'); END;
    """
    assert [each.code for each in taken(altered(tmp_path, script))] == ["01", "02"]


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE layer (code, geom)")
        base.commit()
    assert refusal(path.read_bytes()) == "the file is a GeoPackage, but broken or cut off"


@pytest.mark.timeout(PATIENCE_S)
def test_a_scribble_is_refused_at_once() -> None:
    scribble = Polygon(np.random.default_rng(1).random((3_000, 2)) * 0.01 + (2.3, 48.8))
    told = refusal(collection(feature("a", scribble)))
    assert told == "the rings of 'a' cross in more than 1000 places"


@pytest.mark.timeout(PATIENCE_S)
def test_districts_in_a_heap_are_refused_before_they_are_laid_upon_each_other() -> None:
    heap = taken(collection(*(feature(number) for number in range(5_000))))
    with pytest.raises(UnusableFeatures, match="more than 60000 pairs of them meet"):
        examine(heap)


def test_a_long_ring_with_a_slip_of_the_pen_is_mended() -> None:
    turns = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    circle = np.column_stack([2.3 + 0.01 * np.cos(turns), 48.8 + 0.01 * np.sin(turns)])
    circle[[500, 501]] = circle[[501, 500]]
    [district] = taken(collection(feature("a", Polygon(circle))))
    assert district.repaired
    assert district.shape.is_valid


@pytest.mark.parametrize(
    "system",
    [
        'LOCAL_CS["drawing",UNIT["metre",1]]',
        'ENGCRS["drawing",EDATUM["d"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],'
        'LENGTHUNIT["metre",1]]',
        "EPSG:5720",
        "EPSG:4978",
    ],
)
def test_a_system_that_is_not_of_places_on_the_map_is_refused(system: str) -> None:
    assert "coordinate system that is not known" in refusal(in_system(system))


def test_a_drawing_without_a_place_is_refused_in_every_format(tmp_path: Path) -> None:
    parts = members(tmp_path)
    for said in (
        'LOCAL_CS["drawing",UNIT["metre",1]]',
        'PROJCS["x",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,'
        '298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
        'PROJECTION["Nonsense"],UNIT["Meter",1.0]]',
    ):
        data = archive({**parts, "layer.prj": said.encode()})
        assert "coordinate system that is not known" in refusal(data)
    # GeoPackages say -1 for what was drawn without a system, as from CAD.
    script = "UPDATE gpkg_contents SET srs_id = -1; UPDATE gpkg_geometry_columns SET srs_id = -1;"
    assert "coordinate system that is not known" in refusal(altered(tmp_path, script))


@pytest.mark.parametrize("said", [b"", b"no such thing", b"/etc/passwd", b"\xff" * 100])
def test_a_declaration_that_says_nothing_is_none(tmp_path: Path, said: bytes) -> None:
    data = archive({**members(tmp_path), "layer.prj": said})
    assert [each.code for each in taken(data)] == ["01", "02"]


NAMES = ("Fougères", "Orléans")


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8"])
@pytest.mark.parametrize("said", [True, False])
def test_words_are_read_whether_their_encoding_is_said_or_not(
    tmp_path: Path, encoding: str, said: bool
) -> None:
    parts = members(tmp_path, names=NAMES, encoding=encoding)
    if not said:
        # The table may say it too, by its 30th byte.
        table = parts["layer.dbf"]
        parts = {**parts, "layer.dbf": table[:29] + b"\0" + table[30:]}
        del parts["layer.cpg"]
    assert [each.name for each in taken(archive(parts))] == list(NAMES)


def test_words_in_another_encoding_than_is_said_are_refused(tmp_path: Path) -> None:
    parts = members(tmp_path, names=NAMES, encoding="ISO-8859-1")
    told = refusal(archive({**parts, "layer.cpg": b"UTF-8"}))
    assert told == "the words of the Shapefile are in another encoding than it says"


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_packed_in_a_rare_way_is_refused(tmp_path: Path, packing: int) -> None:
    assert "packed in a way" in refusal(archive(members(tmp_path), packing))


def test_names_in_an_archive_that_are_no_words(tmp_path: Path) -> None:
    data = archive({**members(tmp_path), "é.txt": b"x"})
    assert "broken" in refusal(data.replace("é.txt".encode(), b"\xff\xfe.txt"))


def test_an_archive_within_an_archive_and_a_link(tmp_path: Path) -> None:
    parts = members(tmp_path)
    assert "holds 0" in refusal(archive({"inner.zip": archive(parts)}))
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as linked:
        link = zipfile.ZipInfo("layer.shp")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        linked.writestr(link, str(tmp_path / "layer.shp"))
        for name, data in parts.items():
            if name != link.filename:
                linked.writestr(name, data)
    assert "broken" in refusal(output.getvalue())


def test_parts_in_capitals_are_the_same_parts(tmp_path: Path) -> None:
    parts = {name.upper(): data for name, data in members(tmp_path).items()}
    assert [each.code for each in taken(archive(parts))] == ["01", "02"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".zip", ".gpkg", ".fgb"])
def test_damaged_bytes_are_a_line_or_a_layer(tmp_path: Path, suffix: str) -> None:
    data = written(tmp_path, suffix, DISTRICTS)
    refused = 0
    for at in range(0, len(data), max(3, len(data) // 150)):
        try:
            found = taken(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        except UnusableFeatures:
            refused += 1
        else:
            assert all(each.shape.is_valid for each in found)
    assert refused


@pytest.mark.parametrize(
    ("code", "read_as"),
    [(1, "1"), (1.0, "1"), ("01", "01"), (" 01 ", "01"), (-0.0, "0"), (0.5, "0.5")],
)
def test_a_number_is_the_same_code_however_it_is_written(code: Any, read_as: str) -> None:
    assert [each.code for each in taken(collection(feature(code)))] == [read_as]


def test_codes_that_are_the_same_number_repeat() -> None:
    told = refusal(collection(feature(1), feature(1.0)))
    assert told == "more than one feature has the code '1'"


@pytest.mark.parametrize("code", [float("nan"), float("inf"), None, "", "  "])
def test_no_number_is_no_code(code: Any) -> None:
    assert refusal(collection(feature(code))) == "feature 1 has no 'code'"


def test_a_code_or_a_name_has_an_end() -> None:
    told = refusal(collection(feature("é" * 501)))
    assert told == "feature 1 has more than 500 characters as 'code'"
    told = refusal(collection(feature("a", name="x" * 501)))
    assert told == "feature 1 has more than 500 characters as 'nom'"


HUGE = sys.float_info.max


@pytest.mark.parametrize(
    ("corner", "said"),
    [
        ((float("nan"), 48.8), "cannot be read"),
        ((float("inf"), 48.8), "no longitude and latitude"),
        ((HUGE, -HUGE), "no longitude and latitude"),
        ((10**400, 48.8), "cannot be read"),
        ((None, 48.8), "cannot be read"),
        ((2.3,), "cannot be read"),
        ((2.3, 48.8, 1, 2, 3), "cannot be read"),
    ],
)
def test_a_corner_that_is_nowhere_is_refused(corner: Any, said: str) -> None:
    assert said in refusal(collection(ring(corner, (2.4, 48.8), (2.4, 48.9), corner)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (collection(feature("a", GeometryCollection([SQUARE, Point(2, 48)]))), "not a polygon"),
        (collection(feature("a"), feature("b", None)), "'b' cannot be read"),
        (collection(feature("a"))[:-9], "a JSON, but broken or cut off"),
        (b'{"type": "Topology", "objects": {}, "arcs": []}', "not a GeoJSON FeatureCollection"),
        (json.dumps(feature("a")).encode(), "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": "/vsicurl/http://x"}', "no features"),
        (b"<?xml version='1.0'?><kml xmlns='http://www.opengis.net/kml/2.2'/>", "no GeoJSON"),
        (b"<?xml version='1.0'?><gml:FeatureCollection/>", "no GeoJSON"),
    ],
)
def test_what_is_near_to_a_layer_and_none_is_told_apart(data: bytes, said: str) -> None:
    assert said in refusal(data)
