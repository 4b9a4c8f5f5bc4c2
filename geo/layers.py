"""Layers: publishing a new version at one moment, and reading what is published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from geoalchemy2.shape import to_shape
from shapely import to_geojson
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ScalarSelect, func, select, text
from sqlalchemy.orm import Session

from geo import cutting
from geo.columns import as_bytes
from geo.coordinates import Position
from geo.features import Feature
from geo.models import (
    District,
    DistrictShape,
    Layer,
    LayerRole,
    LayerVersion,
    ReferenceFeature,
)
from infra.database import Names

# Whoever is new is in use from the publishing on.
_ADD_DISTRICTS = text("""
    INSERT INTO districts (jurisdiction_id, layer_id, code, names, retired_at)
    SELECT :jurisdiction_id, :layer_id, code, jsonb_build_object(CAST(:locale AS text), name), :now
    FROM unnest(CAST(:codes AS text[]), CAST(:names AS text[])) AS new (code, name)
""")
_TAKE_UP = text("""
    UPDATE districts d SET names = d.names || s.names, retired_at = NULL
    FROM district_shapes s JOIN districts before ON before.id = s.district_id
    WHERE s.layer_version_id = :version_id AND d.id = before.id
        AND (before.retired_at IS NOT NULL OR NOT before.names @> s.names)
    RETURNING d.code, before.retired_at IS NOT NULL
""")
_RETIRE = text("""
    UPDATE districts d SET retired_at = :now
    WHERE d.layer_id = :layer_id AND d.retired_at IS NULL AND d.id NOT IN (
        SELECT s.district_id FROM district_shapes s WHERE s.layer_version_id = :version_id
    )
    RETURNING d.code
""")


def _count(kind: type[DistrictShape | ReferenceFeature]) -> ScalarSelect[int]:
    query = select(func.count()).where(kind.layer_version_id == LayerVersion.id)
    return query.correlate(LayerVersion).scalar_subquery()


_SIZE = _count(DistrictShape) + _count(ReferenceFeature)


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing did: nothing when the version stood already."""

    version: int
    changed: bool
    added: tuple[str, ...]
    retired: tuple[str, ...]


def checksum(features: Sequence[Feature]) -> str:
    """Return a fingerprint of the districts, whatever order they come in."""
    return _fingerprint(features, _drawn(features))


def publish(
    session: Session, layer: Layer, features: Sequence[Feature], locale: str, now: datetime
) -> Publication:
    """Make the features the layer's published version; the one before stays for history.

    `locale` is the language of the features' names. Unchanged features publish nothing.
    """
    return unchanged(session, layer, checksum(features)) or publish_version(
        session, layer, add_version(session, layer, features, locale, now), now
    )


def unchanged(session: Session, layer: Layer, checksum: str) -> Publication | None:
    """Return what is published where that has the checksum."""
    published = session.get(LayerVersion, layer.published_version_id or 0)
    if published is None or published.checksum != checksum:
        return None
    return Publication(published.number, changed=False, added=(), retired=())


def add_version(
    session: Session, layer: Layer, features: Sequence[Feature], locale: str, now: datetime
) -> LayerVersion:
    """Keep the features as the layer's next version, which changes nothing until it is published.

    `locale` is the language of the features' names.
    """
    repaired = [feature.code for feature in features if feature.repaired]
    # All corners are read once, while the database looks which districts there are.
    with ThreadPoolExecutor(1) as pool:
        drawing = pool.submit(_drawn, features)
        version = new_version(session, layer, "", repaired, now)
        ids = _district_ids(session, layer, features, locale, now)
        drawn = drawing.result()
        fingerprint = pool.submit(_fingerprint, features, drawn)
        cutting.write(session, version, features, drawn, locale, ids)
        version.checksum = fingerprint.result()
    return version


def _drawn(features: Sequence[Feature]) -> list[bytes]:
    return as_bytes(np.array([feature.shape for feature in features], dtype=object))


def _fingerprint(features: Sequence[Feature], drawn: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    codes = [feature.code for feature in features]
    for index in sorted(range(len(codes)), key=codes.__getitem__):
        digest.update(f"{codes[index]}\0{features[index].name}\0".encode())
        digest.update(drawn[index])
    return digest.hexdigest()


def _district_ids(
    session: Session, layer: Layer, features: Sequence[Feature], locale: str, now: datetime
) -> dict[str, int]:
    """Return the layer's districts, code to id; those that it never had before are added."""
    known = _known(session, layer)
    new = {feature.code: feature.name for feature in features if feature.code not in known}
    if not new:
        return known
    codes = sorted(new)
    values = {
        "jurisdiction_id": layer.jurisdiction_id,
        "layer_id": layer.id,
        "locale": locale,
        "now": now,
        "codes": codes,
        "names": [new[code] for code in codes],
    }
    session.execute(_ADD_DISTRICTS, values)
    return _known(session, layer)


def new_version(
    session: Session, layer: Layer, checksum: str, repaired: list[str], now: datetime
) -> LayerVersion:
    """Begin the layer's next version, which holds nothing yet."""
    version = LayerVersion(
        jurisdiction_id=layer.jurisdiction_id,
        layer_id=layer.id,
        number=_next_number(session, layer),
        checksum=checksum,
        created_at=now,
        repaired=repaired,
    )
    session.add(version)
    session.flush()
    return version


def publish_version(
    session: Session, layer: Layer, version: LayerVersion, now: datetime
) -> Publication:
    """Have a version that was kept be the layer's published one, be it new or an earlier one.

    Districts that it has not are retired, those that come back are in use again.
    """
    session.flush()
    values = {"layer_id": layer.id, "version_id": version.id, "now": now}
    taken_up = session.execute(_TAKE_UP, values)
    added = sorted(code for code, was_retired in taken_up if was_retired)
    retired = sorted(session.scalars(_RETIRE, values))
    version.published_at = version.published_at or now
    layer.published_version_id = version.id
    session.flush()
    return Publication(version.number, True, tuple(added), tuple(retired))


def versions_of(
    session: Session, layer_ids: Sequence[int]
) -> dict[int, list[tuple[LayerVersion, int]]]:
    """Return each layer's versions, the newest first, each with how many features it has."""
    query = (
        select(LayerVersion, _SIZE)
        .where(LayerVersion.layer_id.in_(layer_ids))
        .order_by(LayerVersion.number.desc())
    )
    found: dict[int, list[tuple[LayerVersion, int]]] = {id_: [] for id_ in layer_ids}
    for version, size_ in session.execute(query):
        found[version.layer_id].append((version, size_))
    return found


def size(session: Session, version: LayerVersion) -> int:
    """Return how many districts, or features of a reference layer, the version has."""
    return session.scalars(select(_SIZE).where(LayerVersion.id == version.id)).one()


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


def lie_in(session: Session, jurisdiction_id: int, shapes: Iterable[BaseGeometry]) -> bool:
    """Tell whether any of the shapes has a part in the jurisdiction."""
    whole = outline(session, jurisdiction_id)
    return whole is None or any(whole.intersects(shape) for shape in shapes)


def district_names(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, Names]]:
    """Return code and names of districts, retired ones included."""
    query = select(District.id, District.code, District.names).where(District.id.in_(ids))
    return {id_: (code, names) for id_, code, names in session.execute(query)}


def _next_number(session: Session, layer: Layer) -> int:
    highest = session.scalar(
        select(func.max(LayerVersion.number)).where(LayerVersion.layer_id == layer.id)
    )
    return (highest or 0) + 1


def _known(session: Session, layer: Layer) -> dict[str, int]:
    """Return the districts that the layer has or had, code to id."""
    # As two arrays, since a row each of 35,000 districts costs Python more than the database.
    query = select(func.array_agg(District.code), func.array_agg(District.id)).where(
        District.layer_id == layer.id
    )
    codes, ids = session.execute(query).one()
    return dict(zip(codes or (), ids or (), strict=True))
