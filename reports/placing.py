"""Where a report is taken to lie: the districts in question, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from city.jurisdictions import Place
from geo import doubt, routing
from geo.routing import Cover
from infra.database import Names


@dataclass(frozen=True, slots=True)
class Placed:
    """The districts in question for a report, in the order of preference.

    `names` are those of the districts, by their ids. `certain` tells whether the doubt about the
    position stays within one district; `border_distance_m` is how far the border of the first is,
    None where the spot itself lies beside it. `nowhere` tells that the spot most likely lies in no
    district, as it does where it is said to be.
    """

    candidates: tuple[Cover, ...]
    names: Mapping[int, Names]
    certain: bool
    border_distance_m: float | None
    nowhere: bool

    @property
    def covers(self) -> tuple[Cover, ...]:
        """Return the districts of which the first is taken."""
        return () if self.nowhere else self.candidates


def weigh(session: Session, place: Place, accuracy_m: float | None) -> Placed:
    """Return the districts at the place, or those of its circle of doubt where that crosses."""
    certain = _is_certain(place, accuracy_m)
    hits = {hit.district_id: hit for hit in place.districts}
    nowhere = not hits
    if certain or not accuracy_m:
        covers = [hit.as_cover() for hit in place.districts]
        names = {id_: hit.names for id_, hit in hits.items()}
    else:
        shares = doubt.shares(session, place.jurisdiction_id, place.position, accuracy_m)
        exact = {id_ for id_, hit in hits.items() if hit.exact}
        covers = [
            Cover(one.district_id, one.code, one.district_id in exact, one.share) for one in shares
        ]
        names = {one.district_id: one.names for one in shares}
        nowhere = not hits and doubt.is_nowhere([one.share for one in shares])
    ordered = routing.in_order(covers)
    first = hits.get(ordered[0].district_id) if ordered else None
    distance_m = first.border_distance_m if first else None
    return Placed(tuple(ordered), names, certain, distance_m, nowhere)


def _is_certain(place: Place, accuracy_m: float | None) -> bool:
    if len(place.districts) > 1:
        return False
    border_distance_m = place.districts[0].border_distance_m if place.districts else None
    if border_distance_m is None:
        return not accuracy_m
    return border_distance_m > (accuracy_m or 0)
