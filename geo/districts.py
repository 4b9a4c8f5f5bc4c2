"""Where a spot lies: the districts that cover it, how far their borders are, what is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.coordinates import Position
from geo.models import LayerRole
from geo.routing import Cover
from infra.database import Names
from infra.statements import Statement

# Cutting shapes into pieces moves a border by rounding, at most about 1e-13 degrees. Points nearer
# to a border than this width, a tenth of a millimetre, are asked of the whole shape instead.
HAIR_DEG = 1e-9

# Nearer to the antimeridian than ten degrees, hundreds of kilometres, both its sides are looked at.
TWICE_BEYOND_DEG = 170

# How many edges, by degrees, give the first bound on the distance to a border.
FIRST_EDGES = 8


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


# A spot near the antimeridian stands twice, the second time a turn of the globe away, since what
# lies behind the line is near on the ground and far on the plane. Longitude is shrunk by the
# cosine of the latitude where closest points are sought: degrees are not square on the ground.
_SPOTS = """
    spots AS (
        SELECT ST_Point(longitude, :latitude, 4326) AS point,
               ST_Point(:longitude, :latitude, 4326)::geography AS here,
               greatest(cos(radians(:latitude)), 1e-6) AS shrink
        FROM (
            VALUES (CAST(:longitude AS float8)), (CAST(:longitude_again AS float8))
        ) AS stands (longitude)
        WHERE longitude IS NOT NULL
    )
"""

_EDGE_DISTANCE = "edge_distance_m(e.edge, spots.point, spots.here, spots.shrink)"


def parts(near: str) -> str:
    """Return the question for pieces of shapes and, of those that have none, for the whole shapes.

    `near` says which, by what has to hold of a `piece`. It is said of either kind, since only then
    either kind's index is used. The answer's columns are `shape_id` and `piece`.
    """
    return f"""
        SELECT shape_id, piece FROM district_pieces WHERE {near}
        UNION ALL
        SELECT shape_id, piece FROM (
            SELECT id AS shape_id, shape AS piece FROM district_shapes WHERE whole
        ) AS whole WHERE {near}
    """


def parts_of_version(version_id: str, near: str) -> str:
    """Return the question for those parts that are of a version, in SQL, with their district's id.

    Whatever the planner takes versions to hold, parts that are near are looked up first: they are
    few, and a version may have tens of thousands. Nor are their shapes looked for among all of the
    version, hence the zero.
    """
    return f"""
        SELECT near.shape_id, near.piece, s.district_id
        FROM (SELECT * FROM ({parts(near)}) AS parts OFFSET 0) AS near
        CROSS JOIN LATERAL (
            SELECT district_id FROM district_shapes
            WHERE id = near.shape_id AND layer_version_id + 0 = {version_id} OFFSET 0
        ) AS s
    """


# The edge nearest by degrees need not be nearest on the ground. It gives the bound; then every
# edge within the bound is measured, a little generously, a degree of latitude being 110.5 km.
_CUT_BORDER_DISTANCE = f"""
    SELECT least(min({_EDGE_DISTANCE}), min(bound.distance_m)) AS distance_m
    FROM (
        SELECT min({_EDGE_DISTANCE}) AS distance_m
        FROM spots CROSS JOIN LATERAL (
            SELECT d.edge FROM district_edges d WHERE d.shape_id = s.id
            ORDER BY d.edge <-> spots.point LIMIT {FIRST_EDGES}
        ) AS e
    ) AS bound
    CROSS JOIN spots
    LEFT JOIN district_edges e ON e.shape_id = s.id AND e.edge && ST_Expand(
        spots.point, bound.distance_m / (1e5 * spots.shrink) + {HAIR_DEG},
        bound.distance_m / 1.1e5 + {HAIR_DEG}
    ) AND ST_DWithin(
        ST_Scale(ST_Envelope(e.edge), spots.shrink, 1), ST_Scale(spots.point, spots.shrink, 1),
        bound.distance_m / 1.1e5 + {HAIR_DEG}
    )
"""

_BORDER_DISTANCE = f"""
    SELECT CASE WHEN s.whole THEN (
        SELECT min({_EDGE_DISTANCE}) FROM spots, ST_Boundary(s.shape) AS e (edge)
    ) ELSE ({_CUT_BORDER_DISTANCE}) END AS distance_m
"""

# What a larger question begins with, given `values_at`: `hits` has a row for every district at the
# spot. It tells of it as one JSON array, `hit`, since on the way of every report many columns would
# cost more than they say.
HITS = f"""
    {_SPOTS},
    near AS (
        SELECT DISTINCT p.shape_id FROM spots
        CROSS JOIN LATERAL ({parts(f"ST_DWithin(piece, spots.point, {HAIR_DEG})")}) AS p
    ),
    hits AS (
        SELECT l.jurisdiction_id, j.code AS jurisdiction, l.role, d.code,
            json_build_array(
                l.jurisdiction_id, l.role, d.id, d.code, d.names,
                CASE WHEN s.whole OR EXISTS (
                    SELECT 1 FROM spots
                    JOIN district_edges e ON ST_DWithin(e.edge, spots.point, {HAIR_DEG})
                    WHERE e.shape_id = s.id
                ) THEN EXISTS (
                    SELECT 1 FROM spots WHERE ST_Covers(s.shape, spots.point)
                ) ELSE true END,
                CASE WHEN l.role = 'service' THEN ({_BORDER_DISTANCE}) END
            ) AS hit
        FROM near
        JOIN district_shapes s ON s.id = near.shape_id
        JOIN layers l ON l.published_version_id = s.layer_version_id AND l.retired_at IS NULL
        JOIN districts d ON d.id = s.district_id
        JOIN jurisdictions j ON j.id = l.jurisdiction_id AND j.retired_at IS NULL
    )
"""

ALL_HITS = "SELECT json_agg(hit ORDER BY jurisdiction, role, code) FROM hits"
"""What `hits_of` reads."""

_LOCATE = Statement(f"WITH {HITS} {ALL_HITS}")

_NEAREST = text(f"""
    WITH {_SPOTS}
    SELECT l.jurisdiction_id, border.distance_m
    FROM layers l
    JOIN jurisdictions j ON j.id = l.jurisdiction_id AND j.retired_at IS NULL
    JOIN district_shapes s ON s.layer_version_id = l.published_version_id
    CROSS JOIN LATERAL ({_BORDER_DISTANCE}) AS border
    WHERE l.role = 'boundary' AND l.retired_at IS NULL
    ORDER BY border.distance_m, j.code LIMIT 1
""")


def locate(session: Session, position: Position) -> list[Hit]:
    """Return every district of a published layer that covers the position, by code.

    Positions at longitude 180 and -180 are one spot. The cost depends on the number of districts
    there, not on how many vertices they have.
    """
    return hits_of(_LOCATE.scalar(session, values_at(position)))


def hits_of(told: list[list[Any]] | None) -> list[Hit]:
    """Return the districts that ALL_HITS told of."""
    return [_hit(*hit) for hit in told or ()]


def nearest(session: Session, position: Position) -> Near | None:
    """Return the jurisdiction whose boundary is nearest, or None where there is none."""
    row = session.execute(_NEAREST, values_at(position)).first()
    return None if row is None else Near(row.jurisdiction_id, row.distance_m)


def values_at(position: Position) -> dict[str, float | None]:
    """Return the values that HITS takes."""
    again = position.longitude + (-360 if position.longitude > 0 else 360)
    return {
        "latitude": position.latitude,
        "longitude": position.longitude,
        "longitude_again": again if abs(position.longitude) > TWICE_BEYOND_DEG else None,
    }


def _hit(jurisdiction_id: int, role: str, *district: Any) -> Hit:
    return Hit(jurisdiction_id, LayerRole(role), *district)
