"""Deciding about many past reports, by rules and a map that need not be those in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from city import rules
from geo.conditions import Near
from geo.maps import NOWHERE, DistrictMap
from geo.routing import Rule
from geo.rulebook import Rulebook
from infra.columns import written
from reports.simulation.reading import NOBODY, Batch
from reports.simulation.saying import Sayings

# What stands for all districts that no rule names, which are alike, among ids.
_UNNAMED = -1
_UNKNOWN = -1

_NEARBY = text("""
    SELECT asked.number, nearby(
        :ruleset_id, asked.longitude, asked.latitude, CAST(:stands_in AS bigint[])
    )
    FROM unnest(
        CAST(:numbers AS int8[]), CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[])
    ) AS asked (number, longitude, latitude)
""")


@dataclass(frozen=True, slots=True)
class Sorted:
    """Reports by the rules that come into question: those of `kinds[n]` for the n-th report.

    `team_ids` has NOBODY where it matters what the report says.
    """

    district_ids: NDArray[np.int64]
    team_ids: NDArray[np.int64]
    kinds: NDArray[np.int64]

    @property
    def unsettled(self) -> NDArray[np.intp]:
        """Return the numbers of the reports about which the rules ask more."""
        [found] = np.nonzero(self.team_ids == NOBODY)
        return found


class Way:
    """A way to decide: by which rules, on which map, and by which versions of reference layers.

    `groups` has the group of each category.
    """

    def __init__(
        self,
        ruleset_id: int | None,
        book: Rulebook,
        groups: Mapping[int, int],
        map_: DistrictMap | None,
        stands_in: Sequence[int],
    ) -> None:
        self.map = map_
        self._ruleset_id = ruleset_id
        self.rules = book.rules
        self._book = book
        self._groups = groups
        self._stands_in = stands_in
        self._categories = np.array(sorted(groups), dtype=np.int64)
        places = sorted({_UNNAMED, NOWHERE, *book.districts})
        self._places = np.array(places, dtype=np.int64)
        # What the rules lead to for each kind of report, and how far they ask what is in it.
        count = len(groups) * len(places)
        self._teams = np.full(count, _UNKNOWN, dtype=np.int64)
        self._asks_answers = np.zeros(count, dtype=np.bool_)
        self._asks_near = np.zeros(count, dtype=np.bool_)
        self._rules: dict[int, tuple[Rule, ...]] = {}

    def sort_out(self, batch: Batch, district_ids: NDArray[np.int64]) -> Sorted:
        """Find the rules for each report; it lies in that district of the map, or NOWHERE."""
        place = np.searchsorted(self._places, district_ids).clip(max=len(self._places) - 1)
        place[self._places[place] != district_ids] = np.searchsorted(self._places, _UNNAMED)
        category = np.searchsorted(self._categories, batch.category_ids)
        kinds = category * len(self._places) + place
        new = np.zeros(len(self._teams), dtype=np.bool_)
        new[kinds] = True
        for kind in np.flatnonzero(new & (self._teams == _UNKNOWN)).tolist():
            self._learn(kind)
        return Sorted(district_ids, self._teams[kinds], kinds)

    def asks_answers(self, sorted_: Sorted, numbers: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell of which of these reports the rules ask how questions were answered."""
        return self._asks_answers[sorted_.kinds[numbers]]

    def settle(self, session: Session, batch: Batch, sorted_: Sorted, sayings: Sayings) -> None:
        """Give a team to those that are unsettled, by what is said in them and what is near."""
        unsettled = sorted_.unsettled
        said = sayings.of_report[np.searchsorted(sayings.numbers, unsettled)]
        asks_near = self._asks_near[sorted_.kinds[unsettled]]
        alike = sorted_.kinds[unsettled] * (len(sayings.said) + 1) + said
        cases, of_report = np.unique(alike[~asks_near], return_inverse=True)
        chosen = [
            self._book.choose(self._rules[kind], sayings.said[number])
            for kind, number in (divmod(case, len(sayings.said) + 1) for case in cases.tolist())
        ]
        sorted_.team_ids[unsettled[~asks_near]] = np.array(chosen, dtype=np.int64)[of_report]
        asked = unsettled[asks_near].tolist()
        near = self._near(session, batch, asked)
        for row, number in zip(asked, said[asks_near].tolist(), strict=True):
            told = replace(sayings.said[number], near=near[row])
            kind = int(sorted_.kinds[row])
            sorted_.team_ids[row] = self._book.choose(self._rules[kind], told)

    def _learn(self, kind: int) -> None:
        category, place = divmod(kind, len(self._places))
        category_id, district_id = int(self._categories[category]), int(self._places[place])
        found = self._book.in_question(
            category_id, self._groups[category_id], None if district_id == NOWHERE else district_id
        )
        self._rules[kind] = found
        self._teams[kind] = self._book.settled(found) or NOBODY
        self._asks_answers[kind] = any(rule.conditions.answers for rule in found)
        self._asks_near[kind] = any(rule.conditions.layer for rule in found)

    def _near(
        self, session: Session, batch: Batch, numbers: Sequence[int]
    ) -> dict[int, dict[int, Near]]:
        """Return what is near to these reports, by their number."""
        if not numbers:
            return {}
        values = {
            "ruleset_id": self._ruleset_id,
            "stands_in": list(self._stands_in),
            "numbers": written(numbers),
            "longitudes": written(batch.lon_lat[numbers, 0]),
            "latitudes": written(batch.lon_lat[numbers, 1]),
        }
        return {number: rules.near_of(told) for number, told in session.execute(_NEARBY, values)}
