"""Where a spot lies and who would answer for it: what a phone asks before it sends anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from city import jurisdictions, setup
from city.jurisdictions import NearestJurisdiction, OutOfArea, Spot
from geo.conditions import Said
from geo.coordinates import Position
from infra.words import Reader, mark, say_either
from reports import decisions, placing
from reports.placing import Placed
from reports.things import Thing

_WHICH = mark("Is the spot in {districts}?")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """An answer about a spot; `jurisdiction` None means that it lies in no city."""

    jurisdiction: Thing | None = None
    district: Thing | None = None
    team: Thing | None = None
    certain: bool = False
    candidates: tuple[tuple[Thing, float], ...] = ()
    question: str | None = None
    nearest: NearestJurisdiction | None = None


def ask(
    session: Session,
    position: Position,
    accuracy_m: float | None,
    category_code: str | None,
    locale: str,
    now: datetime,
) -> Whereabouts:
    """Tell where the position lies, who answers there for the category, and how sure that is.

    Raise UnknownCategory.
    """
    try:
        spot = jurisdictions.locate(session, position)
    except OutOfArea as outside:
        return Whereabouts(nearest=outside.nearest)
    reader = Reader(locale, spot.jurisdiction.locales)
    placed = placing.weigh(session, spot, accuracy_m)
    candidates = tuple(
        (
            Thing(one.code, reader.name(placed.names[one.district_id])),
            1 / len(placed.candidates) if one.share is None else round(one.share, 3),
        )
        for one in placed.candidates
    )
    here = None if placed.nowhere else candidates[0][0]
    return Whereabouts(
        jurisdiction=Thing.of(spot.jurisdiction, reader),
        district=here,
        team=_team(session, spot, placed, category_code, reader, now),
        certain=placed.certain,
        candidates=candidates,
        question=None if placed.certain or placed.nowhere else _question(candidates, reader),
    )


def _team(
    session: Session,
    spot: Spot,
    placed: Placed,
    category_code: str | None,
    reader: Reader,
    now: datetime,
) -> Thing | None:
    if category_code is None:
        return None
    found = setup.read(session, spot.jurisdiction_id, category_code, spot.position)
    return Thing.of(decisions.route(found, placed, Said(now)).team, reader)


def _question(candidates: tuple[tuple[Thing, float], ...], reader: Reader) -> str | None:
    """Ask which of the two likeliest districts it is."""
    if len(candidates) < 2:
        return None
    names = [thing.name for thing, _ in candidates[:2]]
    return reader.say(_WHICH, districts=say_either(reader.locale, names))
