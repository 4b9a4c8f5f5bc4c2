"""What is odd about a version of the city's rules, in codes, in words and on the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import rules
from city.administration import Administration
from city.models import Category, Jurisdiction, Question, QuestionType, Ruleset, Team
from geo import layers, linting, references
from geo.linting import ELSEWHERE, Idleness, Lint, Matter
from geo.models import District, Layer, LayerRole, LayerVersion
from geo.routing import Rule
from infra.database import Names
from infra.words import Reader, mark


class FindingKind(StrEnum):
    """What is odd."""

    UNREACHED = "unreached"
    CONDITIONAL = "conditional"
    IDLE_RULE = "idle_rule"
    IDLE_TEAM = "idle_team"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is odd, by codes; rules by their positions.

    `districts` are None where it is so everywhere, and where it is about no place.
    """

    kind: FindingKind
    text: str
    rules: Sequence[int] = ()
    category: str | None = None
    team: str | None = None
    districts: Sequence[str] | None = None


_NOWHERE = {FindingKind.IDLE_RULE, FindingKind.IDLE_TEAM}
_WHY = {
    Idleness.OVER: mark("Rule {rule} can never win: its last day is over."),
    Idleness.NO_LAYER: mark(
        "Rule {rule} can never win: the layer “{layer}” is out of use or no version of it is"
        " published."
    ),
    Idleness.NO_FEATURE: mark(
        "Rule {rule} can never win: nothing in the layer “{layer}” has the properties that it asks"
        " for."
    ),
    Idleness.NO_CASE: mark(
        "Rule {rule} can never win: no report fits it, since its category takes none of that kind"
        " or is out of use, its district is not on the map, or it has no hours."
    ),
    Idleness.OUTDONE: mark("Rule {rule} can never win: stronger rules fit whatever it fits."),
}
_EVERYWHERE = mark("everywhere")
_IN = mark("in {districts}")
_UNREACHED = mark(
    "“{category}” has no rule {where}, or none for some kind of report: such go to {fallback}."
)
_CONDITIONAL = mark(
    "“{category}” is reached on conditions alone {where}: what fits none goes to {fallback}."
)
_IDLE_TEAM = mark("No rule that can win leads to {team}.")
_TIE = mark("Rules {first} and {second} are as specific {where}: only their order decides.")

MOST_NAMED = 20
"""How many districts a sentence names."""

_AND_MORE = mark("{districts} and {count} more")


def examine(office: Administration, ruleset: Ruleset, locale: str) -> list[Finding]:
    """Return what is odd about the version today, on the map that is published."""
    return list(_Report(office, ruleset, locale).findings())


def as_geojson(office: Administration, ruleset: Ruleset, locale: str) -> dict[str, Any]:
    """Return a FeatureCollection: each district of which something is told, with what that is."""
    report = _Report(office, ruleset, locale)
    told: dict[str, list[Finding]] = {}
    for finding in report.findings():
        if finding.kind in _NOWHERE:
            continue
        for code in finding.districts or report.district_codes:
            told.setdefault(code, []).append(finding)
    version = office.session.get(LayerVersion, report.layer.published_version_id or 0)
    if version is None:
        return {"type": "FeatureCollection", "features": []}
    document = layers.as_geojson(office.session, version)
    document["features"] = [
        {**feature, "properties": {**feature["properties"], **_told(told[code])}}
        for feature in document["features"]
        for code in (feature["properties"]["code"],)
        if code in told
    ]
    return document


def _told(findings: Iterable[Finding]) -> dict[str, Any]:
    return {
        "findings": [
            {"kind": one.kind.value, "category": one.category, "rules": list(one.rules)}
            for one in findings
        ],
        "text": " ".join(one.text for one in findings),
    }


class _Report:
    """What was found about a version of the rules, and what the city calls the parts of it."""

    def __init__(self, office: Administration, ruleset: Ruleset, locale: str) -> None:
        session, city_id = office.session, office.jurisdiction_id
        self._city = session.get_one(Jurisdiction, city_id)
        self._reader = Reader(locale, self._city.locales)
        self._rules = rules.applied(session, ruleset.id)
        self._categories = {
            row.id: row
            for row in session.scalars(
                select(Category)
                .where(Category.jurisdiction_id == city_id, Category.retired_at.is_(None))
                .order_by(Category.position, Category.id)
            )
        }
        teams = select(Team).where(Team.jurisdiction_id == city_id, Team.retired_at.is_(None))
        self._teams = {row.id: row for row in session.scalars(teams.order_by(Team.code))}
        several = select(Question.code).where(
            Question.jurisdiction_id == city_id, Question.type == QuestionType.CHOICES.value
        )
        self.layer = session.scalars(
            select(Layer).where(
                Layer.jurisdiction_id == city_id,
                Layer.role == LayerRole.SERVICE.value,
                Layer.retired_at.is_(None),
            )
        ).one()
        on_map = select(District.id, District.code, District.names).where(
            District.layer_id == self.layer.id, District.retired_at.is_(None)
        )
        self._districts: dict[int, tuple[str, Names]] = {
            id_: (code, names) for id_, code, names in session.execute(on_map)
        }
        of_reference = select(Layer).where(
            Layer.jurisdiction_id == city_id, Layer.role == LayerRole.REFERENCE.value
        )
        self._references = {row.id: row for row in session.scalars(of_reference)}
        self._lint = linting.lint(
            self._rules,
            [Matter(row.id, row.group_id, row.kinds) for row in self._categories.values()],
            self._districts,
            {
                id_
                for id_, row in self._references.items()
                if row.retired_at is None and row.published_version_id is not None
            },
            frozenset(session.scalars(several)),
            office.now.astimezone(ZoneInfo(self._city.time_zone)).date(),
            {rule.id for rule in self._rules if self._is_unmet(office.session, rule)},
        )

    @property
    def district_codes(self) -> list[str]:
        """Return the codes of all districts on the map."""
        return sorted(code for code, _ in self._districts.values())

    def findings(self) -> Iterator[Finding]:
        """Yield all findings, what residents would feel most first."""
        yield from self._reach(FindingKind.UNREACHED, _UNREACHED, self._lint.unreached)
        yield from self._reach(FindingKind.CONDITIONAL, _CONDITIONAL, _rest(self._lint))
        for tie in self._lint.ties:
            first, second = tie.first.position, tie.second.position
            codes, where = self._where(tie.district_ids)
            text = self._reader.say(_TIE, first=first, second=second, where=where)
            yield Finding(FindingKind.TIE, text, rules=(first, second), districts=codes)
        for rule, why in self._lint.idle:
            text = self._reader.say(_WHY[why], rule=rule.position, layer=self._layer_of(rule))
            yield Finding(FindingKind.IDLE_RULE, text, rules=(rule.position,))
        yield from self._idle_teams()

    def _reach(
        self, kind: FindingKind, sentence: str, reach: Mapping[int, set[int]]
    ) -> Iterator[Finding]:
        fallback = self._teams.get(self._city.fallback_team_id or 0)
        for id_, category in self._categories.items():
            if id_ not in reach:
                continue
            codes, where = self._where(reach[id_])
            text = self._reader.say(
                sentence,
                category=self._reader.name(category.names),
                where=where,
                fallback=self._reader.name(fallback.names) if fallback else "-",
            )
            yield Finding(kind, text, category=category.code, districts=codes)

    def _idle_teams(self) -> Iterator[Finding]:
        idle = {rule.id for rule, _ in self._lint.idle}
        busy = {rule.target_id for rule in self._rules if rule.id not in idle}
        for id_, team in self._teams.items():
            if id_ not in busy and id_ != self._city.fallback_team_id:
                text = self._reader.say(_IDLE_TEAM, team=self._reader.name(team.names))
                yield Finding(FindingKind.IDLE_TEAM, text, team=team.code)

    def _is_unmet(self, session: Session, rule: Rule) -> bool:
        """Tell whether nothing of the rule's reference layer is as it asks."""
        wanted = rule.conditions.layer
        layer = self._references.get(wanted.layer_id) if wanted else None
        if wanted is None or layer is None or layer.published_version_id is None:
            return False
        return not references.any_is_so(session, layer.published_version_id, wanted.where)

    def _layer_of(self, rule: Rule) -> str:
        wanted = rule.conditions.layer
        return self._reader.name(self._references[wanted.layer_id].names) if wanted else ""

    def _where(self, district_ids: Iterable[int]) -> tuple[list[str] | None, str]:
        """Return codes and a phrase for the districts; None for all of the map."""
        found = set(district_ids)
        if ELSEWHERE in found:
            found = (found - {ELSEWHERE}) | self._lint.elsewhere
        if found >= self._districts.keys():
            return None, self._reader.say(_EVERYWHERE)
        named = sorted((self._districts[id_] for id_ in found), key=lambda pair: pair[0])
        return [code for code, _ in named], self._reader.say(_IN, districts=self._named(named))

    def _named(self, named: Sequence[tuple[str, Names]]) -> str:
        said = ", ".join(self._reader.name(names) for _, names in named[:MOST_NAMED])
        if len(named) > MOST_NAMED:
            return self._reader.say(_AND_MORE, districts=said, count=len(named) - MOST_NAMED)
        return said


def _rest(found: Lint) -> dict[int, set[int]]:
    """Return where a category is reached on conditions, save where it is not reached at all."""
    rest = {id_: at - found.unreached.get(id_, set()) for id_, at in found.conditional.items()}
    return {id_: places for id_, places in rest.items() if places}
