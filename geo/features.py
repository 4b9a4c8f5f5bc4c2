"""Districts as they come in GeoJSON, checked and made fit for use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shapely import MultiPolygon, Polygon, force_2d, get_coordinates, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import shape as to_shape
from shapely.geometry.base import BaseGeometry

from geo import seam

# A repair that changes the area by more than this share is no repair: the drawing is wrong.
REPAIR_TOLERANCE = 0.01

# Control characters and halves of characters, which the database or a mail would choke on.
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class UnusableFeatures(ValueError):
    """The collection cannot become a layer; the message says which feature and why."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One district: its code, its name, its shape; `repaired` when its rings had to be mended."""

    code: str
    name: str
    shape: MultiPolygon
    repaired: bool


def read_features(
    document: Any, code_property: str | None, name_property: str | None
) -> list[Feature]:
    """Read a GeoJSON FeatureCollection of polygons in longitude and latitude.

    Without a code property the features are numbered from 1; without a name property the code is
    the name. Raise UnusableFeatures for anything that is not such a collection, for coordinates
    off the globe, for codes that repeat, and for rings that cannot be mended.
    """
    if not isinstance(document, Mapping) or document.get("type") != "FeatureCollection":
        raise UnusableFeatures("the file is not a GeoJSON FeatureCollection")
    members = document.get("features")
    if not isinstance(members, list) or not members:
        raise UnusableFeatures("the collection has no features")
    features = [
        _read_feature(number, member, code_property, name_property)
        for number, member in enumerate(members, start=1)
    ]
    repeated = [code for code, count in Counter(f.code for f in features).items() if count > 1]
    if repeated:
        raise UnusableFeatures(f"more than one feature has the code {repeated[0]!r}")
    return features


def _read_feature(
    number: int, member: Any, code_property: str | None, name_property: str | None
) -> Feature:
    properties = (member.get("properties") or {}) if isinstance(member, Mapping) else None
    if not isinstance(properties, Mapping):
        raise UnusableFeatures(f"feature {number} is not a GeoJSON feature")
    code = str(number) if code_property is None else _read_word(number, properties, code_property)
    if not code:
        raise UnusableFeatures(f"feature {number} has no {code_property!r}")
    name = (_read_word(number, properties, name_property) if name_property else "") or code
    polygons, repaired = _read_shape(code, member.get("geometry"))
    return Feature(code=code, name=name, shape=polygons, repaired=repaired)


def _read_word(number: int, properties: Mapping[str, Any], member: str) -> str:
    value = properties.get(member)
    if value is None:
        return ""
    word = str(value).strip()
    if not isinstance(value, str | int | float) or _UNSTORABLE.search(word):
        raise UnusableFeatures(f"feature {number} has something unreadable as {member!r}")
    return word


def _read_shape(code: str, geometry: Any) -> tuple[MultiPolygon, bool]:
    try:
        drawn = force_2d(to_shape(geometry))
    except (
        *(AttributeError, IndexError, KeyError, OverflowError),
        *(ShapelyError, TypeError, ValueError),
    ) as error:
        raise UnusableFeatures(f"the geometry of {code!r} cannot be read") from error
    if not isinstance(drawn, Polygon | MultiPolygon) or drawn.is_empty:
        raise UnusableFeatures(f"the geometry of {code!r} is not a polygon")
    _check_on_earth(code, drawn)
    mended = [_mend(code, MultiPolygon([polygon])) for polygon in _unroll(code, drawn)]
    parts = [part for polygons, _ in mended for part in seam.cut(polygons)]
    # Parts may overlap, which shows only once those behind the antimeridian are folded back.
    whole, repaired = _mend(code, MultiPolygon(parts))
    return whole, repaired or any(repaired for _, repaired in mended)


def _check_on_earth(code: str, drawn: BaseGeometry) -> None:
    for longitude, latitude in get_coordinates(drawn):
        # Up to 360 since some files write districts across the antimeridian as 179, 181.
        if not (abs(longitude) <= 360 and abs(latitude) <= 90):
            raise UnusableFeatures(
                f"{code!r} has the coordinate ({longitude}, {latitude}), which is no longitude and"
                " latitude"
            )


def _unroll(code: str, drawn: Polygon | MultiPolygon) -> list[Polygon]:
    polygons = drawn.geoms if isinstance(drawn, MultiPolygon) else [drawn]
    unrolled = [seam.unroll(polygon) for polygon in polygons if not polygon.is_empty]
    whole = [polygon for polygon in unrolled if polygon is not None]
    if len(whole) < len(unrolled):
        raise UnusableFeatures(f"a ring of {code!r} goes around the globe")
    return whole


def _mend(code: str, drawn: MultiPolygon) -> tuple[MultiPolygon, bool]:
    if drawn.is_valid:
        return drawn, False
    mended = MultiPolygon(seam.only_polygons(make_valid(drawn)))
    # An hourglass has parts that count as negative area, hence the hulls as the yardstick.
    hulls = sum(polygon.convex_hull.area for polygon in drawn.geoms)
    change = abs(mended.area - drawn.area) / hulls if mended.area else 1.0
    if change > REPAIR_TOLERANCE:
        raise UnusableFeatures(
            f"the rings of {code!r} cross themselves; mending them would change its area by"
            f" {change:.0%}"
        )
    return mended, True
