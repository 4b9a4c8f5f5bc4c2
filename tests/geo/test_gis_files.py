"""Files as cities have them: each format gives the same districts, or one clear line."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box

from geo.coordinates import Position
from geo.features import Feature, features_of
from geo.gis_files import MOST_UNPACKED_BYTES, read
from geo.unusable import UnusableFeatures
from tests.geo.drawers import FORMATS, packed, projected, write, written

PARIS, BOSTON = Position(48.85, 2.35), Position(42.36, -71.06)
HOLED = Polygon(box(2.3, 48.8, 2.4, 48.9).exterior, [box(2.33, 48.83, 2.34, 48.84).exterior])
ISLANDS = MultiPolygon([box(2.4, 48.8, 2.41, 48.81), box(2.42, 48.8, 2.43, 48.81)])
DISTRICTS = {"01": HOLED, "02": ISLANDS}
NAMES = ("Île-aux-Œillets", "Saint-Éloi")


def taken(data: bytes, city: Position | None = PARIS, layer: str | None = None) -> list[Feature]:
    features = features_of(read(data, layer), "code", "nom", city)
    # A FlatGeobuf has its features in an order of its own.
    return sorted(features, key=lambda each: each.code)


def refusal(data: bytes, city: Position | None = PARIS, layer: str | None = None) -> str:
    with pytest.raises(UnusableFeatures) as raised:
        taken(data, city, layer)
    return str(raised.value)


def furthest_deg(one: Feature, shape: shapely.Geometry) -> float:
    return float(shapely.hausdorff_distance(one.shape, shape))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("system", ["EPSG:4326", "EPSG:2154", "EPSG:4171", "EPSG:3857"])
def test_every_format_gives_the_same_districts(tmp_path: Path, suffix: str, system: str) -> None:
    shapes = {code: projected(shape, system) for code, shape in DISTRICTS.items()}
    one, other = taken(written(tmp_path, suffix, shapes, system=system, names=NAMES))
    assert [(each.code, each.name, each.repaired) for each in (one, other)] == [
        ("01", NAMES[0], False),
        ("02", NAMES[1], False),
    ]
    assert furthest_deg(one, HOLED) < 1e-8
    assert furthest_deg(other, ISLANDS) < 1e-8


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("system", "city", "name"),
    [("EPSG:2154", PARIS, "EPSG:2154 ("), ("EPSG:2249", BOSTON, "EPSG:2249 (")],
)
def test_what_declares_nothing_and_is_no_longitude_is_told_what_it_looks_like(
    tmp_path: Path, suffix: str, system: str, city: Position, name: str
) -> None:
    spot = box(city.longitude, city.latitude, city.longitude + 0.01, city.latitude + 0.01)
    shapes = {"a": projected(spot, system)}
    [feature] = taken(written(tmp_path, suffix, shapes, system=system), city)
    # Datums of the same continent lie a metre or two apart.
    assert furthest_deg(feature, spot) < 3e-5
    (tmp_path / "bare").mkdir()
    bare = written(tmp_path / "bare", suffix, shapes, system=None)
    assert f"looks like {name}" in refusal(bare, city)
    assert name in refusal(bare, None)


def test_what_declares_nothing_is_taken_for_longitude_and_latitude_where_it_can_be(
    tmp_path: Path,
) -> None:
    for suffix in FORMATS:
        folder = tmp_path / suffix
        folder.mkdir()
        one, _ = taken(written(folder, suffix, DISTRICTS, system=None))
        assert furthest_deg(one, HOLED) < 1e-12


@pytest.mark.parametrize(
    "system", ["+proj=utm +zone=31", "urn:ogc:def:crs:EPSG::999999", "x" * 999]
)
def test_a_system_is_named_by_its_authority_alone(system: str) -> None:
    document = json.loads(written(Path(), ".geojson", DISTRICTS))
    for said in ({"type": "name", "properties": {"name": system}}, system, {"type": "link"}):
        document["crs"] = said
        assert "coordinate system that is not known" in refusal(json.dumps(document).encode())


def test_a_system_may_be_named_by_a_text_alone() -> None:
    document = json.loads(written(Path(), ".geojson", DISTRICTS))
    document["crs"] = "EPSG:4326"
    assert len(taken(json.dumps(document).encode())) == 2
    document["crs"] = "EPSG:2154"
    one = taken(json.dumps(document).encode())[0]
    assert one.shape.bounds != DISTRICTS[one.code].bounds


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_what_is_cut_off_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    shapes = {str(number): box(number, 1, number + 1, 2) for number in range(200)}
    shapes = {code: shapely.segmentize(shape, 0.01) for code, shape in shapes.items()}
    data = written(tmp_path, suffix, {code: shapes[code] for code in list(shapes)[:150]})
    assert refusal(data[: int(len(data) * kept)])


@pytest.mark.parametrize("data", [b"", b"\0" * 50, b"<kml/>", b"\x89PNG\r\n", b"PK\x03\x04rest"])
def test_what_is_none_of_the_formats_is_refused(data: bytes) -> None:
    assert refusal(data)


def test_a_virtual_layer_is_nothing_that_we_open() -> None:
    vrt = b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource>"
    assert "no GeoJSON, GeoPackage" in refusal(vrt)


def _zip(**members: bytes) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return output.getvalue()


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.shp", "/etc/x.shp", "C:\\x.shp", "a\\..\\x"])
def test_an_archive_stays_inside_of_itself(tmp_path: Path, name: str) -> None:
    written(tmp_path, ".zip", DISTRICTS)
    members = {path.name: path.read_bytes() for path in tmp_path.glob("layer.*")}
    assert "outside" in refusal(_zip(**members, **{name: b"x"}))


def test_an_archive_that_swells_is_refused_before_it_has(tmp_path: Path) -> None:
    written(tmp_path, ".zip", DISTRICTS)
    members = {path.name: path.read_bytes() for path in tmp_path.glob("layer.*")}
    members["layer.dbf"] = bytes(MOST_UNPACKED_BYTES + 1)
    bomb = _zip(**members)
    assert len(bomb) < 1_000_000
    assert "more than 500 MB" in refusal(bomb)


def test_an_archive_holds_one_whole_shapefile(tmp_path: Path) -> None:
    data = written(tmp_path, ".zip", DISTRICTS)
    assert len(taken(data)) == 2
    assert "has no .dbf" in refusal(packed(tmp_path, "layer", without=".dbf"))
    members = {path.name: path.read_bytes() for path in tmp_path.glob("layer.*")}
    more = {f"other{Path(name).suffix}": data for name, data in members.items()}
    assert "holds 2" in refusal(_zip(**members, **more))
    assert "holds 0" in refusal(_zip(readme=b"hello"))
    table = members["layer.dbf"]
    members["layer.dbf"] = table[:4] + (1).to_bytes(4, "little") + table[8:]
    assert "as many rows" in refusal(_zip(**members))


def test_one_of_several_layers_has_to_be_named(tmp_path: Path) -> None:
    written(tmp_path, ".gpkg", DISTRICTS, layer="quartiers")
    path = tmp_path / "quartiers.gpkg"
    write(
        path,
        np.array([shapely.to_wkb(box(0, 0, 1, 1))], dtype=object),
        [np.array(["x"], dtype=object)],
        ["code"],
        driver="GPKG",
        geometry_type="Polygon",
        crs="EPSG:4326",
        layer="communes",
        append=True,
    )
    data = path.read_bytes()
    told = refusal(data)
    assert "quartiers" in told
    assert "communes" in told
    assert [each.code for each in taken(data, layer="quartiers")] == ["01", "02"]
    assert "no layer 'autre'" in refusal(data, layer="autre")


def test_words_of_before_unicode_are_read(tmp_path: Path) -> None:
    names = ("Fougères", "Orléans")
    data = written(tmp_path, ".zip", DISTRICTS, names=names, encoding="ISO-8859-1")
    assert [each.name for each in taken(data)] == list(names)


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_no_polygon_is_refused(tmp_path: Path, suffix: str) -> None:
    for kind, shape in {
        "Point": Point(2, 48),
        "LineString": LineString([(2, 48), (3, 49)]),
    }.items():
        folder = tmp_path / kind
        folder.mkdir()
        data = written(folder, suffix, {"a": shape}, geometry_type=kind)
        assert refusal(data) == "the geometry of 'a' is not a polygon"


def test_heights_and_missing_shapes(tmp_path: Path) -> None:
    high = shapely.force_3d(HOLED, 35.0)
    data = written(tmp_path, ".gpkg", {"a": high}, geometry_type="Polygon Z")
    [feature] = taken(data)
    assert not feature.shape.has_z
    (tmp_path / "none").mkdir()
    data = written(tmp_path / "none", ".gpkg", {"a": Polygon()})
    assert refusal(data) == "the geometry of 'a' is not a polygon"


def test_numbers_are_codes_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "numbers.gpkg"
    write(
        path,
        np.array([shapely.to_wkb(shape) for shape in DISTRICTS.values()], dtype=object),
        [np.array([75101.0, 75102.0])],
        ["code"],
        driver="GPKG",
        geometry_type="Unknown",
        crs="EPSG:4326",
    )
    features = features_of(read(path.read_bytes()), "code", None)
    assert [each.code for each in features] == ["75101", "75102"]
    with pytest.raises(UnusableFeatures, match="feature 1 has no 'nom'"):
        features_of(read(path.read_bytes()), "nom", None)
