"""Conditions on position columns, for the lists that others keep."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy.orm import InstrumentedAttribute

from geo.columns import SRID
from geo.coordinates import Box, Position


def inside(column: InstrumentedAttribute[Position], box: Box) -> ColumnElement[bool]:
    """Return the condition that the position lies in the box, its border included."""
    if box.west <= box.east:
        return _in_envelope(column, box.west, box.south, box.east, box.north)
    return or_(
        _in_envelope(column, box.west, box.south, 180, box.north),
        _in_envelope(column, -180, box.south, box.east, box.north),
    )


def within(
    column: InstrumentedAttribute[Position], centre: Position, metres: float
) -> ColumnElement[bool]:
    """Return the condition that the position is at most so many metres from the centre.

    The box around the circle is asked too, since only that has an index.
    """
    point = func.ST_SetSRID(func.ST_MakePoint(centre.longitude, centre.latitude), SRID)
    near = func.ST_DWithin(func.geography(column), func.geography(point), metres)
    return and_(inside(column, Box.around(centre, metres)), near)


def _in_envelope(
    column: InstrumentedAttribute[Position], west: float, south: float, east: float, north: float
) -> ColumnElement[bool]:
    # The envelope has the index; the numbers are exact, even for a box without an area.
    return and_(
        column.op("&&")(func.ST_MakeEnvelope(west, south, east, north, SRID)),
        func.ST_X(column).between(west, east),
        func.ST_Y(column).between(south, north),
    )
