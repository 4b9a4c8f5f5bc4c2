"""Files of geographic information as cities have them, read into shapes and properties.

GeoJSON is read as it stands; GeoPackage, FlatGeobuf and zipped Shapefiles by GDAL, which is only
ever given a file that we have named after what its bytes say, in a folder of its own.
"""

from __future__ import annotations

import codecs
import json
import sqlite3
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from shapely.errors import ShapelyError

from geo import geopackages
from geo.unusable import UnusableFeatures
from infra.words import mark

MOST_ROWS = 200_000
MOST_UNPACKED_BYTES = 500_000_000
# The index of a Shapefile has eight bytes for each shape, behind its head.
_INDEX_HEAD, _INDEX_ROW = 100, 8
_CHUNK = 1 << 20

_ZIP, _GEOPACKAGE, _FLATGEOBUF = b"PK\x03\x04", b"SQLite format 3\0", b"fgb\x03"
_SHAPEFILE = (9994).to_bytes(4)
# The parts of a Shapefile that say something to us; the rest are indexes and notes.
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")

NOT_A_FILE = mark("the file is no GeoJSON, GeoPackage, FlatGeobuf or zipped Shapefile")
_BROKEN = mark("the file is a {format}, but broken or cut off")
_NO_LAYERS = mark("the file holds no shapes")
_SEVERAL = mark("the file holds several layers, of which one has to be named: {names}")
_NO_SUCH_LAYER = mark("the file holds no layer '{name}'; it has: {names}")
_TOO_MANY = mark("the file holds more than {most} features")
_TOO_LARGE = mark("the archive holds more than {megabytes} MB")
_OUTSIDE = mark("the archive holds a file that would lie outside of it: {name}")
_NOT_ONE_SHAPEFILE = mark("the archive has to hold one Shapefile, and holds {count}")
_UNEQUAL = mark("the Shapefile has not as many rows in its .dbf as shapes")
_INCOMPLETE = mark("the Shapefile in the archive has no {part}")
_LOCKED = mark("the archive is locked by a password, or packed in a way that cannot be read")
_OTHER_ENCODING = mark("the words of the Shapefile are in another encoding than it says")
_NO_COLLECTION = mark("the file is not a GeoJSON FeatureCollection")
_NO_FEATURES = mark("the collection has no features")
_NO_FEATURE = mark("feature {number} is not a GeoJSON feature")


@dataclass(frozen=True, slots=True)
class Rows:
    """The features of a file: their shapes, by Shapely or as GeoJSON has them, and properties.

    `values` gives what each feature has as the property of a name, None where it has none; `names`
    are those of all properties. `system`
    is the coordinate system that the file declares, if it does.
    """

    shapes: Sequence[Any]
    values: Callable[[str], Sequence[Any]]
    names: Sequence[str]
    system: str | None


def read(data: bytes, layer: str | None = None) -> Rows:
    """Read a file of whatever of the four formats its bytes are in.

    `layer` names one of several in a GeoPackage. Raise UnusableFeatures for anything else, for what
    is broken, and for what holds too much.
    """
    if data.startswith(_ZIP):
        return _read_zip(data, layer)
    if data.startswith(_GEOPACKAGE):
        return _read_by_gdal(data, "GeoPackage", ".gpkg", layer)
    if data.startswith(_FLATGEOBUF):
        return _read_by_gdal(data, "FlatGeobuf", ".fgb", layer)
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (RecursionError, ValueError) as error:
        if data.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
            raise UnusableFeatures(_BROKEN, format="JSON") from error
        raise UnusableFeatures(NOT_A_FILE) from error
    return of_geojson(document)


def of_geojson(document: Any) -> Rows:
    """Return the rows of a GeoJSON FeatureCollection; older ones may declare another system."""
    if not isinstance(document, Mapping) or document.get("type") != "FeatureCollection":
        raise UnusableFeatures(_NO_COLLECTION)
    members = document.get("features")
    if not isinstance(members, list) or not members:
        raise UnusableFeatures(_NO_FEATURES)
    if len(members) > MOST_ROWS:
        raise UnusableFeatures(_TOO_MANY, most=MOST_ROWS)
    properties = [_properties(number, one) for number, one in enumerate(members, 1)]
    shapes = [one.get("geometry") for one in members]
    names = list(dict.fromkeys(name for one in properties for name in one))
    return Rows(shapes, partial(_values_of, properties), names, _system_of(document))


def _properties(number: int, member: Any) -> Mapping[str, Any]:
    properties = (member.get("properties") or {}) if isinstance(member, Mapping) else None
    if not isinstance(properties, Mapping):
        raise UnusableFeatures(_NO_FEATURE, number=number)
    return properties


def _values_of(properties: Sequence[Mapping[str, Any]], name: str) -> Sequence[Any]:
    return [one.get(name) for one in properties]


def _system_of(document: Mapping[str, Any]) -> str | None:
    """Return what the member `crs` says, which GeoJSON had before RFC 7946."""
    said = document.get("crs")
    if said is None or isinstance(said, str):
        return said
    named = said.get("properties") if isinstance(said, Mapping) else None
    name = named.get("name") if isinstance(named, Mapping) else None
    # Whatever else it says, it is some system, and none that is known.
    return name if isinstance(name, str) else json.dumps(said)


def _read_zip(data: bytes, layer: str | None) -> Rows:
    with TemporaryDirectory() as folder:
        try:
            with ZipFile(BytesIO(data)) as archive:
                path = _unpack(archive, Path(folder))
        except UnusableFeatures:
            raise
        except (BadZipFile, EOFError, ValueError, struct.error, zlib.error) as error:
            raise UnusableFeatures(_BROKEN, format="ZIP") from error
        except (NotImplementedError, RuntimeError) as error:
            raise UnusableFeatures(_LOCKED) from error
        return _open(path, "Shapefile", layer)


def _unpack(archive: ZipFile, folder: Path) -> Path:
    """Write the archive's one Shapefile into the folder, under a name of ours."""
    members = [one for one in archive.infolist() if not one.is_dir()]
    for one in members:
        path = PurePosixPath(one.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in one.filename:
            raise UnusableFeatures(_OUTSIDE, name=one.filename[:80])
    found = {
        one.filename.lower(): one
        for one in members
        if "__macosx" not in one.filename.lower() and one.filename.lower().endswith(_PARTS)
    }
    shapefiles = [name for name in found if name.endswith(".shp")]
    if len(shapefiles) != 1:
        raise UnusableFeatures(_NOT_ONE_SHAPEFILE, count=len(shapefiles))
    stem, left = shapefiles[0].removesuffix(".shp"), MOST_UNPACKED_BYTES
    for part in _PARTS:
        member = found.get(stem + part)
        if member is not None:
            left -= _extract(archive, member, folder / f"layer{part}", left)
        elif part in _PARTS[:3]:
            raise UnusableFeatures(_INCOMPLETE, part=part)
    return _checked(folder / "layer.shp")


def _checked(path: Path) -> Path:
    """Return the path of a Shapefile; whatever else calls itself one, GDAL would open as well."""
    with path.open("rb") as file:
        if file.read(len(_SHAPEFILE)) != _SHAPEFILE:
            raise UnusableFeatures(_BROKEN, format="Shapefile")
    said, words = path.with_suffix(".cpg"), path.with_suffix(".dbf")
    if _rows_of(words) != (path.with_suffix(".shx").stat().st_size - _INDEX_HEAD) // _INDEX_ROW:
        raise UnusableFeatures(_UNEQUAL)
    if not said.exists() and _is_unicode(words):
        said.write_text("UTF-8")
    return path


def _rows_of(path: Path) -> int:
    """Return how many rows a table says that it has."""
    with path.open("rb") as file:
        return int.from_bytes(file.read(8)[4:], "little")


def _is_unicode(path: Path) -> bool:
    """Tell whether the words of a table that does not say their encoding can be read as UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32 or head[29]:
            return False
        file.seek(int.from_bytes(head[8:10], "little"))
        try:
            while piece := file.read(_CHUNK):
                decoder.decode(piece)
        except UnicodeDecodeError:
            return False
    return True


def _extract(archive: ZipFile, member: ZipInfo, path: Path, most_bytes: int) -> int:
    """Write a member to the path and return its size, which need not be the one it declares."""
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnusableFeatures(_LOCKED)
    size = 0
    with archive.open(member) as packed, path.open("wb") as file:
        while piece := packed.read(_CHUNK):
            size += len(piece)
            if size > most_bytes:
                raise UnusableFeatures(_TOO_LARGE, megabytes=MOST_UNPACKED_BYTES // 1_000_000)
            file.write(piece)
    return size


def _read_by_gdal(data: bytes, name: str, suffix: str, layer: str | None) -> Rows:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"layer{suffix}"
        path.write_bytes(data)
        if suffix == ".gpkg":
            _check_geopackage(path, name)
        return _open(path, name, layer)


def _check_geopackage(path: Path, name: str) -> None:
    try:
        geopackages.check(path)
    except (sqlite3.Error, UnicodeError) as error:
        raise UnusableFeatures(_BROKEN, format=name) from error


def _open(path: Path, name: str, layer: str | None) -> Rows:
    try:
        wanted = _chosen([str(one) for one, kind in pyogrio.list_layers(path) if kind], layer)
        meta, _, shapes, columns = pyogrio.raw.read(
            path, layer=wanted, max_features=MOST_ROWS + 1, datetime_as_string=True
        )
        drawn = _shapes(shapes)
    except (
        *(DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError),
        ShapelyError,
    ) as error:
        raise UnusableFeatures(_BROKEN, format=name) from error
    except UnicodeError as error:
        complaint = _OTHER_ENCODING if name == "Shapefile" else _BROKEN
        raise UnusableFeatures(complaint, format=name) from error
    if len(drawn) > MOST_ROWS:
        raise UnusableFeatures(_TOO_MANY, most=MOST_ROWS)
    if not len(drawn):
        raise UnusableFeatures(_NO_FEATURES)
    named = dict(zip(map(str, meta["fields"]), columns, strict=True))
    return Rows(drawn, partial(_column, named, len(drawn)), list(named), meta["crs"])


def _column(columns: Mapping[str, Any], count: int, name: str) -> Sequence[Any]:
    return _plain(columns[name]) if name in columns else [None] * count


def _shapes(written: Any) -> Any:
    try:
        return shapely.from_wkb(written)
    except ShapelyError:
        # Some ring is not closed; looking for it takes thrice as long.
        return shapely.from_wkb(written, on_invalid="fix")


def _chosen(names: Sequence[str], layer: str | None) -> str:
    told = ", ".join(names)
    if not names:
        raise UnusableFeatures(_NO_LAYERS)
    if layer is None and len(names) > 1:
        raise UnusableFeatures(_SEVERAL, names=told)
    if layer is not None and layer not in names:
        raise UnusableFeatures(_NO_SUCH_LAYER, name=layer, names=told)
    return layer or names[0]


def _plain(column: Any) -> list[Any]:
    """Return a column's values as Python has them; what is no number is nothing."""
    if np.issubdtype(column.dtype, np.floating):
        return [None if np.isnan(value) else whole(float(value)) for value in column]
    return list(column.tolist())


def whole(number: float) -> float | int:
    """Return the number, without a fraction where it has none."""
    # A column of whole numbers becomes one of fractions as soon as one of them is missing.
    return int(number) if number.is_integer() else number
