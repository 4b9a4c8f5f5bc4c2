"""What of a city's set-up clusters name: what it is called, and what rules may still name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Category, Question, QuestionType, Team
from geo.models import District
from infra.words import Reader
from reports.bounces.changes import InUse, Matter
from reports.bounces.clusters import Cluster
from reports.things import Thing

_CHOSEN = (QuestionType.CHOICE.value, QuestionType.CHOICES.value)


@dataclass(frozen=True, slots=True)
class Setting:
    """The city's categories and teams, and the districts of clusters, by id, retired or not."""

    categories: Mapping[int, Category]
    teams: Mapping[int, Team]
    districts: Mapping[int, District]
    in_use: InUse
    reader: Reader

    def category(self, id_: int) -> Thing:
        """Return a category as the reader calls it."""
        return Thing.of(self.categories[id_], self.reader)

    def team(self, id_: int) -> Thing:
        """Return a team as the reader calls it."""
        return Thing.of(self.teams[id_], self.reader)

    def district(self, id_: int | None) -> Thing | None:
        """Return a district as the reader calls it, None for none."""
        return Thing.of(self.districts[id_], self.reader) if id_ is not None else None


def read(
    session: Session, jurisdiction_id: int, clusters: Iterable[Cluster], reader: Reader
) -> Setting:
    """Return what the clusters are about, and what rules may name today."""
    categories = session.scalars(
        select(Category).where(Category.jurisdiction_id == jurisdiction_id)
    ).all()
    teams = session.scalars(select(Team).where(Team.jurisdiction_id == jurisdiction_id)).all()
    named = {cluster.district_id for cluster in clusters} - {None}
    districts = session.scalars(select(District).where(District.id.in_(named))).all()
    choices: dict[int, dict[str, frozenset[str]]] = {}
    for question in session.scalars(
        select(Question).where(
            Question.jurisdiction_id == jurisdiction_id,
            Question.type.in_(_CHOSEN),
            Question.retired_at.is_(None),
        )
    ):
        offered = frozenset(choice["code"] for choice in question.choices)
        choices.setdefault(question.category_id, {})[question.code] = offered
    in_use = InUse(
        matters={
            one.id: Matter(one.kinds, choices.get(one.id, {}))
            for one in categories
            if one.retired_at is None
        },
        district_ids={one.id for one in districts if one.retired_at is None},
        team_ids={one.id for one in teams if one.retired_at is None},
    )
    return Setting(
        {one.id: one for one in categories},
        {one.id: one for one in teams},
        {one.id: one for one in districts},
        in_use,
        reader,
    )
