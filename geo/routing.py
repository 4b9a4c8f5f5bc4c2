"""Which district a spot lies in and which rule answers for it: a pure choice, with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from geo.conditions import Conditions, Said
from geo.reasons import Reason


@dataclass(frozen=True, slots=True)
class Cover:
    """A district that covers the spot.

    `exact` is false where only a hair's breadth of rounding parts the spot from the district. Of a
    spot that is not certain, `share` is how much of the circle of doubt lies in the district; the
    spot itself may then lie beside it.
    """

    district_id: int
    code: str
    exact: bool
    share: float | None = None


NO_CONDITIONS = Conditions()


@dataclass(frozen=True, slots=True)
class Rule:
    """A category, a group or anything (None); a district or anywhere (None); what it leads to.

    `conditions` are what else has to hold.
    """

    id: int
    position: int
    target_id: int
    category_id: int | None
    group_id: int | None
    district_id: int | None
    conditions: Conditions = NO_CONDITIONS

    @property
    def specificity(self) -> tuple[int, int, int]:
        """Rank by subject first, then by place, then by how much else has to hold.

        What a layer of roads or parks says is nearer to the spot than what a district says.
        """
        subject = 2 if self.category_id is not None else int(self.group_id is not None)
        place = 2 * (self.conditions.layer is not None) + (self.district_id is not None)
        return subject, place, self.conditions.count

    @property
    def strength(self) -> tuple[int, ...]:
        """Sort the strongest first: the most specific, and of equals the first in order."""
        return *(-rank for rank in self.specificity), self.position


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be routed."""

    category_id: int
    group_id: int
    said: Said


@dataclass(frozen=True, slots=True)
class Candidate:
    """A district or a rule that was considered; `kind` is "district" or "rule"."""

    kind: str
    id: int
    taken: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome: no district means a gap in the layer; no rule means the fallback answers."""

    district_id: int | None
    rule: Rule | None
    target_id: int
    candidates: tuple[Candidate, ...]


def in_order(covers: Sequence[Cover]) -> list[Cover]:
    """Return the districts at a spot in the order of preference; the first is taken."""
    return sorted(covers, key=lambda cover: (-(cover.share or 0), not cover.exact, cover.code))


def decide(
    subject: Subject, covers: Sequence[Cover], rules: Sequence[Rule], fallback_id: int
) -> Choice:
    """Choose one district among `covers` and one target among `rules`.

    Of a circle of doubt, the district with the greatest share is taken. On a border or in an
    overlap it is the first by code, so that the same spot always gets the same answer; one that
    covers the spot exactly goes before one that only touches it.
    Among the rules that match, the most specific wins, ties going to the first in order. A spot in
    no district goes to the fallback.
    """
    ordered = in_order(covers)
    district_id = ordered[0].district_id if ordered else None
    candidates = [
        Candidate("district", cover.district_id, rank == 0, _place_reason(rank, ordered))
        for rank, cover in enumerate(ordered)
    ]
    if district_id is None:
        return Choice(None, None, fallback_id, tuple(candidates))
    matching = sorted(
        (rule for rule in rules if miss(rule, subject, district_id) is None),
        key=lambda rule: rule.strength,
    )
    winner = matching[0] if matching else None
    candidates += [
        Candidate("rule", rule.id, rank == 0, _rule_reason(rank, rule, matching))
        for rank, rule in enumerate(matching)
    ]
    target_id = winner.target_id if winner else fallback_id
    return Choice(district_id, winner, target_id, tuple(candidates))


def miss(rule: Rule, subject: Subject, district_id: int | None) -> Reason | None:
    """Return why the rule does not fit, by the first thing that fails; None where it does.

    What is near is looked at last, so where nothing is known of that, NOT_NEAR says that all else
    holds. In no district no rule fits.
    """
    standing = out_of_question(rule, subject.category_id, subject.group_id, district_id)
    return standing or rule.conditions.miss(subject.said)


def out_of_question(
    rule: Rule, category_id: int, group_id: int, district_id: int | None
) -> Reason | None:
    """Return why the rule fits no such report there, whatever it says; None where it may."""
    if rule.category_id not in (None, category_id) or rule.group_id not in (None, group_id):
        return Reason.OTHER_SUBJECT
    if district_id is None:
        return Reason.NO_DISTRICT
    if rule.district_id not in (None, district_id):
        return Reason.OTHER_DISTRICT
    return None


def _place_reason(rank: int, ordered: Sequence[Cover]) -> Reason:
    first, this = ordered[0], ordered[rank]
    if len(ordered) == 1 and first.exact:
        return Reason.COVERS
    if first.share is not None and (rank == 0 or this.share != first.share):
        return Reason.LIKELIEST if rank == 0 else Reason.LESS_LIKELY
    return Reason.FIRST_BY_CODE if rank == 0 else Reason.LATER_BY_CODE


def _rule_reason(rank: int, rule: Rule, matching: Sequence[Rule]) -> Reason:
    if rank > 0:
        tied = rule.specificity == matching[0].specificity
        return Reason.LATER_IN_ORDER if tied else Reason.LESS_SPECIFIC
    tied = len(matching) > 1 and matching[1].specificity == rule.specificity
    return Reason.FIRST_IN_ORDER if tied else Reason.MOST_SPECIFIC
