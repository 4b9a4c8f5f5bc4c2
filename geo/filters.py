"""Conditions on position columns, for the lists that others keep."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy.orm import InstrumentedAttribute

from geo.columns import SRID
from geo.coordinates import Box, Position


def inside(column: InstrumentedAttribute[Position], box: Box) -> ColumnElement[bool]:
    """Return the condition that the position lies in the box, its border included."""
    return or_(
        *(_in_envelope(column, west, box.south, east, box.north) for west, east in box.stretches())
    )


def within(
    column: InstrumentedAttribute[Position], centre: Position, metres: float
) -> ColumnElement[bool]:
    """Return the condition that the position is at most so many metres from the centre.

    The box around the circle is asked too, since only that has an index. Of ST_DWithin, PostgreSQL
    would believe that next to nothing lies within, and sort all that does.
    """
    point = func.ST_SetSRID(func.ST_MakePoint(centre.longitude, centre.latitude), SRID)
    distance_m = func.ST_Distance(func.geography(column), func.geography(point))
    return and_(inside(column, Box.around(centre, metres)), distance_m <= metres)


def _in_envelope(
    column: InstrumentedAttribute[Position], west: float, south: float, east: float, north: float
) -> ColumnElement[bool]:
    # One function that has the index, is exact, and whose share of the rows PostgreSQL can tell.
    # It would find nothing in an envelope that is a single point.
    is_point = (west, south) == (east, north)
    area = (
        func.ST_SetSRID(func.ST_MakePoint(west, south), SRID)
        if is_point
        else func.ST_MakeEnvelope(west, south, east, north, SRID)
    )
    return func.ST_Intersects(column, area)
