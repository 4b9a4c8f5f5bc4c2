"""Asking where spots lie, and what PostGIS says of the whole, undivided shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geoalchemy2.shape import to_shape
from shapely import get_coordinates
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from city.models import Jurisdiction
from geo import districts, gis_files
from geo.coordinates import Position
from geo.districts import Hit
from geo.features import Feature, features_of
from geo.models import District, DistrictShape, Layer, LayerRole
from geo.routing import in_order

_COVERS = text("""
    SELECT d.code FROM district_shapes s
    JOIN layers l ON l.published_version_id = s.layer_version_id AND l.role = 'service'
    JOIN districts d ON d.id = s.district_id
    WHERE ST_Covers(s.shape, ST_SetSRID(ST_MakePoint(:longitude, :latitude), 4326))
    ORDER BY d.code
""")
_BORDER = text("""
    SELECT ST_Distance(
        ST_Boundary(s.shape)::geography,
        ST_SetSRID(ST_MakePoint(:longitude, :latitude), 4326)::geography
    )
    FROM district_shapes s
    JOIN layers l ON l.published_version_id = s.layer_version_id
    JOIN jurisdictions j ON j.id = l.jurisdiction_id
    JOIN districts d ON d.id = s.district_id
    WHERE d.code = :district AND (l.role = 'service' OR d.code = j.code)
""")


def at(latitude: float, longitude: float) -> Position:
    return Position(latitude=latitude, longitude=longitude)


def read_features(
    document: Any, code_property: str | None, name_property: str | None
) -> list[Feature]:
    """Return the districts in a GeoJSON document."""
    return features_of(gis_files.of_geojson(document), code_property, name_property)


def service_hits(session: Session, position: Position) -> list[Hit]:
    hits = districts.locate(session, position)
    return [hit for hit in hits if hit.role is LayerRole.SERVICE]


def chosen(session: Session, position: Position) -> str | None:
    """Return the code of the one district that a report there would be given."""
    ordered = in_order([hit.as_cover() for hit in service_hits(session, position)])
    return ordered[0].code if ordered else None


def covering(session: Session, position: Position) -> list[str]:
    """Return the service districts whose whole shapes cover the position, by code."""
    return list(session.scalars(_COVERS, _place(position)))


def border_m(session: Session, district: str, position: Position) -> float:
    """Return how far the whole shape's border is; a jurisdiction's code gives its boundary."""
    return float(session.execute(_BORDER, {"district": district, **_place(position)}).scalar_one())


def shapes(session: Session, jurisdiction: str) -> dict[str, BaseGeometry]:
    """Return the published shapes of a jurisdiction's service districts, by code."""
    rows = session.execute(
        select(District.code, DistrictShape.shape)
        .join(DistrictShape, DistrictShape.district_id == District.id)
        .join(Layer, Layer.published_version_id == DistrictShape.layer_version_id)
        .join(Jurisdiction, Jurisdiction.id == Layer.jurisdiction_id)
        .where(Layer.role == LayerRole.SERVICE, Jurisdiction.code == jurisdiction)
    )
    return {code: to_shape(shape) for code, shape in rows}


def vertices(drawn: Sequence[BaseGeometry]) -> list[Position]:
    """Return every corner of the shapes once."""
    corners = {(x, y) for shape in drawn for x, y in get_coordinates(shape).tolist()}
    return [at(y, x) for x, y in sorted(corners)]


def along(shape: BaseGeometry, count: int) -> list[Position]:
    """Return points on the border, evenly spread, as exactly as numbers allow."""
    border = shape.boundary
    places = (border.interpolate(number / count, normalized=True) for number in range(count))
    return [at(place.y, place.x) for place in places]


def _place(position: Position) -> dict[str, float]:
    return {"latitude": position.latitude, "longitude": position.longitude}
