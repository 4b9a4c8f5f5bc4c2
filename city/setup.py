"""A city's set-up as one report meets it: its category, the rules, the nearest address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from city import addresses, calendars
from city.calendars import Calendar
from city.categories import Asked, UnknownCategory
from geo.coordinates import Position
from geo.routing import Rule, Subject
from infra import rows
from infra.database import Base, Names


@dataclass(frozen=True, slots=True)
class CategorySetup:
    """A category in use; `target_hours` is what holds for a priority without its own target."""

    id: int
    group_id: int
    code: str
    names: Names
    kinds: list[str]
    public: bool
    priority: str
    target_hours: int | None
    target_hours_by_priority: dict[str, int]

    def as_subject(self) -> Subject:
        """Return what the choice of routes needs to know."""
        return Subject(self.id, self.group_id)


@dataclass(frozen=True, slots=True)
class AnsweringTeam:
    """A team that reports go to."""

    id: int
    code: str
    names: Names


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """A rule as it is applied, with what the city calls the parts that make its sentence."""

    rule: Rule
    subject: Names | None
    district: Names | None
    team: AnsweringTeam


@dataclass(frozen=True, slots=True)
class Setup:
    """What a city has set up for a category, and the address nearest to the spot, if one is near.

    `rules` are those published that could concern the category, wherever they apply, in order.
    """

    jurisdiction_id: int
    jurisdiction: str
    locales: list[str]
    calendar: Calendar | None
    category: CategorySetup
    questions: tuple[Asked, ...]
    ruleset_id: int | None
    ruleset: int | None
    rules: tuple[PublishedRule, ...]
    fallback: AnsweringTeam | None
    nearest_address: str | None
    numbers: list[int]


# All by one question, since each would take as long to be asked as to be answered; and told as one
# JSON document, since many columns would take longer still.
_READ = f"""
    SELECT json_build_object(
        'jurisdiction', j.code,
        'locales', j.locales,
        'calendar', json_build_array(j.time_zone, j.calendar::text),
        'category', json_build_array(
            c.id, c.group_id, c.code, c.names, c.kinds, c.public, c.priority, c.target_hours,
            c.target_hours_by_priority
        ),
        'questions', (
            SELECT json_agg(
                json_build_array(q.code, q.type, q.required, q.choices) ORDER BY q.position
            )
            FROM questions q WHERE q.category_id = c.id AND q.retired_at IS NULL
        ),
        'ruleset_id', j.ruleset_id,
        'ruleset', s.version,
        'rules', (
            SELECT json_agg(
                json_build_array(
                    r.id, r.position, r.team_id, r.category_id, r.group_id, r.district_id,
                    CASE WHEN r.category_id IS NULL THEN g.names ELSE c.names END, d.names,
                    t.code, t.names
                ) ORDER BY r.position
            )
            FROM rules r
            JOIN teams t ON t.id = r.team_id
            LEFT JOIN category_groups g ON g.id = r.group_id
            LEFT JOIN districts d ON d.id = r.district_id
            WHERE r.ruleset_id = j.ruleset_id
                AND (r.category_id IS NULL OR r.category_id = c.id)
                AND (r.group_id IS NULL OR r.group_id = c.group_id)
        ),
        'fallback', CASE WHEN f.id IS NOT NULL THEN json_build_array(f.id, f.code, f.names) END,
        'nearest_address', ({addresses.NEAREST}),
        'numbers', {{reservation}}
    )
    FROM jurisdictions j
    JOIN categories c ON c.jurisdiction_id = j.id AND c.code = :code AND c.retired_at IS NULL
    LEFT JOIN rulesets s ON s.id = j.ruleset_id
    LEFT JOIN teams f ON f.id = j.fallback_team_id
    WHERE j.id = :jurisdiction_id
"""


def read(
    session: Session,
    jurisdiction_id: int,
    code: str,
    position: Position,
    *,
    reserve: tuple[type[Base], ...] = (),
) -> Setup:
    """Return the set-up for reports of the category at the position, or raise UnknownCategory.

    `numbers` are for new rows of the models to `reserve`, which need no question of their own.
    """
    values = {"code": code, **addresses.around(jurisdiction_id, position)}
    found: dict[str, Any] | None = session.scalar(_query(reserve), values)
    if found is None:
        raise UnknownCategory(code)
    fallback = found["fallback"]
    return Setup(
        jurisdiction_id=jurisdiction_id,
        jurisdiction=found["jurisdiction"],
        locales=found["locales"],
        calendar=calendars.read(*found["calendar"]),
        category=CategorySetup(*found["category"]),
        questions=tuple(Asked(*question) for question in found["questions"] or ()),
        ruleset_id=found["ruleset_id"],
        ruleset=found["ruleset"],
        rules=tuple(_rule(*rule) for rule in found["rules"] or ()),
        fallback=AnsweringTeam(*fallback) if fallback else None,
        nearest_address=found["nearest_address"],
        numbers=found["numbers"],
    )


@cache
def _query(reserve: tuple[type[Base], ...]) -> TextClause:
    return text(_READ.format(reservation=rows.reservation(*reserve)))


def _rule(
    id_: int,
    position: int,
    team_id: int,
    category_id: int | None,
    group_id: int | None,
    district_id: int | None,
    subject: Names | None,
    district: Names | None,
    *team: Any,
) -> PublishedRule:
    return PublishedRule(
        Rule(id_, position, team_id, category_id, group_id, district_id),
        subject=subject,
        district=district,
        team=AnsweringTeam(team_id, *team),
    )
