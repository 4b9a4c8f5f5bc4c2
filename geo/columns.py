"""The geometry column types, all in longitude and latitude on WGS 84 (SRID 4326)."""

from __future__ import annotations

from struct import Struct

import numpy as np
import shapely
from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import to_shape
from numpy.typing import NDArray
from shapely import Point
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Dialect,
    Float,
    Index,
    TypeDecorator,
    func,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute

from geo.coordinates import Position

SRID = 4326

# A point in PostGIS' well-known binary: byte order, kind, SRID, and the two coordinates.
_EWKB = Struct("<BIIdd")
_LITTLE_ENDIAN = 1
_POINT_WITH_SRID = 0x20000001
# On the plane, the last byte of the kind is nothing but whether an SRID follows.
_KIND_END = 4
_SRID_MARK = b"\x20" + SRID.to_bytes(4, "little")

MULTIPOLYGON = Geometry("MULTIPOLYGON", srid=SRID, spatial_index=False)
POLYGON = Geometry("POLYGON", srid=SRID, spatial_index=False)
GEOMETRY = Geometry("GEOMETRY", srid=SRID, spatial_index=False)
LINESTRING = Geometry("LINESTRING", srid=SRID, spatial_index=False)


def as_bytes(shapes: NDArray[np.object_]) -> list[bytes]:
    """Return the shapes, on the plane, as well-known binary, which has no SRID."""
    return list(shapely.to_wkb(shapes, output_dimension=2, byte_order=_LITTLE_ENDIAN))


def with_srid(shape: bytes) -> bytes:
    """Return a shape as PostGIS keeps it, of what `as_bytes` gives: to the last digit."""
    return shape[:_KIND_END] + _SRID_MARK + shape[_KIND_END + 1 :]


def spatial_index(table: str, *columns: str, where: str | None = None) -> Index:
    """Return a named GiST index, so that Alembic sees in the code what stands in the database."""
    return Index(
        f"ix_{table}_{'_'.join(columns)}",
        *columns,
        postgresql_using="gist",
        postgresql_where=None if where is None else text(where),
    )


def on_earth(column: str) -> CheckConstraint:
    """Return the check that PostGIS itself does not make: it would store NaN or (999, 999).

    Two NaNs in a client's bytes arrive as an empty point, of which every comparison is unknown.
    """
    return CheckConstraint(
        f"NOT ST_IsEmpty({column}) AND"
        f" ST_X({column}) BETWEEN -180 AND 180 AND ST_Y({column}) BETWEEN -90 AND 90",
        name=f"{column}_on_earth",
    )


def latitude(column: InstrumentedAttribute[Position]) -> ColumnElement[float]:
    """Return the latitude of a position column, where a whole geometry would be dear to read."""
    return func.ST_Y(column, type_=Float)


def longitude(column: InstrumentedAttribute[Position]) -> ColumnElement[float]:
    """Return the longitude of a position column."""
    return func.ST_X(column, type_=Float)


class PositionColumn(TypeDecorator[Position]):
    """A POINT column that takes and gives positions."""

    impl = Geometry("POINT", srid=SRID, spatial_index=False)
    cache_ok = True

    def process_bind_param(self, value: Position | None, _dialect: Dialect) -> str | None:
        """Turn a position into what PostGIS reads."""
        if value is None:
            return None
        packed = _EWKB.pack(_LITTLE_ENDIAN, _POINT_WITH_SRID, SRID, value.longitude, value.latitude)
        return packed.hex()

    def process_result_value(self, value: WKBElement | None, _dialect: Dialect) -> Position | None:
        """Turn what PostGIS gives into a position."""
        if value is None:
            return None
        point = to_shape(value)
        if not isinstance(point, Point):
            raise TypeError("the column holds something other than a point")
        return Position(latitude=point.y, longitude=point.x)
