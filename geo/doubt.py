"""Vague positions: how a circle of doubt falls on the districts, and which is the likeliest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.coordinates import Position
from geo.districts import TWICE_BEYOND_DEG, parts_of_version
from infra.columns import written
from infra.database import Names

# A circle as wide as a city tells nothing, and would cost much to cut.
MAX_DOUBT_M = 5_000
# A circle narrower than this would be no more than a point.
_MIN_DOUBT_M = 0.1

# Closer than a millionth of the circle, which is what areas may be wrong by, shares are the same.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a circle of doubt lies in a district, 0 to 1."""

    district_id: int
    code: str
    names: Names
    share: float


# A circle is drawn at longitude 0 and moved, so that the antimeridian does not tear it; near to
# that it stands twice, as in geo.districts. Of a version that was brought a moment ago the planner
# knows nothing, so MATERIALIZED and OFFSET tell it the order: each circle is drawn once, what it
# may touch is looked up, and only what is of the version is cut.
_SHARES = f"""
    WITH circles AS MATERIALIZED (
        SELECT asked.number, ST_Translate(drawn.area, stands.longitude, 0) AS area,
            ST_Area(drawn.area) AS whole
        FROM unnest(
            CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[]),
            CAST(:radii_m AS float8[])
        ) WITH ORDINALITY AS asked (longitude, latitude, radius_m, number)
        CROSS JOIN LATERAL (
            SELECT ST_Buffer(
                ST_SetSRID(ST_MakePoint(0, asked.latitude), 4326)::geography,
                least(greatest(asked.radius_m, {_MIN_DOUBT_M}), {MAX_DOUBT_M})
            )::geometry AS area OFFSET 0
        ) AS drawn
        CROSS JOIN LATERAL (
            VALUES (asked.longitude), (CASE WHEN abs(asked.longitude) > {TWICE_BEYOND_DEG}
                THEN asked.longitude - 360 * sign(asked.longitude) END)
        ) AS stands (longitude)
        WHERE stands.longitude IS NOT NULL
    ), found AS MATERIALIZED (
        SELECT circles.number, p.district_id,
            CAST(round(CAST(least(
                sum(ST_Area(ST_Intersection(p.piece, circles.area)) / circles.whole), 1
            ) AS numeric), {_DIGITS}) AS float8) AS share
        FROM circles CROSS JOIN LATERAL (
            {parts_of_version("{version_id}", "piece && circles.area")}
        ) AS p
        WHERE ST_Intersects(p.piece, circles.area)
        GROUP BY circles.number, p.district_id
    )
    SELECT found.number, found.district_id, d.code, d.names, found.share
    FROM found JOIN districts d ON d.id = found.district_id
"""
_OF_ONE = text(
    _SHARES.format(
        version_id="""(
            SELECT published_version_id FROM layers
            WHERE jurisdiction_id = :jurisdiction_id AND role = 'service' AND retired_at IS NULL
        )"""
    )
    + "ORDER BY found.share DESC, d.code"
)
_OF_MANY = text(f"""
    SELECT number, array_agg(district_id ORDER BY share DESC, code),
        array_agg(share ORDER BY share DESC, code)
    FROM ({_SHARES.format(version_id=":version_id")}) AS shares GROUP BY number
""")


def shares(
    session: Session, jurisdiction_id: int, position: Position, accuracy_m: float
) -> list[Share]:
    """Return how the circle of `accuracy_m` around the position falls on the service districts.

    The greatest share comes first, then by code; what lies in no district is left out.
    """
    values = {
        "jurisdiction_id": jurisdiction_id,
        "longitudes": [position.longitude],
        "latitudes": [position.latitude],
        "radii_m": [accuracy_m],
    }
    return [
        Share(row.district_id, row.code, row.names, row.share)
        for row in session.execute(_OF_ONE, values)
    ]


def is_nowhere(shares: Sequence[float]) -> bool:
    """Tell whether no district holds as much of a circle as lies in none of them.

    `shares` are those of districts, the greatest first.
    """
    return not shares or shares[0] < round(1 - sum(shares), _DIGITS)


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The districts with the greatest share of a circle, by code; and whether none outweighs it."""

    district_ids: list[int]
    nowhere: bool


def likeliest(
    session: Session, version_id: int, lon_lat: NDArray[np.float64], accuracy_m: NDArray[np.float64]
) -> dict[int, Likeliest]:
    """Return what is likeliest for each circle, by its row.

    Circles that touch no district of the version are left out.
    """
    longitudes, latitudes = lon_lat.T
    values = {
        "version_id": version_id,
        "longitudes": written(longitudes),
        "latitudes": written(latitudes),
        "radii_m": written(accuracy_m),
    }
    return {
        number - 1: Likeliest(ids[: shares.count(shares[0])], is_nowhere(shares))
        for number, ids, shares in session.execute(_OF_MANY, values)
    }
