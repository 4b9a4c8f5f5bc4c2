"""Rulesets: the published rules of a jurisdiction, as values for the choice of routes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from city.models import Category, CategoryGroup, Jurisdiction, RuleRow, Ruleset, Team
from geo.models import District
from geo.routing import Rule
from infra.database import Names


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """A rule as it is applied, with what the city calls the parts that make its sentence."""

    rule: Rule
    subject: Names | None
    district: Names | None
    team: Team


def version(session: Session, jurisdiction: Jurisdiction) -> int | None:
    """Return the number of the published ruleset."""
    return session.scalar(select(Ruleset.version).where(Ruleset.id == jurisdiction.ruleset_id))


def matching(
    session: Session, jurisdiction: Jurisdiction, category: Category
) -> list[PublishedRule]:
    """Return the published rules that could concern the category, wherever they apply."""
    rows = session.execute(
        select(RuleRow, Category.names, CategoryGroup.names, District.names, Team)
        .join(Team, Team.id == RuleRow.team_id)
        .outerjoin(Category, Category.id == RuleRow.category_id)
        .outerjoin(CategoryGroup, CategoryGroup.id == RuleRow.group_id)
        .outerjoin(District, District.id == RuleRow.district_id)
        .where(
            RuleRow.ruleset_id == jurisdiction.ruleset_id,
            or_(RuleRow.category_id.is_(None), RuleRow.category_id == category.id),
            or_(RuleRow.group_id.is_(None), RuleRow.group_id == category.group_id),
        )
        .order_by(RuleRow.position)
    )
    return [
        PublishedRule(
            Rule(
                id=row.id,
                position=row.position,
                target_id=row.team_id,
                category_id=row.category_id,
                group_id=row.group_id,
                district_id=row.district_id,
            ),
            subject=category_names or group_names,
            district=district_names,
            team=team,
        )
        for row, category_names, group_names, district_names, team in rows
    ]
