"""Conditions on position columns, for the lists that others keep."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import InstrumentedAttribute

from geo.columns import SRID
from geo.coordinates import Box, Position


def inside(column: InstrumentedAttribute[Position], box: Box) -> ColumnElement[bool]:
    """Return the condition that the position lies in the box, its border included."""
    if box.west <= box.east:
        return _overlaps(column, box.west, box.south, box.east, box.north)
    return or_(
        _overlaps(column, box.west, box.south, 180, box.north),
        _overlaps(column, -180, box.south, box.east, box.north),
    )


def within(
    column: InstrumentedAttribute[Position], centre: Position, metres: float
) -> ColumnElement[bool]:
    """Return the condition that the position is at most so many metres from the centre."""
    point = func.ST_SetSRID(func.ST_MakePoint(centre.longitude, centre.latitude), SRID)
    return func.ST_DWithin(func.geography(column), func.geography(point), metres)


def _overlaps(
    column: InstrumentedAttribute[Position], west: float, south: float, east: float, north: float
) -> ColumnElement[bool]:
    envelope = func.ST_MakeEnvelope(west, south, east, north, SRID)
    return func.ST_Intersects(func.geometry(column), envelope)
