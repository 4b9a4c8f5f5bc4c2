"""Where a spot lies and who would answer for it: what a phone asks before it sends anything."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from city import categories, jurisdictions
from city.jurisdictions import NearestJurisdiction, OutOfArea, Spot
from city.models import Jurisdiction
from geo import districts
from geo.coordinates import Position
from infra.words import choose, mark, say
from reports import decisions
from reports.reading import Thing

# A circle of doubt as wide as a city tells nothing, and would cost much to cut.
MAX_DOUBT_M = 5_000

_WHICH = mark("Is the spot in {districts}?")
_OR = mark("{first} or {second}")


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
) -> Whereabouts:
    """Tell where the position lies, who answers there for the category, and how sure that is.

    Raise UnknownCategory.
    """
    try:
        spot = jurisdictions.locate(session, position)
    except OutOfArea as outside:
        return Whereabouts(nearest=outside.nearest)
    locales = spot.jurisdiction.locales
    certain = decisions.is_certain(spot, accuracy_m)
    candidates = _candidates(session, spot, accuracy_m, locale)
    district = decisions.first_district(spot)
    here = Thing(district.code, choose(district.names, locale, locales)) if district else None
    return Whereabouts(
        jurisdiction=Thing(
            spot.jurisdiction.code, choose(spot.jurisdiction.names, locale, locales)
        ),
        district=here,
        team=_team(session, spot, accuracy_m, category_code, locale),
        certain=certain,
        candidates=candidates,
        question=None if certain else _question(here, candidates, locale),
    )


def _team(
    session: Session,
    spot: Spot,
    accuracy_m: float | None,
    category_code: str | None,
    locale: str,
) -> Thing | None:
    if category_code is None:
        return None
    jurisdiction: Jurisdiction = spot.jurisdiction
    category = categories.find(session, jurisdiction.id, category_code)
    team = decisions.route(session, spot, category, accuracy_m).team
    return Thing(team.code, choose(team.names, locale, jurisdiction.locales))


def _candidates(
    session: Session, spot: Spot, accuracy_m: float | None, locale: str
) -> tuple[tuple[Thing, float], ...]:
    locales = spot.jurisdiction.locales
    if accuracy_m:
        doubt_m = min(accuracy_m, MAX_DOUBT_M)
        shares = districts.shares(session, spot.jurisdiction.id, spot.position, doubt_m)
        return tuple(
            (Thing(share.code, choose(share.names, locale, locales)), round(share.share, 3))
            for share in shares
        )
    return tuple(
        (Thing(hit.code, choose(hit.names, locale, locales)), 1 / len(spot.districts))
        for hit in spot.districts
    )


def _question(
    here: Thing | None, candidates: tuple[tuple[Thing, float], ...], locale: str
) -> str | None:
    """Ask whether it is the district at the spot itself or the likeliest of the others."""
    others = [thing for thing, _ in candidates if thing != here]
    if here is None or not others:
        return None
    return say(locale, _WHICH, districts=say(locale, _OR, first=here.name, second=others[0].name))
