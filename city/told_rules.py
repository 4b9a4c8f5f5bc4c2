"""Rules as administrators read them: by codes, and with the names that their sentences need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import rule_texts, rules
from city.models import Category, CategoryGroup, Question, RuleRow, Team
from city.rule_texts import Questions
from geo import layers
from geo.models import Layer

ToldRule = tuple[dict[str, Any], dict[str, Any]]
"""What a rule says by codes, as it can be written again, and what `rule_texts.sentence` needs."""


def tell(session: Session, jurisdiction_id: int, rows: Sequence[RuleRow]) -> list[ToldRule]:
    """Return each of the city's rules as it is told, be it kept or only thought of."""
    categories = _named(session, Category, [row.category_id for row in rows])
    groups = _named(session, CategoryGroup, [row.group_id for row in rows])
    reference = _named(session, Layer, [row.layer_id for row in rows])
    teams = _named(session, Team, [row.team_id for row in rows])
    named = [row.district_id for row in rows if row.district_id is not None]
    districts = layers.district_names(session, named)
    questions = _Asked(session, jurisdiction_id)
    told = []
    for row in rows:
        category, group = categories.get(row.category_id), groups.get(row.group_id)
        layer, team = reference.get(row.layer_id), teams[row.team_id]
        district, district_names = districts.get(row.district_id or 0, (None, None))
        subject = category or group
        codes = {
            "position": row.position,
            "category": category.code if category else None,
            "group": group.code if group else None,
            "district": district,
            "layer": layer.code if layer else None,
            "team": team.code,
            **{name: row.conditions.get(name, empty) for name, empty in _LEFT_OPEN.items()},
        }
        names = {
            "subject": subject.names if subject else None,
            "district": district_names,
            "team": team.names,
            "conditions": rule_texts.told_conditions(
                layer.names if layer else None, row.conditions, questions.about(row)
            ),
        }
        told.append((codes, names))
    return told


def _named(session: Session, model: Any, ids: Sequence[int | None]) -> dict[int | None, Any]:
    """Return the rows of those ids that are given, by id."""
    rows = session.scalars(select(model).where(model.id.in_(set(ids) - {None})))
    return {row.id: row for row in rows}


_LEFT_OPEN: Mapping[str, Any] = {
    "within_m": 0,
    "where": {},
    "kind": None,
    "answers": {},
    "hours": None,
    "first_day": None,
    "last_day": None,
}


class _Asked:
    """What the city's questions are called; read when the first rule asks for one."""

    def __init__(self, session: Session, jurisdiction_id: int) -> None:
        self._session, self._jurisdiction_id = session, jurisdiction_id
        self._found: list[tuple[int, int, Question]] | None = None

    def about(self, rule: RuleRow) -> Questions:
        """Return the questions of whatever the rule is about; the first category goes before."""
        if not rule.conditions.get("answers"):
            return {}
        return {
            question.code: (question.texts, rules.choice_names(question.choices))
            for category_id, group_id, question in reversed(self._all())
            if rule.category_id in (None, category_id) and rule.group_id in (None, group_id)
        }

    def _all(self) -> list[tuple[int, int, Question]]:
        if self._found is None:
            query = (
                select(Category.id, Category.group_id, Question)
                .join(Category, Category.id == Question.category_id)
                .where(Question.jurisdiction_id == self._jurisdiction_id)
                .order_by(Category.position, Category.id)
            )
            self._found = list(self._session.execute(query).all())
        return self._found
