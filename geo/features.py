"""Districts as they come in a file, checked and made fit for use."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType, MultiPolygon, Polygon, get_coordinates, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import shape as to_shape
from shapely.geometry.base import BaseGeometry

from geo import crossings, gis_files, seam
from geo.coordinates import Position
from geo.gis_files import Rows
from geo.projections import declared, resembling, to_lon_lat
from geo.unusable import UnusableFeatures
from infra.words import mark

# A repair that changes the area by more than this share is no repair: the drawing is wrong.
REPAIR_TOLERANCE = 0.01

_POLYGONS = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)

_WORDS = (str, int, float, NoneType)
# Of codes and names; an index of the database has codes, and ends a little further.
LONGEST_WORD = 500
# Control characters and halves of characters, which the database or a mail would choke on.
UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


_REPEATED = mark("more than one feature has the code '{code}'")
_NO_CODE = mark("feature {number} has no '{member}'")
_UNREADABLE_WORD = mark("feature {number} has something unreadable as '{member}'")
_LONG_WORD = mark("feature {number} has more than {most} characters as '{member}'")
_UNREADABLE = mark("the geometry of '{code}' cannot be read")
_NO_POLYGON = mark("the geometry of '{code}' is not a polygon")
_OFF_EARTH = mark(
    "'{code}' has the coordinate ({longitude}, {latitude}), which is no longitude and latitude"
)
_UNDECLARED = mark(
    "'{code}' has the coordinate ({longitude}, {latitude}), which is no longitude and latitude;"
    " it looks like {systems}, which the file has to declare"
)
_AROUND_THE_GLOBE = mark("a ring of '{code}' goes around the globe")
_CROSSING = mark(
    "the rings of '{code}' cross themselves; mending them would change its area by {share}"
)
_SCRIBBLE = mark("the rings of '{code}' cross in more than {most} places")


@dataclass(frozen=True, slots=True)
class Feature:
    """One district: its code, its name, its shape; `repaired` when its rings had to be mended."""

    code: str
    name: str
    shape: MultiPolygon
    repaired: bool


def features_of(
    file: Rows,
    code_property: str | None,
    name_property: str | None,
    city: Position | None = None,
) -> list[Feature]:
    """Return the districts that the rows of a file describe, in longitude and latitude.

    Without a code property they are numbered from 1; without a name property the code is the name.
    A file that declares no coordinate system has to be in longitude and latitude; what else it
    looks like is told, by where the `city` is. Raise UnusableFeatures for what is no polygon, for
    coordinates off the globe, for codes that repeat, and for rings that cannot be mended.
    """
    codes, drawn = placed(file, code_property, _POLYGONS, _NO_POLYGON, city)
    # GEOS looks at the rings by itself, while Python sees to all else.
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(shapely.is_valid, drawn)
        words = _words(file, name_property) if name_property else codes
        names = [word or code for word, code in zip(words, codes, strict=True)]
        whole = _whole(drawn)
        valid = looking.result()
    return _fit(codes, names, drawn, whole, valid)


def placed(
    file: Rows,
    code_property: str | None,
    kinds: Sequence[GeometryType],
    complaint: str,
    city: Position | None,
) -> tuple[list[str], NDArray[np.object_]]:
    """Return codes and shapes of the rows of a file, in longitude and latitude on the plane.

    Whether the shapes are valid is not looked at. Raise UnusableFeatures, with the complaint for
    what is of none of the kinds, and as `features_of` does for the rest.
    """
    codes = _codes(file, code_property)
    repeated = [code for code, count in Counter(codes).items() if count > 1]
    if repeated:
        raise UnusableFeatures(_REPEATED, code=repeated[0])
    shapes = [_shape(*one) for one in zip(codes, file.shapes, strict=True)]
    drawn: NDArray[np.object_] = np.array(shapes, dtype=object)
    known = [kind.value for kind in kinds]
    fit = np.isin(shapely.get_type_id(drawn), known) & ~shapely.is_empty(drawn)
    if not fit.all():
        raise UnusableFeatures(complaint, code=codes[int(np.argmin(fit))])
    raised = shapely.has_z(drawn) | shapely.has_m(drawn)
    drawn[raised] = shapely.force_2d(drawn[raised])
    if file.system is not None:
        drawn = to_lon_lat(drawn, declared(file.system))
    _check_on_earth(codes, drawn, city if file.system is None else None)
    return codes, drawn


def mend(code: str, drawn: Polygon | MultiPolygon) -> MultiPolygon:
    """Return the areas with rings that do not cross, or raise UnusableFeatures."""
    parts = list(drawn.geoms) if isinstance(drawn, MultiPolygon) else [drawn]
    return _mend(code, MultiPolygon(parts))[0]


def _codes(file: Rows, member: str | None) -> list[str]:
    if member is None:
        return [str(number) for number in range(1, len(file.shapes) + 1)]
    codes = _words(file, member)
    if not all(codes):
        raise UnusableFeatures(_NO_CODE, number=codes.index("") + 1, member=member)
    return codes


def _words(file: Rows, member: str) -> list[str]:
    """Return what each feature has as the property, as text; empty where it has none."""
    values = file.values(member)
    words = [_word(value) for value in values]
    fit = all(map(_is_word, values)) and not UNSTORABLE.search("".join(words))
    if fit and max(map(len, words), default=0) <= LONGEST_WORD:
        return words
    for number, (value, word) in enumerate(zip(values, words, strict=True), start=1):
        if not _is_word(value) or UNSTORABLE.search(word):
            raise UnusableFeatures(_UNREADABLE_WORD, number=number, member=member)
        if len(word) > LONGEST_WORD:
            raise UnusableFeatures(_LONG_WORD, number=number, most=LONGEST_WORD, member=member)
    return words


def _is_word(value: Any) -> bool:
    return isinstance(value, _WORDS) and not isinstance(value, bool)


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        # JSON has 1 and 1.0 for the same number, and tables turn the one into the other.
        value = gis_files.whole(value) if math.isfinite(value) else None
    return "" if value is None else str(value).strip()


def _shape(code: str, geometry: Any) -> BaseGeometry:
    if isinstance(geometry, BaseGeometry):
        return geometry
    try:
        return to_shape(geometry)
    except (
        *(AttributeError, IndexError, KeyError, OverflowError),
        *(ShapelyError, TypeError, ValueError),
    ) as error:
        raise UnusableFeatures(_UNREADABLE, code=code) from error


def _whole(drawn: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the shapes with those of one polygon as districts have them: of several."""
    whole = drawn.copy()
    single = np.flatnonzero(shapely.get_type_id(drawn) == GeometryType.POLYGON.value)
    whole[single] = shapely.multipolygons(drawn[single], indices=np.arange(len(single)))
    return whole


def _fit(
    codes: Sequence[str],
    names: Sequence[str],
    drawn: NDArray[np.object_],
    whole: NDArray[np.object_],
    valid: NDArray[np.bool_],
) -> list[Feature]:
    """Return the districts with the shapes as they are kept; few are not kept as they are drawn."""
    bounds = shapely.bounds(drawn)
    west, east = bounds[:, 0], bounds[:, 2]
    fit = valid & (west >= -180) & (east <= 180) & (east - west <= 180)
    repaired = np.zeros(len(drawn), dtype=bool)
    for index in np.flatnonzero(~fit).tolist():
        whole[index], repaired[index] = _mended(codes[index], drawn[index])
    return [Feature(*one) for one in zip(codes, names, whole, repaired.tolist(), strict=True)]


def _mended(code: str, drawn: Polygon | MultiPolygon) -> tuple[MultiPolygon, bool]:
    """Return the shape, valid and between the antimeridians, and whether its rings were mended."""
    mended = [_mend(code, MultiPolygon([polygon])) for polygon in _unroll(code, drawn)]
    parts = [part for polygons, _ in mended for part in seam.cut(polygons)]
    # Parts may overlap, which shows only once those behind the antimeridian are folded back.
    whole, repaired = _mend(code, MultiPolygon(parts))
    return whole, repaired or any(repaired for _, repaired in mended)


def _check_on_earth(
    codes: Sequence[str], drawn: NDArray[np.object_], city: Position | None
) -> None:
    """Refuse what is no longitude and latitude, and say what it looks like instead."""
    coordinates, owners = get_coordinates(drawn, return_index=True)
    longitudes, latitudes = np.abs(coordinates.T)
    # Up to 360 since some files write districts across the antimeridian as 179, 181.
    fit = (longitudes <= 360) & (latitudes <= 90)
    if fit.all():
        return
    first = int(np.argmin(fit))
    longitude, latitude = (float(number) for number in coordinates[first])
    told = {"code": codes[owners[first]], "longitude": longitude, "latitude": latitude}
    likely = resembling((longitude, latitude), city)
    if likely:
        raise UnusableFeatures(_UNDECLARED, **told, systems=", ".join(likely))
    raise UnusableFeatures(_OFF_EARTH, **told)


def _unroll(code: str, drawn: Polygon | MultiPolygon) -> list[Polygon]:
    polygons = drawn.geoms if isinstance(drawn, MultiPolygon) else [drawn]
    unrolled = [seam.unroll(polygon) for polygon in polygons if not polygon.is_empty]
    whole = [polygon for polygon in unrolled if polygon is not None]
    if len(whole) < len(unrolled):
        raise UnusableFeatures(_AROUND_THE_GLOBE, code=code)
    return whole


def _mend(code: str, drawn: MultiPolygon) -> tuple[MultiPolygon, bool]:
    if drawn.is_valid:
        return drawn, False
    if crossings.too_many(drawn):
        raise UnusableFeatures(_SCRIBBLE, code=code, most=crossings.MOST_CROSSINGS)
    mended = MultiPolygon(seam.only_polygons(make_valid(drawn)))
    # An hourglass has parts that count as negative area, hence the hulls as the yardstick.
    hulls = sum(polygon.convex_hull.area for polygon in drawn.geoms)
    change = abs(mended.area - drawn.area) / hulls if mended.area else 1.0
    if change > REPAIR_TOLERANCE:
        raise UnusableFeatures(_CROSSING, code=code, share=f"{change:.0%}")
    return mended, True
