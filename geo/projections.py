"""Coordinate systems: shapes brought to longitude and latitude, and what a system looks like."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from geo.coordinates import Position
from geo.unusable import UnusableFeatures
from infra.words import mark

LON_LAT = "EPSG:4326"

# What cities' files come in where they are not in longitude and latitude: France and its
# neighbours, the whole of Europe, the web's maps, and some that American cities publish in.
_COMMON = (
    *(2154, 27572, *range(3942, 3951), 3857, 3035, 25830, 25831, 25832, 25833),
    *(32630, 32631, 32632, 32633, 2056, 21781, 31370, 3812, 28992, 27700),
    *(2249, 26986, 2263, 32118, 2227, 2229, 2926, 2272, 3435, 26910, 26911, 26918, 26919),
)
_MOST_NAMED = 3
# A city's files lie around the city; beyond so much of a degree it is another one's.
_AROUND_DEG = 1.5
_URN = re.compile(r"urn:ogc:def:crs:(EPSG|OGC):[\d.]*:(\w+)")
_CODE = re.compile(r"([A-Z]{2,10}):(\w{1,12})")

_UNKNOWN = mark("the file is in a coordinate system that is not known here: {system}")


def declared(system: str) -> CRS:
    """Return the coordinate system of a name such as `EPSG:2154`, of a URN or in WKT.

    Nothing else is taken, since PROJ would also take the names of files. Raise UnusableFeatures,
    also for one that is not of places on the map, as of heights or of drawings.
    """
    try:
        named = _URN.fullmatch(system) or _CODE.fullmatch(system)
        found = CRS.from_authority(*named.groups()) if named else CRS.from_wkt(system)
        if not (found.is_geographic or found.is_projected):
            raise UnusableFeatures(_UNKNOWN, system=system[:80])
        _transformer(found)
    except (CRSError, ProjError) as error:
        raise UnusableFeatures(_UNKNOWN, system=system[:80]) from error
    return found


def is_lon_lat(system: CRS) -> bool:
    """Tell whether coordinates in the system are longitude and latitude as they are stored."""
    return bool(system.is_geographic and system.equals(CRS(LON_LAT), ignore_axis_order=True))


def to_lon_lat(shapes: NDArray[np.object_], system: CRS) -> NDArray[np.object_]:
    """Return the shapes, on the plane, in longitude and latitude; infinite where there are none."""
    if is_lon_lat(system):
        return shapes
    transformer = _transformer(system)

    def convert(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(coordinates[:, 0], coordinates[:, 1]))

    converted: NDArray[np.object_] = shapely.transform(shapely.force_2d(shapes), convert)
    return converted


def resembling(spot: tuple[float, float], city: Position | None) -> list[str]:
    """Return the names of some systems in which the coordinate would lie in the city's region.

    Where no city is known yet, each system's own area of use is asked, and the smallest told first.
    """
    systems = [CRS.from_epsg(code) for code in _COMMON]
    if city is None:
        systems.sort(key=_extent)
    fitting = (system for system in systems if _fits(spot, system, city))
    named = (f"{system.srs} ({system.name})" for system in fitting)
    return list(islice(named, _MOST_NAMED))


def _fits(spot: tuple[float, float], system: CRS, city: Position | None) -> bool:
    try:
        longitude, latitude = _transformer(system).transform(*spot, errcheck=True)
    except ProjError:
        return False
    west, south, east, north = _region(system, city)
    return bool(west <= longitude <= east and south <= latitude <= north)


def _extent(system: CRS) -> float:
    west, south, east, north = _region(system, None)
    return (east - west) * (north - south)


def _region(system: CRS, city: Position | None) -> tuple[float, float, float, float]:
    if city is None:
        return system.area_of_use.bounds if system.area_of_use else (-180, -90, 180, 90)
    longitude, latitude, reach = city.longitude, city.latitude, _AROUND_DEG
    return longitude - reach, latitude - reach, longitude + reach, latitude + reach


@cache
def _transformer(system: CRS) -> Transformer:
    return Transformer.from_crs(system, CRS(LON_LAT), always_xy=True)
