"""Jurisdictions: which one a spot belongs to, and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Text, func, literal, or_, select
from sqlalchemy.orm import Session

from city.models import Jurisdiction
from geo import districts
from geo.coordinates import Position
from geo.districts import Hit
from geo.models import LayerRole
from infra.database import Names

# Beyond this distance the nearest city is no help to somebody who is outside of all.
NEAR_M = 50_000


class UnknownJurisdiction(Exception):
    """No jurisdiction has this code, or several stand here and none was named."""


class JurisdictionRequired(Exception):
    """Several jurisdictions stand here and none was named."""


class OutOfArea(Exception):
    """The position lies in no jurisdiction.

    `swapped` tells that it would lie in one with its two numbers exchanged; `nearest` names the
    one nearby, if any.
    """

    def __init__(self, swapped: bool, nearest: NearestJurisdiction | None) -> None:
        super().__init__("out of area")
        self.swapped = swapped
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class NearestJurisdiction:
    """A jurisdiction near a position that lies outside of it."""

    code: str
    names: Names
    locales: list[str]
    distance_m: float


@dataclass(frozen=True, slots=True)
class Place:
    """A position, the jurisdiction that it lies in, and the service districts that cover it."""

    position: Position
    jurisdiction_id: int
    districts: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Spot(Place):
    """A place, and the jurisdiction with all that it says of itself."""

    jurisdiction: Jurisdiction


def locate(session: Session, position: Position) -> Spot:
    """Return the jurisdiction and the service districts at the position, or raise OutOfArea."""
    place = find_place(session, position)
    jurisdiction = session.get_one(Jurisdiction, place.jurisdiction_id)
    return Spot(position, place.jurisdiction_id, place.districts, jurisdiction)


def find_place(session: Session, position: Position) -> Place:
    """Return where the position lies, by one question to the database, or raise OutOfArea."""
    return place_among(session, position, districts.locate(session, position))


def place_among(session: Session, position: Position, hits: Sequence[Hit]) -> Place:
    """Return where the position lies by the districts that are there, or raise OutOfArea."""
    inside = [hit for hit in hits if hit.role is LayerRole.BOUNDARY]
    if not inside:
        raise OutOfArea(_would_fit_swapped(session, position), _nearest(session, position))
    chosen = next((hit for hit in inside if hit.exact), inside[0])
    covering = tuple(
        hit
        for hit in hits
        if hit.role is LayerRole.SERVICE and hit.jurisdiction_id == chosen.jurisdiction_id
    )
    return Place(position, chosen.jurisdiction_id, covering)


def find(session: Session, code: str | None) -> Jurisdiction:
    """Return the jurisdiction with the code; without a code, the only one there is.

    Raise UnknownJurisdiction or JurisdictionRequired.
    """
    query = select(Jurisdiction).where(*_meant_by(code)).order_by(Jurisdiction.id).limit(2)
    found = session.scalars(query).all()
    if not found:
        raise UnknownJurisdiction
    if len(found) > 1:
        raise JurisdictionRequired
    return found[0]


def id_found(code: BindParameter[str | None]) -> ScalarSelect[int]:
    """Return the id of what `find` finds as part of a larger question, and null where it raises."""
    return (
        select(func.min(Jurisdiction.id))
        .where(*_meant_by(code))
        .having(func.count() == 1)
        .scalar_subquery()
    )


def _meant_by(code: str | BindParameter[str | None] | None) -> list[ColumnElement[bool]]:
    wanted = literal(code, Text) if not isinstance(code, BindParameter) else code
    return [Jurisdiction.retired_at.is_(None), or_(wanted.is_(None), Jurisdiction.code == wanted)]


def _would_fit_swapped(session: Session, position: Position) -> bool:
    swapped = position.swapped()
    if swapped is None:
        return False
    return any(hit.role is LayerRole.BOUNDARY for hit in districts.locate(session, swapped))


def _nearest(session: Session, position: Position) -> NearestJurisdiction | None:
    near = districts.nearest(session, position)
    if near is None or near.distance_m > NEAR_M:
        return None
    jurisdiction = session.get_one(Jurisdiction, near.jurisdiction_id)
    return NearestJurisdiction(
        jurisdiction.code, jurisdiction.names, jurisdiction.locales, near.distance_m
    )
