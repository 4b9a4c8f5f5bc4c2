"""Rules between their three forms: as a city says them, as rows, and as they are applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.calendars import WEEKDAYS, spans
from city.models import Category, CategoryGroup, Question, QuestionType, RuleRow, Team
from city.parts import UNKNOWN, Steps
from city.rule_parts import RulePart
from city.unfit import Unfit
from geo.conditions import Conditions, Near, NearLayer
from geo.models import District, Layer, LayerRole
from geo.routing import NO_CONDITIONS, Rule
from infra.database import Names
from infra.words import mark

COLUMNS = (
    *("position", "category_id", "group_id", "district_id"),
    *("layer_id", "team_id", "conditions"),
)
"""What makes a row one rule and not another."""

_CONDITIONS = {"within_m", "where", "kind", "answers", "hours", "first_day", "last_day"}
_CHOSEN = (QuestionType.CHOICE.value, QuestionType.CHOICES.value)

NO_CHOICE = mark("the question '{code}' has no choice '{choice}'")


@dataclass(frozen=True, slots=True)
class Targets:
    """What the codes in a rule stand for: ids, and the choices of questions by category."""

    teams: Mapping[str, int]
    groups: Mapping[str, int]
    categories: Mapping[str, int]
    districts: Mapping[str, int]
    layers: Mapping[str, int]
    choices: Mapping[str, Mapping[str, frozenset[str]]]
    group_of: Mapping[str, str]

    def faults(self, part: RulePart) -> Iterator[tuple[Steps, Unfit]]:
        """Yield what the rule names that the city does not have, and where."""
        for what, code, known in (
            ("team", part.team, self.teams),
            ("category", part.category, self.categories),
            ("group", part.group, self.groups),
            ("district", part.district, self.districts),
            ("layer", part.layer, self.layers),
        ):
            if code is not None and code not in known:
                yield (what,), Unfit(UNKNOWN, what=what, code=code)
        for question, wanted in part.answers.items():
            offered = self._offered(part, question)
            if offered is None:
                yield ("answers", question), Unfit(UNKNOWN, what="question", code=question)
                continue
            for index, choice in enumerate(wanted):
                if choice not in offered:
                    unfit = Unfit(NO_CHOICE, code=question, choice=choice)
                    yield ("answers", question, index), unfit

    def columns(self, position: int, part: RulePart) -> dict[str, Any]:
        """Return the rule's row; all that it names has to be there."""
        return {
            "position": position,
            "category_id": self.categories[part.category] if part.category else None,
            "group_id": self.groups[part.group] if part.group else None,
            "district_id": self.districts[part.district] if part.district else None,
            "layer_id": self.layers[part.layer] if part.layer else None,
            "team_id": self.teams[part.team],
            "conditions": part.model_dump(mode="json", include=_CONDITIONS, exclude_defaults=True),
        }

    def _offered(self, part: RulePart, question: str) -> frozenset[str] | None:
        """Return the choices of the question in whatever the rule is about, None without it."""
        offered = [
            choices[question]
            for category, choices in self.choices.items()
            if part.category in (None, category)
            and part.group in (None, self.group_of.get(category))
            and question in choices
        ]
        return frozenset().union(*offered) if offered else None


def targets(session: Session, jurisdiction_id: int, *, drafted: bool) -> Targets:
    """Return what rules of the city may name; `drafted` ones any district there ever was."""

    def ids(model: Any) -> dict[str, int]:
        query = select(model.code, model.id).where(
            model.jurisdiction_id == jurisdiction_id, model.retired_at.is_(None)
        )
        return dict(session.execute(query).all())

    categories = session.execute(
        select(Category.code, CategoryGroup.code)
        .join(CategoryGroup, CategoryGroup.id == Category.group_id)
        .where(Category.jurisdiction_id == jurisdiction_id, Category.retired_at.is_(None))
    ).all()
    return Targets(
        teams=ids(Team),
        groups=ids(CategoryGroup),
        categories=ids(Category),
        districts=_districts(session, jurisdiction_id, drafted=drafted),
        layers=_layers(session, jurisdiction_id),
        choices=_choices(session, jurisdiction_id),
        group_of=dict(categories),
    )


def applied(session: Session, ruleset_id: int | None) -> list[Rule]:
    """Return the rules of a version as they are applied, in order."""
    query = select(RuleRow).where(RuleRow.ruleset_id == ruleset_id).order_by(RuleRow.position)
    return [as_applied(row) for row in session.scalars(query)]


def as_applied(row: RuleRow) -> Rule:
    """Return a rule as it is applied."""
    return Rule(
        id=row.id,
        position=row.position,
        target_id=row.team_id,
        category_id=row.category_id,
        group_id=row.group_id,
        district_id=row.district_id,
        conditions=conditions_of(row.layer_id, row.conditions),
    )


def conditions_of(layer_id: int | None, document: Mapping[str, Any]) -> Conditions:
    """Return the conditions that a row of rules holds."""
    if layer_id is None and not document:
        return NO_CONDITIONS
    hours = document.get("hours")
    near = None
    if layer_id is not None:
        near = NearLayer(layer_id, document.get("within_m", 0), _wanted(document, "where"))
    return Conditions(
        layer=near,
        kind=document.get("kind"),
        answers=_wanted(document, "answers"),
        hours=[spans(hours.get(weekday, ())) for weekday in WEEKDAYS] if hours else None,
        first_day=_day(document.get("first_day")),
        last_day=_day(document.get("last_day")),
    )


def choice_names(choices: Iterable[Mapping[str, Any]]) -> dict[str, Names]:
    """Return what a question's choices are called, by code."""
    return {choice["code"]: choice["names"] for choice in choices}


def near_of(told: Mapping[str, Any] | None) -> dict[int, Near]:
    """Return by layer what the database's `nearby` tells of."""
    return {int(layer_id): Near(*found) for layer_id, found in (told or {}).items()}


def _wanted(document: Mapping[str, Any], member: str) -> list[tuple[str, frozenset[str]]]:
    return [(name, frozenset(values)) for name, values in document.get(member, {}).items()]


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _districts(session: Session, jurisdiction_id: int, *, drafted: bool) -> dict[str, int]:
    query = (
        select(District.code, District.id)
        .join(Layer, Layer.id == District.layer_id)
        .where(
            Layer.jurisdiction_id == jurisdiction_id,
            Layer.role == LayerRole.SERVICE.value,
            Layer.retired_at.is_(None),
        )
    )
    if not drafted:
        query = query.where(District.retired_at.is_(None))
    return dict(session.execute(query).all())


def _layers(session: Session, jurisdiction_id: int) -> dict[str, int]:
    query = select(Layer.code, Layer.id).where(
        Layer.jurisdiction_id == jurisdiction_id,
        Layer.role == LayerRole.REFERENCE.value,
        Layer.retired_at.is_(None),
    )
    return dict(session.execute(query).all())


def _choices(session: Session, jurisdiction_id: int) -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    for category, question, choices in session.execute(
        select(Category.code, Question.code, Question.choices)
        .join(Category, Category.id == Question.category_id)
        .where(
            Question.jurisdiction_id == jurisdiction_id,
            Question.type.in_(_CHOSEN),
            Question.retired_at.is_(None),
            Category.retired_at.is_(None),
        )
    ):
        offered = frozenset(choice["code"] for choice in choices)
        found.setdefault(category, {})[question] = offered
    return found
