"""How satisfied reporters are with how the city closed what they reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from city.models import Category, Jurisdiction, Team
from geo.models import District
from infra.words import Reader
from reports.closings import Feedback
from reports.things import Thing


class By(StrEnum):
    """What the figures are told by."""

    CATEGORY = "category"
    TEAM = "team"
    DISTRICT = "district"


_THINGS: dict[By, tuple[type[Category | Team | District], InstrumentedAttribute[int | None]]] = {
    By.CATEGORY: (Category, Feedback.category_id),
    By.TEAM: (Team, Feedback.team_id),
    By.DISTRICT: (District, Feedback.district_id),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of how many closed reports somebody was asked, answered and was satisfied.

    Some answer without having been asked, since no mail could reach them. The thing is None outside
    all districts.
    """

    thing: Thing | None
    closed: int
    asked: int
    answered: int
    satisfied: int

    @property
    def share(self) -> float | None:
        """Return which share of the answers was satisfied; None where there are none."""
        return round(self.satisfied / self.answered, 4) if self.answered else None


def figures(
    session: Session,
    jurisdiction_id: int,
    by: By,
    after: datetime | None,
    before: datetime | None,
    locale: str,
) -> list[Figures]:
    """Return the figures of closings from `after` on and before `before`, most answers first."""
    thing, column = _THINGS[by]
    answered = func.count(Feedback.satisfied)
    query = (
        select(
            column.label("thing_id"),
            func.count().label("closed"),
            func.count(Feedback.asked_at).label("asked"),
            answered.label("answered"),
            func.count().filter(Feedback.satisfied.is_(True)).label("satisfied"),
        )
        .where(Feedback.jurisdiction_id == jurisdiction_id)
        .group_by(column)
    )
    if after is not None:
        query = query.where(Feedback.closed_at >= after)
    if before is not None:
        query = query.where(Feedback.closed_at < before)
    counted = query.subquery()
    rows = session.execute(
        select(counted, thing, Jurisdiction.locales)
        .select_from(counted)
        .join(Jurisdiction, Jurisdiction.id == jurisdiction_id)
        .outerjoin(thing, thing.id == counted.c.thing_id)
        .order_by(counted.c.answered.desc(), counted.c.asked.desc(), counted.c.thing_id)
    )
    return [
        Figures(Thing.of(named, Reader(locale, locales)) if named else None, *counts)
        for _, *counts, named, locales in rows
    ]
