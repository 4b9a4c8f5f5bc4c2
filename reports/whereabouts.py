"""Where a spot lies and who would answer for it: what a phone asks before it sends anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from city import jurisdictions, setup
from city.jurisdictions import NearestJurisdiction, OutOfArea, Spot
from geo import districts
from geo.conditions import Said
from geo.coordinates import Position
from infra.words import Reader, mark, say_either
from reports import decisions
from reports.things import Thing

# A circle of doubt as wide as a city tells nothing, and would cost much to cut.
MAX_DOUBT_M = 5_000

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
    certain = decisions.is_certain(spot, accuracy_m)
    candidates = _candidates(session, spot, accuracy_m, reader)
    district = decisions.first_district(spot)
    here = Thing.of(district, reader) if district else None
    return Whereabouts(
        jurisdiction=Thing.of(spot.jurisdiction, reader),
        district=here,
        team=_team(session, spot, accuracy_m, category_code, reader, now),
        certain=certain,
        candidates=candidates,
        question=None if certain else _question(here, candidates, reader),
    )


def _team(
    session: Session,
    spot: Spot,
    accuracy_m: float | None,
    category_code: str | None,
    reader: Reader,
    now: datetime,
) -> Thing | None:
    if category_code is None:
        return None
    found = setup.read(session, spot.jurisdiction_id, category_code, spot.position)
    return Thing.of(decisions.route(found, spot, accuracy_m, Said(now)).team, reader)


def _candidates(
    session: Session, spot: Spot, accuracy_m: float | None, reader: Reader
) -> tuple[tuple[Thing, float], ...]:
    if accuracy_m:
        doubt_m = min(accuracy_m, MAX_DOUBT_M)
        shares = districts.shares(session, spot.jurisdiction.id, spot.position, doubt_m)
        return tuple((Thing.of(share, reader), round(share.share, 3)) for share in shares)
    return tuple((Thing.of(hit, reader), 1 / len(spot.districts)) for hit in spot.districts)


def _question(
    here: Thing | None, candidates: tuple[tuple[Thing, float], ...], reader: Reader
) -> str | None:
    """Ask whether it is the district at the spot itself or the likeliest of the others."""
    others = [thing for thing, _ in candidates if thing != here]
    if here is None or not others:
        return None
    return reader.say(_WHICH, districts=say_either(reader.locale, [here.name, others[0].name]))
