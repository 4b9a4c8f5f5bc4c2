"""Districts as they come in GeoJSON, checked and made fit for use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import antimeridian
from shapely import MultiPolygon, Polygon, get_coordinates, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import shape as to_shape
from shapely.geometry.base import BaseGeometry

# A repair that changes the area by more than this share is no repair: the drawing is wrong.
REPAIR_TOLERANCE = 0.01


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
    code = str(number) if code_property is None else str(properties.get(code_property, "")).strip()
    if not code:
        raise UnusableFeatures(f"feature {number} has no {code_property!r}")
    name = str(properties.get(name_property, "") if name_property else "").strip() or code
    polygons, repaired = _read_shape(code, member.get("geometry"))
    return Feature(code=code, name=name, shape=polygons, repaired=repaired)


def _read_shape(code: str, geometry: Any) -> tuple[MultiPolygon, bool]:
    try:
        drawn = to_shape(geometry)
    except (AttributeError, IndexError, KeyError, ShapelyError, TypeError, ValueError) as error:
        raise UnusableFeatures(f"the geometry of {code!r} cannot be read") from error
    if not isinstance(drawn, Polygon | MultiPolygon) or drawn.is_empty:
        raise UnusableFeatures(f"the geometry of {code!r} is not a polygon")
    _check_on_earth(code, drawn)
    split = _split(drawn)
    if split.is_valid:
        return split, False
    mended = _only_polygons(make_valid(split))
    # An hourglass has parts that count as negative area, hence the hull as the yardstick.
    change = abs(mended.area - split.area) / split.convex_hull.area if split.area else 1.0
    if change > REPAIR_TOLERANCE:
        raise UnusableFeatures(
            f"the rings of {code!r} cross themselves; mending them would change its area by"
            f" {change:.0%}"
        )
    return mended, True


def _check_on_earth(code: str, drawn: BaseGeometry) -> None:
    for longitude, latitude in get_coordinates(drawn):
        # Up to 360 since some files write districts across the antimeridian as 179, 181.
        if not (abs(longitude) <= 360 and abs(latitude) <= 90):
            raise UnusableFeatures(
                f"{code!r} has the coordinate ({longitude}, {latitude}), which is no longitude and"
                " latitude"
            )


def _split(drawn: Polygon | MultiPolygon) -> MultiPolygon:
    """Cut at the antimeridian where an edge spans more than half the globe or leaves it."""
    polygons = list(drawn.geoms) if isinstance(drawn, MultiPolygon) else [drawn]
    parts: list[Polygon] = []
    for polygon in polygons:
        if _crosses(polygon):
            fixed = antimeridian.fix_polygon(polygon, fix_winding=True)
            parts += fixed.geoms if isinstance(fixed, MultiPolygon) else [fixed]
        else:
            parts.append(polygon)
    return MultiPolygon(parts)


def _crosses(polygon: Polygon) -> bool:
    for ring in (polygon.exterior, *polygon.interiors):
        longitudes = [longitude for longitude, *_ in ring.coords]
        if any(abs(longitude) > 180 for longitude in longitudes):
            return True
        if any(abs(a - b) > 180 for a, b in pairwise(longitudes)):
            return True
    return False


def _only_polygons(mended: BaseGeometry) -> MultiPolygon:
    found: list[Polygon] = []
    for part in getattr(mended, "geoms", [mended]):
        if isinstance(part, MultiPolygon):
            found += part.geoms
        elif isinstance(part, Polygon):
            found.append(part)
    return MultiPolygon(found)
