"""Rulesets: the published rules of a jurisdiction, as values for the choice of routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from city.models import Category, CategoryGroup, Jurisdiction, RuleRow, Ruleset, Team
from geo.models import District
from geo.routing import Rule
from infra.database import Names


@dataclass(frozen=True, slots=True)
class RuleNames:
    """What a rule is called by the city: the parts that make its sentence."""

    subject: Names | None
    district: Names | None
    team: Names


def version(session: Session, jurisdiction: Jurisdiction) -> int | None:
    """Return the number of the published ruleset."""
    return session.scalar(select(Ruleset.version).where(Ruleset.id == jurisdiction.ruleset_id))


def matching(session: Session, jurisdiction: Jurisdiction, category: Category) -> list[Rule]:
    """Return the published rules that could concern the category, wherever they apply."""
    rows = session.scalars(
        select(RuleRow)
        .where(
            RuleRow.ruleset_id == jurisdiction.ruleset_id,
            or_(RuleRow.category_id.is_(None), RuleRow.category_id == category.id),
            or_(RuleRow.group_id.is_(None), RuleRow.group_id == category.group_id),
        )
        .order_by(RuleRow.position)
    )
    return [
        Rule(
            id=row.id,
            position=row.position,
            target_id=row.team_id,
            category_id=row.category_id,
            group_id=row.group_id,
            district_id=row.district_id,
        )
        for row in rows
    ]


def names_of(session: Session, rule_ids: Sequence[int]) -> dict[int, RuleNames]:
    """Return what the rules are called, id to names."""
    rows = session.execute(
        select(RuleRow.id, Category.names, CategoryGroup.names, District.names, Team.names)
        .join(Team, Team.id == RuleRow.team_id)
        .outerjoin(Category, Category.id == RuleRow.category_id)
        .outerjoin(CategoryGroup, CategoryGroup.id == RuleRow.group_id)
        .outerjoin(District, District.id == RuleRow.district_id)
        .where(RuleRow.id.in_(rule_ids))
    )
    return {
        id_: RuleNames(subject=category or group, district=district, team=team)
        for id_, category, group, district, team in rows
    }
