"""Rulesets: the versions of the rules that say which team answers, as administrators read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from city.administration import Administration, UnknownSetting
from city.models import Category, CategoryGroup, Jurisdiction, RuleRow, Ruleset, Team
from geo import layers


@dataclass(frozen=True, slots=True)
class RulesetView:
    """A version of the rules; each rule is told by codes."""

    version: int
    published_at: datetime | None
    current: bool
    rules: list[dict[str, Any]]


def every(office: Administration) -> list[RulesetView]:
    """Return every version, the newest first."""
    return _views(office)


def find(office: Administration, version: int) -> RulesetView:
    """Return the version, or raise UnknownSetting."""
    found = [view for view in _views(office) if view.version == version]
    if not found:
        raise UnknownSetting
    return found[0]


def _views(office: Administration) -> list[RulesetView]:
    session, city_id = office.session, office.jurisdiction_id
    current = session.get_one(Jurisdiction, city_id).ruleset_id
    rules: dict[int, list[dict[str, Any]]] = {}
    rows = session.execute(
        select(RuleRow, Category.code, CategoryGroup.code, Team.code)
        .outerjoin(Category, Category.id == RuleRow.category_id)
        .outerjoin(CategoryGroup, CategoryGroup.id == RuleRow.group_id)
        .join(Team, Team.id == RuleRow.team_id)
        .where(RuleRow.jurisdiction_id == city_id)
        .order_by(RuleRow.position)
    ).all()
    named = [rule.district_id for rule, *_codes in rows if rule.district_id is not None]
    districts = {id_: code for id_, (code, _) in layers.district_names(session, named).items()}
    for rule, category, group, team in rows:
        rules.setdefault(rule.ruleset_id, []).append(
            {
                "position": rule.position,
                "category": category,
                "group": group,
                "district": districts.get(rule.district_id or 0),
                "team": team,
            }
        )
    query = select(Ruleset).where(Ruleset.jurisdiction_id == city_id)
    return [
        RulesetView(one.version, one.published_at, one.id == current, rules.get(one.id, []))
        for one in session.scalars(query.order_by(Ruleset.version.desc()))
    ]
