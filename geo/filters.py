"""Conditions on position columns, for the lists that others keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float, Function, and_, func, or_
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
    return and_(inside(column, Box.around(centre, metres)), distance_m(column, centre) <= metres)


def distance_m(column: InstrumentedAttribute[Position], centre: Position) -> ColumnElement[float]:
    """Return how many metres the position is from the centre, on the ground."""
    there = func.geography(_point(centre))
    return func.ST_Distance(func.geography(column), there, type_=Float)


def nearest_first(
    column: InstrumentedAttribute[Position], centre: Position
) -> ColumnElement[float]:
    """Return what to sort by to have the nearest first, by degrees, as an index gives them."""
    return column.op("<->", return_type=Float())(_point(centre))


def _point(position: Position) -> Function[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(position.longitude, position.latitude), SRID)


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
