"""Reference layers: roads, poles, parks and what else rules may ask a report to be near to."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from numpy.typing import NDArray
from shapely import GeometryType
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import features, layers
from geo.columns import as_bytes, with_srid
from geo.conditions import as_text
from geo.coordinates import Position
from geo.gis_files import Rows
from geo.layers import Publication
from geo.models import Layer, LayerVersion, ReferenceFeature
from geo.unusable import UnusableFeatures
from infra.copying import JSONB_MARK, copy
from infra.words import mark

LONGEST_VALUE = 200
_KINDS = (
    *(GeometryType.POINT, GeometryType.LINESTRING, GeometryType.POLYGON),
    *(GeometryType.MULTIPOINT, GeometryType.MULTILINESTRING, GeometryType.MULTIPOLYGON),
)
_AREAS = (GeometryType.POLYGON.value, GeometryType.MULTIPOLYGON.value)
_COLUMNS = {
    "jurisdiction_id": "int8",
    "layer_version_id": "int8",
    "code": "text",
    "properties": "bytea",
    "shape": "bytea",
}

_NO_SHAPE = mark("the geometry of '{code}' is no point, line or area")
_BEHIND = mark("'{code}' lies across the antimeridian, and has to be cut there")


@dataclass(frozen=True, slots=True)
class Reference:
    """A feature of a reference layer: its code, what is known of it, and where it is."""

    code: str
    properties: Mapping[str, object]
    shape: BaseGeometry
    repaired: bool


def references_of(
    file: Rows, code_property: str | None, city: Position | None = None
) -> list[Reference]:
    """Return the points, lines and areas that the rows of a file describe.

    Codes and coordinates are taken as `geo.features.features_of` does. Of the properties those are
    kept that are words, numbers, or true or false. Raise UnusableFeatures.
    """
    codes, drawn = features.placed(file, code_property, _KINDS, _NO_SHAPE, city)
    bounds = shapely.bounds(drawn)
    behind = (bounds[:, 0] < -180) | (bounds[:, 2] > 180)
    if behind.any():
        raise UnusableFeatures(_BEHIND, code=codes[int(np.argmax(behind))])
    kept, repaired = _mended(codes, drawn)
    columns = {name: file.values(name) for name in file.names}
    properties = [
        {name: value for name, value in zip(columns, values, strict=True) if _is_plain(value)}
        for values in zip(*columns.values(), strict=True)
    ] or [{} for _ in codes]
    return [Reference(*one) for one in zip(codes, properties, kept, repaired, strict=True)]


def publish(
    session: Session, layer: Layer, references: Sequence[Reference], now: datetime
) -> Publication:
    """Make the features the layer's published version; unchanged ones publish nothing."""
    return layers.unchanged(session, layer, _checksum(references)) or layers.publish_version(
        session, layer, add_version(session, layer, references, now), now
    )


def add_version(
    session: Session, layer: Layer, references: Sequence[Reference], now: datetime
) -> LayerVersion:
    """Keep the features as the layer's next version; nothing changes until it is published."""
    repaired = [one.code for one in references if one.repaired]
    version = layers.new_version(session, layer, _checksum(references), repaired, now)
    rows = (
        (version.jurisdiction_id, version.id, code, JSONB_MARK + told, shape)
        for code, told, shape in _written(references)
    )
    copy(session, ReferenceFeature.__tablename__, _COLUMNS, rows)
    return version


def as_geojson(session: Session, version: LayerVersion) -> dict[str, Any]:
    """Return the version's features as a FeatureCollection; `code` is among the properties."""
    rows = session.execute(
        select(ReferenceFeature.code, ReferenceFeature.properties, ReferenceFeature.shape)
        .where(ReferenceFeature.layer_version_id == version.id)
        .order_by(ReferenceFeature.code)
    )
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {**properties, "code": code},
                "geometry": json.loads(shapely.to_geojson(to_shape(shape))),
            }
            for code, properties, shape in rows
        ],
    }


def any_is_so(
    session: Session, version_id: int, where: Sequence[tuple[str, frozenset[str]]]
) -> bool:
    """Tell whether a feature of the version has one of the values of each of these properties."""
    if not where:
        return True
    columns = [ReferenceFeature.properties[name] for name, _ in where]
    query = select(*columns).where(ReferenceFeature.layer_version_id == version_id).distinct()
    return any(
        all(as_text(value) in wanted for value, (_, wanted) in zip(row, where, strict=True))
        for row in session.execute(query)
    )


def _checksum(references: Sequence[Reference]) -> str:
    """Return a fingerprint of the features, whatever order they come in."""
    digest = hashlib.sha256()
    for code, told, shape in sorted(_written(references)):
        digest.update(b"\0".join((code.encode(), told, shape)))
    return digest.hexdigest()


def _written(references: Sequence[Reference]) -> Iterator[tuple[str, bytes, bytes]]:
    drawn = as_bytes(np.array([one.shape for one in references], dtype=object))
    for one, shape in zip(references, map(with_srid, drawn), strict=True):
        yield one.code, json.dumps(dict(one.properties), sort_keys=True).encode(), shape


def _mended(
    codes: Sequence[str], drawn: NDArray[np.object_]
) -> tuple[NDArray[np.object_], list[bool]]:
    """Return the shapes with areas whose rings crossed mended, and which those are."""
    areas = np.isin(shapely.get_type_id(drawn), _AREAS)
    broken = areas & ~shapely.is_valid(drawn)
    kept = drawn.copy()
    for index in np.flatnonzero(broken).tolist():
        kept[index] = features.mend(codes[index], drawn[index])
    return kept, broken.tolist()


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_VALUE and not features.UNSTORABLE.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, bool | int)
