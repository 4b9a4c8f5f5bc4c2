"""Files of geographic information, written as cities' offices write them."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".shp": "ESRI Shapefile"}
FORMATS = (".geojson", ".gpkg", ".fgb", ".zip")


def written(
    folder: Path,
    suffix: str,
    shapes: Mapping[str, BaseGeometry],
    *,
    system: str | None = "EPSG:4326",
    names: Sequence[str] | None = None,
    layer: str = "layer",
    **options: Any,
) -> bytes:
    """Return a file of that format whose features have `code` and `nom`, in that system."""
    codes = list(shapes)
    told = list(names or (code.title() for code in codes))
    if suffix == ".geojson":
        return _geojson(shapes, told, system)
    path = folder / f"{layer}{'.shp' if suffix == '.zip' else suffix}"
    kind = options.pop("geometry_type", "Polygon" if suffix == ".zip" else "Unknown")
    write(
        path,
        np.array([shapely.to_wkb(shape) for shape in shapes.values()], dtype=object),
        [np.array(codes, dtype=object), np.array(told, dtype=object)],
        ["code", "nom"],
        driver=DRIVERS[path.suffix],
        geometry_type=kind,
        crs=system,
        layer=layer if suffix == ".gpkg" else None,
        **options,
    )
    return packed(folder, layer) if suffix == ".zip" else path.read_bytes()


def write(path: Path, *what: Any, **how: Any) -> None:
    """Write a file by GDAL, whatever it has to say about that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(path, *what, **how)


def packed(folder: Path, stem: str, *, without: str | None = None) -> bytes:
    """Return a ZIP of what of a Shapefile lies in the folder."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob(f"{stem}.*")):
            if path.suffix != without:
                archive.write(path, f"données/{path.name}")
    return output.getvalue()


def projected(shape: BaseGeometry, system: str) -> BaseGeometry:
    """Return a shape in longitude and latitude as it stands in another system."""
    turn = Transformer.from_crs("EPSG:4326", system, always_xy=True)

    def convert(coordinates: Any) -> Any:
        return np.column_stack(turn.transform(coordinates[:, 0], coordinates[:, 1]))

    return shapely.transform(shape, convert)


def _geojson(shapes: Mapping[str, BaseGeometry], names: Sequence[str], system: str | None) -> bytes:
    document: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": code, "nom": name},
                "geometry": json.loads(shapely.to_geojson(shape)),
            }
            for (code, shape), name in zip(shapes.items(), names, strict=True)
        ],
    }
    if system not in {None, "EPSG:4326"}:
        code = str(system).removeprefix("EPSG:")
        document["crs"] = {
            "type": "name",
            "properties": {"name": f"urn:ogc:def:crs:EPSG::{code}"},
        }
    return json.dumps(document).encode()
