"""Layers: publishing a new version at one moment, and reading what is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geoalchemy2.shape import to_shape
from shapely import force_2d, set_srid, to_geojson, to_wkb
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from geo import seam
from geo.columns import SRID
from geo.coordinates import Position
from geo.features import Feature
from geo.models import District, DistrictShape, Layer, LayerRole, LayerVersion
from infra.database import Names

PIECE_VERTICES = 32

# A shape is subdivided as polygons and its border as lines; a piece may come out as several.
_CUT_PIECES = text(f"""
    INSERT INTO district_pieces (jurisdiction_id, shape_id, piece)
    SELECT s.jurisdiction_id, s.id, (ST_Dump(part)).geom
    FROM district_shapes s, ST_Subdivide(s.shape, {PIECE_VERTICES}) AS part
    WHERE s.layer_version_id = :version_id
""")
_CUT_EDGES = text(f"""
    INSERT INTO district_edges (jurisdiction_id, shape_id, edge)
    SELECT s.jurisdiction_id, s.id, (ST_Dump(part)).geom
    FROM district_shapes s, ST_Subdivide(ST_Boundary(s.shape), {PIECE_VERTICES}) AS part
    WHERE s.layer_version_id = :version_id AND NOT s.district_id = ANY(:at_seam)
""")
# What the antimeridian cuts in two has no border there.
_CUT_EDGES_AT_SEAM = text(f"""
    INSERT INTO district_edges (jurisdiction_id, shape_id, edge)
    SELECT s.jurisdiction_id, s.id, (ST_Dump(part)).geom
    FROM district_shapes s,
        ST_Subdivide(ST_SetSRID(ST_GeomFromWKB(:border), {SRID}), {PIECE_VERTICES}) AS part
    WHERE s.layer_version_id = :version_id AND s.district_id = :district_id
""")


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing did: nothing when the version stood already."""

    version: int
    changed: bool
    added: tuple[str, ...]
    retired: tuple[str, ...]


def checksum(features: Sequence[Feature]) -> str:
    """Return a fingerprint of the districts, whatever order they come in."""
    digest = hashlib.sha256()
    for feature in sorted(features, key=lambda feature: feature.code):
        digest.update(f"{feature.code}\0{feature.name}\0".encode())
        digest.update(to_wkb(force_2d(feature.shape)))
    return digest.hexdigest()


def publish(
    session: Session, layer: Layer, features: Sequence[Feature], locale: str, now: datetime
) -> Publication:
    """Make the features the layer's published version; the one before stays for history.

    `locale` is the language of the features' names. Unchanged features publish nothing.
    """
    published = session.get(LayerVersion, layer.published_version_id or 0)
    if published is not None and published.checksum == checksum(features):
        return Publication(published.number, changed=False, added=(), retired=())
    version = add_version(session, layer, features, locale, now)
    return publish_version(session, layer, version, now)


def add_version(
    session: Session, layer: Layer, features: Sequence[Feature], locale: str, now: datetime
) -> LayerVersion:
    """Keep the features as the layer's next version, which changes nothing until it is published.

    `locale` is the language of the features' names.
    """
    version = LayerVersion(
        jurisdiction_id=layer.jurisdiction_id,
        layer_id=layer.id,
        number=_next_number(session, layer),
        checksum=checksum(features),
        created_at=now,
        repaired=[feature.code for feature in features if feature.repaired],
    )
    session.add(version)
    session.flush()
    known = _known(session, layer)
    # Whoever is new is in use from the publishing on.
    session.add_all(
        District(
            jurisdiction_id=layer.jurisdiction_id,
            layer_id=layer.id,
            code=feature.code,
            names={locale: feature.name},
            retired_at=now,
        )
        for feature in sorted(features, key=lambda feature: feature.code)
        if feature.code not in known
    )
    session.flush()
    _write_shapes(session, version, features, locale, _known(session, layer))
    return version


def publish_version(
    session: Session, layer: Layer, version: LayerVersion, now: datetime
) -> Publication:
    """Have a version that was kept be the layer's published one, be it new or an earlier one.

    Districts that it has not are retired, those that come back are in use again.
    """
    rows = session.execute(
        select(DistrictShape.district_id, DistrictShape.names).where(
            DistrictShape.layer_version_id == version.id
        )
    )
    names: dict[int, Names] = dict(rows.all())
    added, retired = [], []
    for district in _known(session, layer).values():
        if district.id in names:
            if district.retired_at is not None:
                added.append(district.code)
            district.names, district.retired_at = {**district.names, **names[district.id]}, None
        elif district.retired_at is None:
            retired.append(district.code)
            district.retired_at = now
    version.published_at = version.published_at or now
    layer.published_version_id = version.id
    session.flush()
    return Publication(version.number, True, tuple(sorted(added)), tuple(sorted(retired)))


def versions_of(session: Session, layer_id: int) -> list[tuple[LayerVersion, int]]:
    """Return the layer's versions, the newest first, each with how many districts it has."""
    query = (
        select(LayerVersion, func.count(DistrictShape.id))
        .outerjoin(DistrictShape, DistrictShape.layer_version_id == LayerVersion.id)
        .where(LayerVersion.layer_id == layer_id)
        .group_by(LayerVersion.id)
        .order_by(LayerVersion.number.desc())
    )
    return [(version, count) for version, count in session.execute(query)]


def as_geojson(session: Session, version: LayerVersion) -> dict[str, Any]:
    """Return the version's districts as a FeatureCollection that gives the same ones when read.

    Properties are `code`, `name` (in the language of its file) and `names`.
    """
    rows = session.execute(
        select(District.code, DistrictShape.names, DistrictShape.shape)
        .join(District, District.id == DistrictShape.district_id)
        .where(DistrictShape.layer_version_id == version.id)
        .order_by(District.code)
    )
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": next(iter(names.values()), code), "names": names},
            "geometry": json.loads(to_geojson(to_shape(shape))),
        }
        for code, names, shape in rows
    ]
    return {"type": "FeatureCollection", "features": features}


def outline(session: Session, jurisdiction_id: int) -> BaseGeometry | None:
    """Return the boundary of a jurisdiction, or None where it has none yet."""
    found = session.scalar(
        select(DistrictShape.shape)
        .join(Layer, Layer.published_version_id == DistrictShape.layer_version_id)
        .where(Layer.jurisdiction_id == jurisdiction_id, Layer.role == LayerRole.BOUNDARY.value)
    )
    return to_shape(found) if found is not None else None


def centre(session: Session, jurisdiction_id: int) -> Position | None:
    """Return a spot in the middle of a jurisdiction, or None where it has no boundary yet."""
    shape = outline(session, jurisdiction_id)
    if shape is None:
        return None
    spot = shape.representative_point()
    return Position(latitude=spot.y, longitude=spot.x)


def lie_in(session: Session, jurisdiction_id: int, features: Sequence[Feature]) -> bool:
    """Tell whether any of the districts has a part in the jurisdiction."""
    shape = outline(session, jurisdiction_id)
    return shape is None or any(shape.intersects(feature.shape) for feature in features)


def district_ids(session: Session, layer_id: int) -> dict[str, int]:
    """Return the layer's districts that are in use, code to id."""
    query = select(District.code, District.id).where(
        District.layer_id == layer_id, District.retired_at.is_(None)
    )
    return dict(session.execute(query).all())


def district_names(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, Names]]:
    """Return code and names of districts, retired ones included."""
    query = select(District.id, District.code, District.names).where(District.id.in_(ids))
    return {id_: (code, names) for id_, code, names in session.execute(query)}


def _next_number(session: Session, layer: Layer) -> int:
    highest = session.scalar(
        select(func.max(LayerVersion.number)).where(LayerVersion.layer_id == layer.id)
    )
    return (highest or 0) + 1


def _known(session: Session, layer: Layer) -> dict[str, District]:
    """Return the districts that the layer has or had, by code."""
    query = select(District).where(District.layer_id == layer.id)
    return {district.code: district for district in session.scalars(query)}


def _write_shapes(
    session: Session,
    version: LayerVersion,
    features: Sequence[Feature],
    locale: str,
    known: Mapping[str, District],
) -> None:
    session.execute(
        insert(DistrictShape),
        [
            {
                "jurisdiction_id": version.jurisdiction_id,
                "layer_version_id": version.id,
                "district_id": known[feature.code].id,
                "names": {locale: feature.name},
                "shape": _as_hex(feature.shape),
            }
            for feature in features
        ],
    )
    session.execute(_CUT_PIECES, {"version_id": version.id})
    at_seam = {known[one.code].id: one.shape for one in features if seam.touches(one.shape)}
    values = {"version_id": version.id, "at_seam": list(at_seam)}
    session.execute(_CUT_EDGES, values)
    for district_id, shape in at_seam.items():
        border = to_wkb(seam.border(shape))
        values = {"version_id": version.id, "district_id": district_id, "border": border}
        session.execute(_CUT_EDGES_AT_SEAM, values)


def _as_hex(shape: BaseGeometry) -> str:
    """Return the shape as PostGIS reads it whole; GeoAlchemy would write it to 16 decimals."""
    return to_wkb(set_srid(force_2d(shape), SRID), hex=True, include_srid=True)
