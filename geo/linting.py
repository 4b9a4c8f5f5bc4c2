"""What is odd about rules as a whole: a pure look at all that could be reported.

A category, a kind of report and a district make a case. Districts that no rule names are alike, so
they stand as one, `ELSEWHERE`. Of the conditions that rules have besides it is known when one
implies another. So what is told here is so; but that several rules together keep another one from
winning, where none of them does alone, is not found.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from itertools import takewhile

from geo.routing import Rule

ELSEWHERE = -1
"""All districts of the map that no rule in force names."""
MOST_TIES = 1_000
"""So many tell enough of rules that only their order decides between."""


class Idleness(StrEnum):
    """Why a rule can never win."""

    OVER = "over"
    NO_LAYER = "no_layer"
    NO_FEATURE = "no_feature"
    NO_CASE = "no_case"
    OUTDONE = "outdone"


@dataclass(frozen=True, slots=True)
class Matter:
    """A category as rules see it, and the kinds of report that it takes."""

    category_id: int
    group_id: int
    kinds: Sequence[str]


@dataclass(slots=True)
class Tie:
    """Two rules as specific as each other that fit the same and lead to different teams.

    `district_ids` is where, ELSEWHERE among them.
    """

    first: Rule
    second: Rule
    district_ids: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Lint:
    """All that was found; `elsewhere` are the districts that stand as one.

    `unreached` has, by category, the districts where no rule fits some kind of report, and
    `conditional` those where all rules that do have further conditions.
    """

    elsewhere: Set[int]
    unreached: Mapping[int, set[int]]
    conditional: Mapping[int, set[int]]
    idle: Sequence[tuple[Rule, Idleness]]
    ties: Sequence[Tie]


def lint(
    rules: Sequence[Rule],
    matters: Sequence[Matter],
    district_ids: Iterable[int],
    layer_ids: Container[int],
    several: Container[str],
    today: date,
    unmet_ids: Container[int] = frozenset(),
) -> Lint:
    """Return what is odd about the rules from today on.

    `district_ids` are those of the map, `layer_ids` the reference layers that something can be near
    to, `several` the questions to which more than one choice can be given, `unmet_ids` the rules
    that ask for what nothing of their reference layer is. Once MOST_TIES are found, no more are
    looked for.
    """
    dead = {rule.id: why for rule in rules if (why := _death(rule, layer_ids, today, unmet_ids))}
    live = sorted((rule for rule in rules if rule.id not in dead), key=lambda rule: rule.strength)
    known, named = set(district_ids), {rule.district_id for rule in live}
    elsewhere = known - named
    places = [*sorted(known & named), *([ELSEWHERE] if elsewhere else [])]
    look = _Look(live, places, several)
    for matter in matters:
        look.at(matter)
    return Lint(
        elsewhere,
        look.unreached,
        look.conditional,
        idle=[
            (rule, dead.get(rule.id) or look.idleness(rule))
            for rule in rules
            if rule.id not in look.winning
        ],
        ties=[tie for _, tie in sorted(look.ties.items())],
    )


def _death(
    rule: Rule, layer_ids: Container[int], today: date, unmet_ids: Container[int]
) -> Idleness | None:
    """Return why the rule is not in force any more, whatever is reported."""
    wanted = rule.conditions
    if (wanted.last_day or today) < today:
        return Idleness.OVER
    if wanted.layer is not None and wanted.layer.layer_id not in layer_ids:
        return Idleness.NO_LAYER
    return Idleness.NO_FEATURE if rule.id in unmet_ids else None


class _Look:
    """The rules in force, the strongest first, and what was found about them so far."""

    def __init__(
        self, live: Sequence[Rule], places: Sequence[int], several: Container[str]
    ) -> None:
        self._live, self._places, self._several = live, places, several
        self._besides = {rule.id: replace(rule.conditions, kind=None) for rule in live}
        self._fitting: set[int] = set()
        self.winning: set[int] = set()
        self.unreached: dict[int, set[int]] = {}
        self.conditional: dict[int, set[int]] = {}
        self.ties: dict[tuple[int, int], Tie] = {}

    def at(self, matter: Matter) -> None:
        """Look at all cases of a category."""
        about = [rule for rule in self._live if _is_about(rule, matter)]
        for place in self._places:
            here = [rule for rule in about if rule.district_id in (None, place)]
            for kind in matter.kinds:
                case = [rule for rule in here if rule.conditions.kind in (None, kind)]
                self._reach(matter, place, case)
                self._fitting |= {rule.id for rule in case if rule.conditions.minutes}
                self.winning |= set(self._winners(case))
            for first, second in _tied(here, self._several):
                key = (first.position, second.position)
                if key not in self.ties and len(self.ties) >= MOST_TIES:
                    break
                self.ties.setdefault(key, Tie(first, second)).district_ids.add(place)

    def idleness(self, rule: Rule) -> Idleness:
        """Return why a rule in force never wins."""
        return Idleness.OUTDONE if rule.id in self._fitting else Idleness.NO_CASE

    def _reach(self, matter: Matter, place: int, case: Sequence[Rule]) -> None:
        if not case:
            self.unreached.setdefault(matter.category_id, set()).add(place)
        elif not any(self._besides[rule.id].are_none for rule in case):
            self.conditional.setdefault(matter.category_id, set()).add(place)

    def _winners(self, case: Sequence[Rule]) -> Iterator[int]:
        """Yield which of the rules some report of the case could go by."""
        for number, rule in enumerate(case):
            mine, stronger = self._besides[rule.id], case[:number]
            if rule.id in self.winning or (
                mine.minutes and not any(mine.imply(self._besides[one.id]) for one in stronger)
            ):
                yield rule.id


def _is_about(rule: Rule, matter: Matter) -> bool:
    return rule.category_id in (None, matter.category_id) and rule.group_id in (
        None,
        matter.group_id,
    )


def _tied(here: Sequence[Rule], several: Container[str]) -> Iterator[tuple[Rule, Rule]]:
    for number, first in enumerate(here):
        specificity = first.specificity
        for second in takewhile(
            lambda other: other.specificity == specificity,  # noqa: B023
            here[number + 1 :],
        ):
            other_team = first.target_id != second.target_id
            if other_team and first.conditions.may_meet(second.conditions, several):
                yield first, second
