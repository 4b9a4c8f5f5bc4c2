"""Where many spots lie: a version of a layer held in memory, which answers as `locate` does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import doubt, raster
from geo.districts import HAIR_DEG
from geo.raster import Raster
from infra.columns import written
from infra.database import IN_BINARY

NOWHERE = 0
"""What stands for no district among ids."""

# A degree of latitude is nowhere shorter.
_SHORTEST_DEG_M = 110_500

# Shapely lets other threads run while it looks.
_THREADS = 2

_SHAPES = text("""
    SELECT s.id, s.district_id, d.code, ST_AsBinary(s.shape)
    FROM district_shapes s JOIN districts d ON d.id = s.district_id
    WHERE s.layer_version_id = :version_id
""").execution_options(**{IN_BINARY: True})

# In the order of shapes, since PostGIS remembers the last one that it looked at.
_COVERED = text("""
    SELECT asked.number
    FROM (
        SELECT * FROM unnest(
            CAST(:numbers AS int8[]), CAST(:shapes AS int8[]),
            CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[])
        ) AS pair (number, shape_id, longitude, latitude) ORDER BY shape_id
    ) AS asked
    CROSS JOIN LATERAL (SELECT shape FROM district_shapes WHERE id = asked.shape_id) AS s
    WHERE ST_Covers(s.shape, ST_Point(asked.longitude, asked.latitude, 4326))
""")


class _Spots:
    """Spots that are looked for on a map: a row of `lon_lat` each."""

    def __init__(self, lon_lat: NDArray[np.float64]) -> None:
        self.count = len(lon_lat)
        # Those on the antimeridian stand twice, on either side of it.
        numbers = np.arange(self.count)
        on_it = numbers[_at_the_line(lon_lat)]
        behind = lon_lat[on_it] - np.sign(lon_lat[on_it, :1]) * [360, 0]
        self.stands = np.concatenate([lon_lat, behind])
        self.spot_of = np.concatenate([numbers, on_it])
        self.points = np.array(shapely.points(self.stands), dtype=object)
        self.tree = STRtree(self.points)


@dataclass(frozen=True, slots=True)
class DistrictMap:
    """The districts of a version in the order of their codes: ids, and shapes ready to be asked."""

    version_id: int
    district_ids: NDArray[np.int64]
    shape_ids: NDArray[np.int64]
    shapes: NDArray[np.object_]
    raster: Raster

    def locate(
        self,
        session: Session,
        lon_lat: NDArray[np.float64],
        accuracy_m: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int64]:
        """Return for each spot the id of the district that a report there is given, or NOWHERE.

        There is a row of `lon_lat` for each, and how far it may be off, or 0. The district is the
        first of those that `geo.districts.locate` finds, or of those that have a share of the
        circle, in the order of `geo.routing.in_order`; a spot in none stays there if most of
        its circle lies in none.
        """
        first = self._at(session, lon_lat)
        if accuracy_m is not None:
            [vague] = np.nonzero(self._may_cross(lon_lat, accuracy_m))
            found = doubt.likeliest(session, self.version_id, lon_lat[vague], accuracy_m[vague])
            for number, likeliest in found.items():
                here = first[vague[number]]
                stays = here in likeliest.district_ids or (here == NOWHERE and likeliest.nowhere)
                if not stays:
                    first[vague[number]] = likeliest.district_ids[0]
        return first

    def _may_cross(
        self, lon_lat: NDArray[np.float64], accuracy_m: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell whether the circle around each spot may touch a border, and not if it cannot."""
        # A circle narrower than a metre may be drawn a little wider.
        reach_m = 1.05 * np.clip(accuracy_m, 1, doubt.MAX_DOUBT_M)
        northward = reach_m / _SHORTEST_DEG_M
        farthest = np.radians(np.abs(lon_lat[:, 1]) + northward)
        reach_deg = np.column_stack([northward / np.cos(farthest).clip(1e-6), northward])
        around = self.raster.is_mixed_around(lon_lat, reach_deg)
        across = np.abs(lon_lat[:, 0]) + reach_deg[:, 0] >= 180
        return np.asarray((accuracy_m > 0) & (around | across))

    def _at(self, session: Session, lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the district at each spot itself."""
        numbers = self.raster.at(lon_lat)
        # NONE, which is -1, takes the last of these.
        first = np.append(self.district_ids, NOWHERE)[numbers]
        [asked] = np.nonzero((numbers == raster.MIXED) | _at_the_line(lon_lat))
        first[asked] = self._ask(session, _Spots(lon_lat[asked]))
        return first

    def _ask(self, session: Session, spots: _Spots) -> NDArray[np.int64]:
        """Return what `_at` does, by looking at the shapes themselves."""
        districts, found = self._within_a_hair(spots)
        order = np.lexsort((districts, spots.spot_of[found]))
        districts, found = districts[order], found[order]
        of_spot = spots.spot_of[found]
        contested = np.bincount(of_spot, minlength=spots.count)[of_spot] > 1
        beyond = np.zeros(len(districts), dtype=bool)
        beyond[contested] = ~self._covering(session, spots, districts[contested], found[contested])
        order = np.lexsort((districts, beyond, of_spot))
        districts, of_spot = districts[order], of_spot[order]
        first = np.full(spots.count, NOWHERE, dtype=np.int64)
        firsts, at = np.unique(of_spot, return_index=True)
        first[firsts] = self.district_ids[districts[at]]
        return first

    def _within_a_hair(self, spots: _Spots) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of a district's number and a stand's, no farther apart than a hair."""
        share = -(-len(self.shapes) // _THREADS) or 1

        def look(begin: int) -> NDArray[np.int64]:
            some = self.shapes[begin : begin + share]
            pairs = spots.tree.query(some, predicate="dwithin", distance=HAIR_DEG)
            pairs[0] += begin
            return pairs

        # The tree grows at its first question, which has to be over before others come.
        spots.tree.query(self.shapes[:1])
        with ThreadPoolExecutor(_THREADS) as pool:
            begins = range(0, len(self.shapes), share)
            found = [np.empty((2, 0), dtype=np.int64), *pool.map(look, begins)]
        districts, at = np.concatenate(found, axis=1)
        return districts, at

    def _covering(
        self,
        session: Session,
        spots: _Spots,
        districts: NDArray[np.int64],
        found: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Tell of each pair of a district and a stand whether the district covers it exactly.

        Where a hair parts the spot from the border, the database says so, as it does for one spot.
        """
        asked, of_asked = np.unique(districts, return_inverse=True)
        borders = shapely.boundary(self.shapes[asked])
        [doubtful] = np.nonzero(shapely.dwithin(borders[of_asked], spots.points[found], HAIR_DEG))
        covering = np.ones(len(districts), dtype=bool)
        if len(doubtful):
            covering[doubtful] = False
            longitudes, latitudes = spots.stands[found[doubtful]].T
            values = {
                "numbers": written(doubtful),
                "shapes": written(self.shape_ids[districts[doubtful]]),
                "longitudes": written(longitudes),
                "latitudes": written(latitudes),
            }
            covering[list(session.scalars(_COVERED, values))] = True
        return covering


def read(session: Session, version_id: int) -> DistrictMap:
    """Return the districts of a version of a layer, ready to be asked."""
    rows = sorted(session.execute(_SHAPES, {"version_id": version_id}), key=lambda row: row.code)
    shapes = shapely.from_wkb(np.array([row[3] for row in rows], dtype=object))
    shapely.prepare(shapes)
    return DistrictMap(
        version_id=version_id,
        district_ids=np.array([row.district_id for row in rows], dtype=np.int64),
        shape_ids=np.array([row.id for row in rows], dtype=np.int64),
        shapes=shapes,
        raster=raster.draw(shapes, 2 * HAIR_DEG),
    )


def _at_the_line(lon_lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(lon_lat[:, 0]) >= 180 - HAIR_DEG
