"""Layers: publishing a new version at one moment, and reading what is published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geoalchemy2.shape import from_shape
from shapely import force_2d, to_wkb
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from geo import seam
from geo.columns import SRID
from geo.features import Feature
from geo.models import District, DistrictShape, Layer, LayerVersion
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
    fingerprint = checksum(features)
    published = session.get(LayerVersion, layer.published_version_id or 0)
    if published is not None and published.checksum == fingerprint:
        return Publication(published.number, changed=False, added=(), retired=())
    version = LayerVersion(
        jurisdiction_id=layer.jurisdiction_id,
        layer_id=layer.id,
        number=_next_number(session, layer),
        checksum=fingerprint,
        created_at=now,
        published_at=now,
    )
    session.add(version)
    session.flush()
    added, retired = _match_districts(session, layer, features, locale, now)
    _write_shapes(session, version, features)
    layer.published_version_id = version.id
    session.flush()
    return Publication(version.number, changed=True, added=added, retired=retired)


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


def _match_districts(
    session: Session, layer: Layer, features: Sequence[Feature], locale: str, now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    known = {
        district.code: district
        for district in session.scalars(select(District).where(District.layer_id == layer.id))
    }
    wanted = {feature.code: feature for feature in features}
    for code, feature in wanted.items():
        if district := known.get(code):
            district.names = {**district.names, locale: feature.name}
            district.retired_at = None
    added = sorted(wanted.keys() - known.keys())
    session.add_all(
        District(
            jurisdiction_id=layer.jurisdiction_id,
            layer_id=layer.id,
            code=code,
            names={locale: wanted[code].name},
        )
        for code in added
    )
    session.flush()
    retired = sorted(code for code in known.keys() - wanted.keys() if not known[code].retired_at)
    session.execute(
        update(District)
        .where(District.layer_id == layer.id, District.code.in_(retired))
        .values(retired_at=now)
    )
    return tuple(added), tuple(retired)


def _write_shapes(session: Session, version: LayerVersion, features: Sequence[Feature]) -> None:
    ids = district_ids(session, version.layer_id)
    session.execute(
        insert(DistrictShape),
        [
            {
                "jurisdiction_id": version.jurisdiction_id,
                "layer_version_id": version.id,
                "district_id": ids[feature.code],
                "shape": from_shape(force_2d(feature.shape), srid=SRID),
            }
            for feature in features
        ],
    )
    session.execute(_CUT_PIECES, {"version_id": version.id})
    session.execute(
        _CUT_EDGES,
        [
            {
                "version_id": version.id,
                "district_id": ids[feature.code],
                "border": to_wkb(seam.border(feature.shape)),
            }
            for feature in features
        ],
    )
