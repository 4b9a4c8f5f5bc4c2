"""Rules that are asked about many reports: each is sent where `routing.decide` sends it."""

from __future__ import annotations

from collections.abc import Sequence

from geo.conditions import Said
from geo.routing import Rule, out_of_question


class Rulebook:
    """Rules, and what of them comes into question for a subject in a district, found once."""

    def __init__(self, rules: Sequence[Rule], fallback_id: int) -> None:
        self.rules = rules
        self._fallback_id = fallback_id
        self._by_district: dict[int | None, list[Rule]] = {}
        for rule in rules:
            self._by_district.setdefault(rule.district_id, []).append(rule)
        self._found: dict[tuple[int, int, int | None], tuple[Rule, ...]] = {}

    @property
    def districts(self) -> list[int]:
        """Return the districts that rules name; all others are alike."""
        return [id_ for id_ in self._by_district if id_ is not None]

    def in_question(
        self, category_id: int, group_id: int, district_id: int | None
    ) -> tuple[Rule, ...]:
        """Return the rules that may win, the strongest first; after one that always does, none."""
        key = category_id, group_id, district_id
        found = self._found.get(key)
        if found is None:
            at_hand = [*self._by_district.get(None, ())]
            if district_id is not None:
                at_hand += self._by_district.get(district_id, ())
            rules = sorted(
                (rule for rule in at_hand if out_of_question(rule, *key) is None),
                key=lambda rule: rule.strength,
            )
            always = next((n for n, rule in enumerate(rules) if rule.conditions.are_none), None)
            found = self._found[key] = tuple(rules[: None if always is None else always + 1])
        return found

    def settled(self, rules: Sequence[Rule]) -> int | None:
        """Return what these lead to whatever a report says; None where that matters."""
        if not rules:
            return self._fallback_id
        return rules[0].target_id if rules[0].conditions.are_none else None

    def choose(self, rules: Sequence[Rule], said: Said) -> int:
        """Return what a report is sent to about which these rules come into question."""
        fitting = (rule.target_id for rule in rules if rule.conditions.miss(said) is None)
        return next(fitting, self._fallback_id)
