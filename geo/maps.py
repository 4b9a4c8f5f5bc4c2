"""Where many spots lie: a version of a layer held in memory, which answers as `locate` does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import doubt, raster, rasters
from geo.districts import HAIR_DEG, parts_of_version
from geo.raster import Raster
from infra.columns import whole_numbers, written

NOWHERE = 0
"""What stands for no district among ids."""

# A degree of latitude is nowhere shorter.
_SHORTEST_DEG_M = 110_500

_DISTRICTS = text("""
    SELECT array_send(array_agg(d.id ORDER BY d.code COLLATE "C")),
        array_send(array_agg(s.id ORDER BY d.code COLLATE "C"))
    FROM district_shapes s JOIN districts d ON d.id = s.district_id
    WHERE s.layer_version_id = :version_id
""")

# In the order of shapes, since PostGIS remembers the last one that it looked at; OFFSET keeps the
# planner from reading all the shapes there are.
_COVERED = text("""
    SELECT array_send(array_agg(asked.number))
    FROM (
        SELECT * FROM unnest(
            CAST(:numbers AS int8[]), CAST(:shapes AS int8[]),
            CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[])
        ) AS pair (number, shape_id, longitude, latitude) ORDER BY shape_id
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT shape FROM district_shapes WHERE id = asked.shape_id OFFSET 0
    ) AS s
    WHERE ST_Covers(s.shape, ST_Point(asked.longitude, asked.latitude, 4326))
""")
_TOUCHED = text(f"""
    SELECT array_send(array_agg(found.number)), array_send(array_agg(found.shape_id))
    FROM (
        SELECT DISTINCT asked.number, p.shape_id
        FROM unnest(
            CAST(:numbers AS int8[]), CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[])
        ) AS asked (number, longitude, latitude)
        CROSS JOIN LATERAL (SELECT ST_Point(asked.longitude, asked.latitude, 4326) AS point) AS spot
        CROSS JOIN LATERAL (
            {parts_of_version(":version_id", f"ST_DWithin(piece, spot.point, {HAIR_DEG})")}
        ) AS p
    ) AS found
""")


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Spots, each as it stands, and the numbers of districts that they lie in or touch.

    Of a pair that is `near` it is not known which of both.
    """

    lon_lat: NDArray[np.float64]
    spots: NDArray[np.intp]
    numbers: NDArray[np.int64]
    near: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DistrictMap:
    """The districts of a version in the order of their codes: their ids, those of their shapes."""

    version_id: int
    district_ids: NDArray[np.int64]
    shape_ids: NDArray[np.int64]
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
            vague = self._may_cross(lon_lat, accuracy_m)
            found = doubt.likeliest(session, self.version_id, lon_lat[vague], accuracy_m[vague])
            for number, likeliest in found.items():
                here = first[vague[number]]
                stays = here in likeliest.district_ids or (here == NOWHERE and likeliest.nowhere)
                if not stays:
                    first[vague[number]] = likeliest.district_ids[0]
        return first

    def _may_cross(
        self, lon_lat: NDArray[np.float64], accuracy_m: NDArray[np.float64]
    ) -> NDArray[np.intp]:
        """Return the rows of the spots whose circles may touch a border; those of others cannot."""
        [vague] = np.nonzero(accuracy_m > 0)
        # A circle narrower than a metre may be drawn a little wider.
        reach_m = 1.05 * np.clip(accuracy_m[vague], 1, doubt.MAX_DOUBT_M)
        northward = reach_m / _SHORTEST_DEG_M
        farthest = np.radians(np.abs(lon_lat[vague, 1]) + northward)
        reach_deg = np.column_stack([northward / np.cos(farthest).clip(1e-6), northward])
        around = self.raster.is_mixed_around(lon_lat[vague], reach_deg)
        across = np.abs(lon_lat[vague, 0]) + reach_deg[:, 0] >= 180
        return np.asarray(vague[around | across])

    def _at(self, session: Session, lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the district at each spot itself."""
        numbers = self.raster.at(lon_lat)
        # NONE, which is -1, takes the last of these.
        first = np.append(self.district_ids, NOWHERE)[np.maximum(numbers, raster.NONE)]
        [asked] = np.nonzero((numbers <= raster.MIXED) | _at_the_line(lon_lat))
        first[asked] = self._ask(session, lon_lat[asked])
        return first

    def _ask(self, session: Session, lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return what `_at` does, by looking at borders themselves."""
        pairs = self._pairs(session, lon_lat)
        foremost = np.diff(pairs.spots, prepend=-1) > 0
        first = np.full(len(lon_lat), NOWHERE, dtype=np.int64)
        first[pairs.spots[foremost]] = self.district_ids[pairs.numbers[foremost]]
        # Of several, the first that covers the spot exactly is taken; if none does, the first.
        asked = np.flatnonzero(foremost)
        ends = np.append(asked[1:], len(foremost))
        asked, ends = asked[ends - asked > 1], ends[ends - asked > 1]
        while len(asked):
            covering = self._covering(session, pairs, asked)
            found = asked[covering]
            first[pairs.spots[found]] = self.district_ids[pairs.numbers[found]]
            following = ~covering & (asked + 1 < ends)
            asked, ends = asked[following] + 1, ends[following]
        return first

    def _pairs(self, session: Session, lon_lat: NDArray[np.float64]) -> _Pairs:
        """Return all districts at each spot or no farther than a hair, in order."""
        # Those on the antimeridian stand twice, on either side of it.
        [on_it] = np.nonzero(_at_the_line(lon_lat))
        behind = lon_lat[on_it] - np.sign(lon_lat[on_it, :1]) * [360, 0]
        stands = np.concatenate([lon_lat, behind])
        of_stand = np.concatenate([np.arange(len(lon_lat)), on_it])
        found = self.raster.look(stands, HAIR_DEG)
        asked, shapes = self._touched(session, stands, found.unclear)
        at = np.concatenate([found.spots, asked])
        near = np.concatenate([found.near, np.ones(len(asked), dtype=np.bool_)])
        numbers = np.concatenate([found.numbers, shapes])
        order = np.lexsort((numbers, of_stand[at]))
        at = at[order]
        return _Pairs(stands[at], of_stand[at], numbers[order], near[order])

    def _touched(
        self, session: Session, lon_lat: NDArray[np.float64], asked: NDArray[np.intp]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of a spot, one of those asked about, and the number of a district there."""
        if not len(asked):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        longitudes, latitudes = lon_lat[asked].T
        values = {
            "version_id": self.version_id,
            "numbers": written(asked),
            "longitudes": written(longitudes),
            "latitudes": written(latitudes),
        }
        spots, shape_ids = map(whole_numbers, session.execute(_TOUCHED, values).one())
        order = np.argsort(self.shape_ids)
        return spots, order[np.searchsorted(self.shape_ids, shape_ids, sorter=order)]

    def _covering(
        self, session: Session, pairs: _Pairs, asked: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Tell of each pair that is asked about whether the district covers the spot exactly.

        Where a hair parts the spot from the border, the database says so, as it does for one spot.
        """
        covering = ~pairs.near[asked]
        [doubtful] = np.nonzero(pairs.near[asked])
        if len(doubtful):
            longitudes, latitudes = pairs.lon_lat[asked[doubtful]].T
            values = {
                "numbers": written(doubtful),
                "shapes": written(self.shape_ids[pairs.numbers[asked[doubtful]]]),
                "longitudes": written(longitudes),
                "latitudes": written(latitudes),
            }
            covering[whole_numbers(session.scalar(_COVERED, values))] = True
        return covering


def read(session: Session, version_id: int) -> DistrictMap:
    """Return the districts of a version of a layer, ready to be asked."""
    district_ids, shape_ids = session.execute(_DISTRICTS, {"version_id": version_id}).one()
    return DistrictMap(
        version_id=version_id,
        district_ids=whole_numbers(district_ids),
        shape_ids=whole_numbers(shape_ids),
        raster=rasters.read(session, version_id),
    )


def _at_the_line(lon_lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(lon_lat[:, 0]) >= 180 - HAIR_DEG
