"""Where a spot lies: the districts that cover it, how far their borders are, what is nearest."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from geo.coordinates import Position
from geo.models import LayerRole
from geo.routing import Cover
from infra.database import Names

# Cutting shapes into pieces moves a border by rounding, at most about 1e-13 degrees. Points nearer
# to a border than this width, a tenth of a millimetre, are asked of the whole shape instead.
HAIR_DEG = 1e-9


@dataclass(frozen=True, slots=True)
class Hit:
    """A district of a published layer at a spot; `exact` as in geo.routing.Cover."""

    jurisdiction_id: int
    role: LayerRole
    district_id: int
    code: str
    names: Names
    exact: bool
    border_distance_m: float | None

    def as_cover(self) -> Cover:
        """Return what the choice of routes needs to know."""
        return Cover(self.district_id, self.code, self.exact)


@dataclass(frozen=True, slots=True)
class Near:
    """A jurisdiction and how far away its boundary is."""

    jurisdiction_id: int
    distance_m: float


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a circle of doubt lies in a district, 0 to 1."""

    district_id: int
    code: str
    names: Names
    share: float


# Longitude is shrunk by the cosine of the latitude before the closest point is sought, since on
# the plane of degrees the closest point of an edge is not the closest one on the ground.
_EDGE_DISTANCE = """
    ST_Distance(
        ST_Scale(
            ST_ClosestPoint(
                ST_Scale(e.edge, spot.shrink, 1), ST_Scale(spot.point, spot.shrink, 1)
            ), 1 / spot.shrink, 1
        )::geography, spot.point::geography
    )
"""

_SPOT = """
    spot AS (
        SELECT ST_SetSRID(ST_MakePoint(:longitude, :latitude), 4326) AS point,
               greatest(cos(radians(:latitude)), 1e-6) AS shrink
    )
"""

# A seam at the antimeridian is no border: the district goes on behind it.
_NO_SEAM = "NOT (abs(ST_XMin(e.edge)) = 180 AND ST_XMin(e.edge) = ST_XMax(e.edge))"

_LOCATE = text(f"""
    WITH {_SPOT},
    near AS (
        SELECT DISTINCT p.shape_id FROM district_pieces p, spot
        WHERE ST_DWithin(p.piece, spot.point, {HAIR_DEG})
    )
    SELECT l.jurisdiction_id, l.role, d.id AS district_id, d.code, d.names,
        CASE WHEN EXISTS (
            SELECT 1 FROM district_edges e
            WHERE e.shape_id = s.id AND ST_DWithin(e.edge, spot.point, {HAIR_DEG})
        ) THEN ST_Covers(s.shape, spot.point) ELSE true END AS exact,
        CASE WHEN l.role = 'service' THEN (
            SELECT min(distance_m) FROM (
                SELECT {_EDGE_DISTANCE} AS distance_m FROM district_edges e
                WHERE e.shape_id = s.id AND {_NO_SEAM}
                ORDER BY e.edge <-> spot.point LIMIT 16
            ) AS nearest
        ) END AS border_distance_m
    FROM near
    JOIN district_shapes s ON s.id = near.shape_id
    JOIN layers l ON l.published_version_id = s.layer_version_id AND l.retired_at IS NULL
    JOIN districts d ON d.id = s.district_id
    JOIN jurisdictions j ON j.id = l.jurisdiction_id AND j.retired_at IS NULL
    CROSS JOIN spot
    ORDER BY j.code, l.role, d.code
""")

_NEAREST = text(f"""
    WITH {_SPOT}
    SELECT l.jurisdiction_id, min({_EDGE_DISTANCE}) AS distance_m
    FROM layers l
    JOIN jurisdictions j ON j.id = l.jurisdiction_id AND j.retired_at IS NULL
    JOIN district_shapes s ON s.layer_version_id = l.published_version_id
    CROSS JOIN spot
    CROSS JOIN LATERAL (
        SELECT e.edge FROM district_edges e
        WHERE e.shape_id = s.id ORDER BY e.edge <-> spot.point LIMIT 16
    ) AS e
    WHERE l.role = 'boundary'
    GROUP BY l.jurisdiction_id, spot.shrink, j.code
    ORDER BY distance_m, j.code LIMIT 1
""")

_SHARES = text(f"""
    WITH {_SPOT},
    circle AS (
        SELECT ST_Buffer(spot.point::geography, :accuracy_m)::geometry AS area FROM spot
    )
    SELECT d.id AS district_id, d.code, d.names,
        sum(ST_Area(ST_Intersection(p.piece, circle.area))) / ST_Area(circle.area) AS share
    FROM circle
    JOIN district_pieces p ON ST_Intersects(p.piece, circle.area)
    JOIN district_shapes s ON s.id = p.shape_id
    JOIN layers l ON l.published_version_id = s.layer_version_id
    JOIN districts d ON d.id = s.district_id
    WHERE l.jurisdiction_id = :jurisdiction_id AND l.role = 'service'
    GROUP BY d.id, d.code, d.names, circle.area
    ORDER BY share DESC, d.code
""")


def locate(session: Session, position: Position) -> list[Hit]:
    """Return every district of a published layer that covers the position, by code.

    Its cost depends on the number of districts there, not on how many vertices they have.
    """
    rows = session.execute(_LOCATE, _place(position))
    return [_hit(row) for row in rows]


def nearest(session: Session, position: Position) -> Near | None:
    """Return the jurisdiction whose boundary is nearest, or None where there is none."""
    row = session.execute(_NEAREST, _place(position)).first()
    return None if row is None else Near(row.jurisdiction_id, row.distance_m)


def shares(
    session: Session, jurisdiction_id: int, position: Position, accuracy_m: float
) -> list[Share]:
    """Return how the circle of `accuracy_m` around the position falls on the service districts.

    The greatest share comes first; what lies in no district is left out.
    """
    values = {"jurisdiction_id": jurisdiction_id, "accuracy_m": accuracy_m, **_place(position)}
    return [
        Share(row.district_id, row.code, row.names, min(1.0, row.share))
        for row in session.execute(_SHARES, values)
    ]


def _place(position: Position) -> dict[str, float]:
    return {"longitude": position.longitude, "latitude": position.latitude}


def _hit(row: Row[tuple[object, ...]]) -> Hit:
    return Hit(
        jurisdiction_id=row.jurisdiction_id,
        role=LayerRole(row.role),
        district_id=row.district_id,
        code=row.code,
        names=row.names,
        exact=row.exact,
        border_distance_m=row.border_distance_m,
    )
