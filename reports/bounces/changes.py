"""Which change of the rules would have sent right what came back: a pure choice, by trying.

Each change is a rule for the category, narrower than the rule that decides today or put right
before it, so that it wins over that one wherever it fits. Each is tried by `geo.routing.decide` on
everything that was sent of the category, and the one that mends most and spoils least is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from geo import routing
from geo.conditions import Conditions
from geo.routing import NO_CONDITIONS, Rule
from reports.bounces.clusters import Case, Cluster


class Refusal(StrEnum):
    """Why there is no change to be proposed."""

    WAITING = "waiting"
    RIGHT_AFTER_ALL = "right_after_all"
    NO_DISTRICT = "no_district"
    OUT_OF_USE = "out_of_use"
    MENDED = "mended"
    SPOILS = "spoils"


class Parting(StrEnum):
    """What parts that which came back from that which the same rule sent right."""

    PLACE = "place"
    ANSWERS = "answers"
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a change asks beside what the rule asked that it goes before.

    `choices` are those of the question of which one has to be given.
    """

    district_id: int | None = None
    kind: str | None = None
    question: str | None = None
    choices: frozenset[str] = frozenset()

    @property
    def order(self) -> tuple[bool, int, str, str, list[str]]:
        """Sort what reaches no further than what was seen first, and then what asks least."""
        asks = (self.kind is not None) + (self.question is not None)
        return (
            self.district_id is None,
            asks,
            self.kind or "",
            self.question or "",
            sorted(self.choices),
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """How many tickets would go right that do not today, and the other way round.

    `mends` are those of the cluster that came back, `mends_elsewhere` all others.
    """

    mends: int
    mends_elsewhere: int
    spoils: int

    @property
    def gain(self) -> int:
        """Return how many tickets more would go right."""
        return self.mends + self.mends_elsewhere - self.spoils


@dataclass(frozen=True, slots=True)
class Change:
    """A rule to be put in at its position, which moves the rule there on, and what that does.

    `base_id` is that of the rule in force that sends what came back today, None where none does.
    """

    rule: Rule
    base_id: int | None
    narrowing: Narrowing
    effect: Effect


def parting(cluster: Cluster, advice: Change | Refusal) -> Parting | None:
    """Return what the change goes by, the place where that alone will do, or None for nothing."""
    by_place = Parting.PLACE if cluster.is_parted_by_place else None
    if isinstance(advice, Refusal):
        return by_place
    if advice.narrowing.question is not None:
        return Parting.ANSWERS
    if advice.narrowing.kind is not None:
        return Parting.KIND
    return by_place if advice.rule.district_id is not None else None


@dataclass(frozen=True, slots=True)
class Matter:
    """What may be asked of a category's reports: their kind, and the choices of its questions."""

    kinds: Collection[str]
    choices: Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class InUse:
    """What rules may name today: categories, districts of the map, and teams."""

    matters: Mapping[int, Matter]
    district_ids: Collection[int]
    team_ids: Collection[int]

    def matter(self, cluster: Cluster, team_id: int) -> Matter | None:
        """Return what the cluster is about, or None where a rule for it could not be written."""
        if team_id not in self.team_ids or cluster.district_id not in self.district_ids:
            return None
        return self.matters.get(cluster.category_id)


@dataclass(frozen=True, slots=True)
class _Today:
    """Where tickets would go by the rules in force."""

    case: Case
    rule: Rule | None
    team_id: int


class Adviser:
    """Knows the rules in force and all that was sent, and so what a change would do."""

    def __init__(
        self, rules: Sequence[Rule], fallback_id: int, cases: Iterable[Case], in_use: InUse
    ) -> None:
        # Every second position is free, for a change that goes before a rule.
        self._rules = [replace(rule, position=2 * rule.position) for rule in rules]
        self._fallback_id, self._in_use = fallback_id, in_use
        self._cases: dict[int, list[Case]] = {}
        for case in cases:
            self._cases.setdefault(case.subject.category_id, []).append(case)
        self._todays: dict[int, list[_Today]] = {}

    def advise(self, cluster: Cluster) -> Change | Refusal:
        """Return the change that would have sent most of it right, or why there is none.

        No change is proposed that spoils as many tickets as it mends of the cluster.
        """
        ending = cluster.ending
        if ending is None:
            stayed = any(case.stayed for case in cluster.came_back)
            return Refusal.RIGHT_AFTER_ALL if stayed else Refusal.WAITING
        if cluster.district_id is None:
            return Refusal.NO_DISTRICT
        matter = self._in_use.matter(cluster, ending[0])
        return Refusal.OUT_OF_USE if matter is None else self._best(cluster, ending[0], matter)

    def _best(self, cluster: Cluster, team_id: int, matter: Matter) -> Change | Refusal:
        todays = self._sent_today(cluster.category_id)
        wrong = [
            today
            for today in todays
            if _came_back(today.case, cluster)
            and today.case.ended_with == team_id
            and today.team_id != team_id
        ]
        if not wrong:
            return Refusal.MENDED
        base = _base(wrong)
        asked = _still_asked(base, matter)
        if asked is None:
            return Refusal.OUT_OF_USE
        trial = _Trial(cluster, team_id, base, asked, todays, self._fallback_id, self._last)
        changes = [trial.change(one) for one in trial.narrowings(matter, wrong)]
        mending = [one for one in changes if one.effect.mends > one.effect.spoils]
        return min(mending, key=_best_first, default=Refusal.SPOILS)

    @property
    def _last(self) -> int:
        return max((rule.position for rule in self._rules), default=0)

    def _sent_today(self, category_id: int) -> list[_Today]:
        """Return where everything of the category would go today."""
        if category_id not in self._todays:
            may_fit: dict[int | None, list[Rule]] = {}
            found = self._todays[category_id] = []
            for case in self._cases[category_id]:
                if case.district_id not in may_fit:
                    may_fit[case.district_id] = [
                        rule
                        for rule in self._rules
                        if rule.category_id in (None, category_id)
                        and rule.district_id in (None, case.district_id)
                    ]
                rules = may_fit[case.district_id]
                choice = routing.decide(case.subject, case.covers, rules, self._fallback_id)
                found.append(_Today(case, choice.rule, choice.target_id))
        return self._todays[category_id]


@dataclass(frozen=True, slots=True)
class _Trial:
    """Tries changes that send a cluster to the team it ended with, and go before `base`.

    `asked` is what the base asks, and so every change does.
    """

    cluster: Cluster
    team_id: int
    base: Rule | None
    asked: Conditions
    todays: Sequence[_Today]
    fallback_id: int
    last_position: int

    def narrowings(self, matter: Matter, wrong: Sequence[_Today]) -> Iterator[Narrowing]:
        """Yield what a change could ask: the place or not, and a kind, an answer or neither."""
        for place in (self.cluster.district_id, None):
            yield Narrowing(place)
            if self.asked.kind is None and len(matter.kinds) > 1:
                kinds = {today.case.subject.said.kind for today in wrong}
                for kind in sorted(kind for kind in matter.kinds if kind in kinds):
                    yield Narrowing(place, kind=kind)
            for question, offered in sorted(matter.choices.items()):
                allowed = dict(self.asked.answers).get(question, offered)
                given = {
                    choice
                    for today in wrong
                    for choice in today.case.subject.said.given_to(question)
                }
                gaining = [
                    choice
                    for choice in given.intersection(allowed)
                    if isinstance(choice, str)
                    and self._effect(self._rule(_answered(place, question, [choice]))).gain > 0
                ]
                yield from (_answered(place, question, [choice]) for choice in gaining)
                if len(gaining) > 1:
                    yield _answered(place, question, gaining)

    def change(self, narrowing: Narrowing) -> Change:
        """Return the change with this narrowing, and what it does."""
        rule = self._rule(narrowing)
        told = replace(rule, position=(rule.position + 1) // 2)
        base_id = self.base.id if self.base else None
        return Change(told, base_id, narrowing, self._effect(rule))

    def _rule(self, narrowing: Narrowing) -> Rule:
        answers = dict(self.asked.answers)
        if narrowing.question is not None:
            answers[narrowing.question] = narrowing.choices
        kind = narrowing.kind or self.asked.kind
        return Rule(
            id=0,
            position=self.base.position - 1 if self.base else self.last_position + 1,
            target_id=self.team_id,
            category_id=self.cluster.category_id,
            group_id=None,
            district_id=(self.base and self.base.district_id) or narrowing.district_id,
            conditions=replace(self.asked, kind=kind, answers=tuple(answers.items())),
        )

    def _effect(self, change: Rule) -> Effect:
        mends = elsewhere = spoils = 0
        for today in self.todays:
            case = today.case
            # Most can be told without asking: nobody knows whose it is, or nothing would change.
            if case.ended_with is None or today.team_id == change.target_id:
                continue
            if change.district_id not in (None, case.district_id):
                continue
            rules = [change] if today.rule is None else [today.rule, change]
            choice = routing.decide(case.subject, case.covers, rules, self.fallback_id)
            if choice.target_id == today.team_id:
                continue
            if choice.target_id == case.ended_with:
                if _came_back(case, self.cluster):
                    mends += case.count
                else:
                    elsewhere += case.count
            elif today.team_id == case.ended_with:
                spoils += case.count
        return Effect(mends, elsewhere, spoils)


def _base(wrong: Iterable[_Today]) -> Rule | None:
    """Return the rule that sends most of what goes wrong, the first by id among equals."""
    counts: Counter[int] = Counter()
    rules = {}
    for today in wrong:
        id_ = today.rule.id if today.rule else 0
        rules[id_] = today.rule
        counts[id_] += today.case.count
    return rules[min(counts, key=lambda id_: (-counts[id_], id_))]


def _still_asked(base: Rule | None, matter: Matter) -> Conditions | None:
    """Return what the rule asks with the choices that are still offered, None where some has none.

    A ticket may have been filed anew, with answers to the questions of another category.
    """
    if base is None:
        return NO_CONDITIONS
    answers = tuple(
        (question, choices & frozenset(matter.choices.get(question, ())))
        for question, choices in base.conditions.answers
    )
    if not all(choices for _, choices in answers):
        return None
    return replace(base.conditions, answers=answers)


def _came_back(case: Case, cluster: Cluster) -> bool:
    return (
        case.bounced
        and case.rule_id == cluster.rule_id
        and case.district_id == cluster.district_id
        and case.subject.category_id == cluster.category_id
    )


def _answered(place: int | None, question: str, choices: Iterable[str]) -> Narrowing:
    return Narrowing(place, question=question, choices=frozenset(choices))


def _best_first(change: Change) -> tuple[object, ...]:
    effect = change.effect
    return -effect.gain, effect.spoils, change.narrowing.order
