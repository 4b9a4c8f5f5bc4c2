"""A city's set-up as one report meets it: its category, the rules, the nearest address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from city import addresses, calendars, jurisdictions, rule_texts, rules
from city.calendars import Calendar
from city.categories import Asked, UnknownCategory
from city.jurisdictions import Place
from city.rule_texts import Questions
from geo import districts
from geo.conditions import Near, Said
from geo.coordinates import Position
from geo.routing import Rule, Subject
from infra import rows
from infra.database import Base, Names
from infra.statements import Statement


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

    def as_subject(self, said: Said) -> Subject:
        """Return what the choice of routes needs to know."""
        return Subject(self.id, self.group_id, said)


@dataclass(frozen=True, slots=True)
class AnsweringTeam:
    """A team that reports go to; `calendar` is its own or else the city's."""

    id: int
    code: str
    names: Names
    calendar: Calendar | None


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """A rule as it is applied, with what the city calls the parts that make its sentence."""

    rule: Rule
    subject: Names | None
    district: Names | None
    team: AnsweringTeam
    layer: Names | None
    conditions: dict[str, Any]

    def told(self, questions: Questions) -> dict[str, Any]:
        """Return the rule with the names that its sentence needs."""
        return {
            "id": self.rule.id,
            "subject": self.subject,
            "district": self.district,
            "team": self.team.names,
            "conditions": rule_texts.told_conditions(self.layer, self.conditions, questions),
        }


@dataclass(frozen=True, slots=True)
class Setup:
    """What a city has set up for a category, and the address nearest to the spot, if one is near.

    `rules` are those published that could concern the category, wherever they apply, in order;
    `near` is what is near the spot of the layers that rules ask about.
    """

    jurisdiction_id: int
    jurisdiction: str
    locales: list[str]
    zone: ZoneInfo
    category: CategorySetup
    questions: tuple[Asked, ...]
    ruleset_id: int | None
    ruleset: int | None
    rules: tuple[PublishedRule, ...]
    fallback: AnsweringTeam | None
    near: Mapping[int, Near]
    nearest_address: str | None

    @property
    def asked(self) -> Questions:
        """Return what the questions and their choices are called."""
        return {one.code: (one.texts, rules.choice_names(one.choices)) for one in self.questions}


@dataclass(frozen=True, slots=True)
class Concerned:
    """The rules of one version that could concern a category of the group, in order.

    `questions` are all that the city ever asked; those of the category go before others of the
    same code, and those of the group before any.
    """

    group_id: int
    zone: ZoneInfo
    questions: Questions
    rules: tuple[PublishedRule, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a new report meets: where it lies, and what is set up there for its category.

    `setup` is None where the city has no such category in use; `numbers` are those reserved.
    """

    place: Place
    setup: Setup | None
    numbers: list[int]


_WORKING_TIMES = """
    json_build_array(j.time_zone, j.calendar::text, (
        SELECT json_object_agg(w.id, w.calendar::text)
        FROM calendars w WHERE w.jurisdiction_id = j.id
    ))
"""
_RULES = """
    SELECT json_agg(r.document ORDER BY r.position) FROM rule_documents r
    WHERE r.ruleset_id = {ruleset_id}
        AND (r.category_id IS NULL OR r.category_id = c.id)
        AND (r.group_id IS NULL OR r.group_id = {group_id})
"""

# Told as one JSON document, since many columns would take longer; without names, since the driver
# remembers no text of more than 4,096 bytes.
_DOCUMENT = f"""
    json_build_array(
        j.code,
        j.locales,
        {_WORKING_TIMES},
        json_build_array(
            c.id, c.group_id, c.code, c.names, c.kinds, c.public, c.priority, c.target_hours,
            c.target_hours_by_priority
        ),
        (
            SELECT json_agg(
                json_build_array(q.code, q.type, q.required, q.choices, q.texts)
                ORDER BY q.position
            )
            FROM questions q WHERE q.category_id = c.id AND q.retired_at IS NULL
        ),
        j.ruleset_id,
        s.number,
        ({_RULES.format(ruleset_id="j.ruleset_id", group_id="c.group_id")}),
        json_build_array(f.id, f.code, f.names, f.calendar_id),
        nearby(j.ruleset_id, :longitude, :latitude, NULL),
        ({addresses.NEAREST.format(jurisdiction_id="j.id")})
    )
"""
_OF_CATEGORY = """
    FROM jurisdictions j
    JOIN categories c ON c.jurisdiction_id = j.id AND c.code = :code AND c.retired_at IS NULL
    LEFT JOIN rulesets s ON s.id = j.ruleset_id
    LEFT JOIN teams f ON f.id = j.fallback_team_id
"""
_READ = Statement(f"SELECT {_DOCUMENT} {_OF_CATEGORY} WHERE j.id = :jurisdiction_id")
_CONCERNED = Statement(f"""
    SELECT json_build_array(
        g.id,
        {_WORKING_TIMES},
        (
            SELECT json_agg(
                json_build_array(q.code, q.texts, q.choices)
                ORDER BY o.id = c.id, o.group_id = g.id, o.position DESC, o.id DESC
            )
            FROM questions q JOIN categories o ON o.id = q.category_id
            WHERE q.jurisdiction_id = j.id
        ),
        ({_RULES.format(ruleset_id=":ruleset_id", group_id="g.id")})
    )
    FROM categories c
    JOIN jurisdictions j ON j.id = c.jurisdiction_id
    JOIN category_groups g ON g.id = coalesce(CAST(:group_id AS bigint), c.group_id)
    WHERE c.id = :category_id
""")

# All by one question, since each would take as long to be asked as to be answered. Where cities
# meet, the spot may lie on the border of several.
_SURVEY = f"""
    WITH {districts.HITS}
    SELECT json_build_array(
        ({districts.ALL_HITS}),
        (
            SELECT json_object_agg(j.id, {_DOCUMENT}) {_OF_CATEGORY}
            WHERE j.id IN (SELECT jurisdiction_id FROM hits WHERE role = 'boundary')
        ),
        {{reservation}}
    )
"""


def read(session: Session, jurisdiction_id: int, code: str, position: Position) -> Setup:
    """Return the set-up for reports of the category at the position, or raise UnknownCategory."""
    values = {"jurisdiction_id": jurisdiction_id, "code": code, **addresses.around(position)}
    found: list[Any] | None = _READ.scalar(session, values)
    if found is None:
        raise UnknownCategory(code)
    return _setup(jurisdiction_id, found)


def concerned(
    session: Session, ruleset_id: int | None, category_id: int, group_id: int | None
) -> Concerned:
    """Return the rules of a version, of today or of before, that could concern the category.

    `group_id` is the group that it was in then, None that of today.
    """
    values = {"ruleset_id": ruleset_id, "category_id": category_id, "group_id": group_id}
    found = _CONCERNED.scalar(session, values)
    group_id_, working_times, questions, documents = found
    times = _WorkingTimes(*working_times)
    return Concerned(
        group_id=group_id_,
        zone=ZoneInfo(times.time_zone),
        questions={
            code: (texts, rules.choice_names(choices)) for code, texts, choices in questions or ()
        },
        rules=tuple(_rule(times, *document) for document in documents or ()),
    )


def survey(
    session: Session, code: str, position: Position, *, reserve: tuple[type[Base], ...]
) -> Survey:
    """Return what a report of the category meets at the position, or raise OutOfArea.

    `reserve` names the models for whose new rows numbers are wanted, in this order.
    """
    values = {"code": code, **districts.values_at(position), **addresses.around(position)}
    hits, setups, numbers = _survey(reserve).scalar(session, values)
    place = jurisdictions.place_among(session, position, districts.hits_of(hits))
    found = (setups or {}).get(str(place.jurisdiction_id))
    return Survey(place, found and _setup(place.jurisdiction_id, found), numbers)


@cache
def _survey(reserve: tuple[type[Base], ...]) -> Statement:
    return Statement(_SURVEY.format(reservation=rows.reservation(*reserve)))


def _setup(jurisdiction_id: int, found: list[Any]) -> Setup:
    code, locales, working_time, category, questions, ruleset_id, ruleset, *others = found
    documents, fallback, near, address = others
    times = _WorkingTimes(*working_time)
    return Setup(
        jurisdiction_id=jurisdiction_id,
        jurisdiction=code,
        locales=locales,
        zone=ZoneInfo(times.time_zone),
        category=CategorySetup(*category),
        questions=tuple(Asked(*question) for question in questions or ()),
        ruleset_id=ruleset_id,
        ruleset=ruleset,
        rules=tuple(_rule(times, *document) for document in documents or ()),
        fallback=_team(times, *fallback) if fallback[0] else None,
        near=rules.near_of(near),
        nearest_address=address,
    )


@dataclass(frozen=True, slots=True)
class _WorkingTimes:
    """The city's calendar and those of teams, by the id, as their JSON."""

    time_zone: str
    of_city: str | None
    of_teams: dict[str, str] | None


def _team(
    times: _WorkingTimes, id_: int, code: str, names: Names, calendar_id: int | None
) -> AnsweringTeam:
    said = times.of_city
    if calendar_id is not None and times.of_teams:
        said = times.of_teams[str(calendar_id)]
    return AnsweringTeam(id_, code, names, calendars.read(times.time_zone, said))


def _rule(
    times: _WorkingTimes,
    id_: int,
    position: int,
    team_id: int,
    category_id: int | None,
    group_id: int | None,
    district_id: int | None,
    subject: Names | None,
    district: Names | None,
    layer_id: int | None,
    layer: Names | None,
    conditions: dict[str, Any],
    *team: Any,
) -> PublishedRule:
    condition = rules.conditions_of(layer_id, conditions)
    return PublishedRule(
        Rule(id_, position, team_id, category_id, group_id, district_id, condition),
        subject=subject,
        district=district,
        team=_team(times, team_id, *team),
        layer=layer,
        conditions=conditions,
    )
