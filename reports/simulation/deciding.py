"""Deciding about many past reports, by rules and a map that need not be those in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from city import rules
from geo.conditions import Near, Said
from geo.maps import NOWHERE, DistrictMap
from geo.routing import Rule
from geo.rulebook import Rulebook
from infra.columns import written
from reports.simulation.reading import NOBODY, Batch

_NEARBY = text("""
    SELECT asked.number, nearby(
        :ruleset_id, asked.longitude, asked.latitude, CAST(:stands_in AS bigint[])
    )
    FROM unnest(
        CAST(:numbers AS int8[]), CAST(:longitudes AS float8[]), CAST(:latitudes AS float8[])
    ) AS asked (number, longitude, latitude)
""")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to decide: by which rules, on which map, and by which versions of reference layers."""

    ruleset_id: int | None
    rules: Rulebook
    groups: Mapping[int, int]
    map: DistrictMap | None
    stands_in: Sequence[int]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Reports by the rules that come into question: `rules[of_report[n]]` for the n-th report.

    `team_ids` has NOBODY where it matters what the report says.
    """

    district_ids: NDArray[np.int64]
    team_ids: NDArray[np.int64]
    rules: list[tuple[Rule, ...]]
    of_report: NDArray[np.int64]

    @property
    def unsettled(self) -> NDArray[np.int64]:
        """Return the numbers of the reports about which the rules ask more."""
        [found] = np.nonzero(self.team_ids == NOBODY)
        return found


def sort_out(way: Way, batch: Batch, district_ids: NDArray[np.int64]) -> Sorted:
    """Find the rules for each report; it lies in that district of the way's map, or NOWHERE."""
    categories, of_category = np.unique(batch.category_ids, return_inverse=True)
    # One of the districts that no rule names stands for all of them.
    named = np.isin(district_ids, [*way.rules.districts, NOWHERE])
    others = district_ids[~named][:1]
    alike = np.where(named, district_ids, others) if len(others) else district_ids
    places, of_place = np.unique(alike, return_inverse=True)
    kinds, of_report = np.unique(of_category * len(places) + of_place, return_inverse=True)
    found = []
    for kind in kinds.tolist():
        category_id, place = int(categories[kind // len(places)]), int(places[kind % len(places)])
        district_id = place if place != NOWHERE else None
        found.append(way.rules.in_question(category_id, way.groups[category_id], district_id))
    settled = [way.rules.settled(rules) or NOBODY for rules in found]
    team_ids = np.array(settled, dtype=np.int64)[of_report]
    return Sorted(district_ids, team_ids, found, of_report)


def settle(
    session: Session, way: Way, batch: Batch, sorted_: Sorted, said: Mapping[int, Said]
) -> None:
    """Give a team to those that are unsettled, by what is said in them and what is near."""
    unsettled = sorted_.unsettled.tolist()
    asked = [
        number
        for number in unsettled
        if any(rule.conditions.layer for rule in sorted_.rules[sorted_.of_report[number]])
    ]
    near = _near(session, way, batch, asked)
    ids = batch.ids[sorted_.unsettled].tolist()
    for number, id_ in zip(unsettled, ids, strict=True):
        told = said[id_]
        if number in near:
            told = replace(told, near=near[number])
        rules_ = sorted_.rules[sorted_.of_report[number]]
        sorted_.team_ids[number] = way.rules.choose(rules_, told)


def _near(
    session: Session, way: Way, batch: Batch, numbers: Sequence[int]
) -> dict[int, dict[int, Near]]:
    """Return what is near to these reports, by their number."""
    if not numbers:
        return {}
    values = {
        "ruleset_id": way.ruleset_id,
        "stands_in": list(way.stands_in),
        "numbers": written(np.array(numbers)),
        "longitudes": written(batch.lon_lat[numbers, 0]),
        "latitudes": written(batch.lon_lat[numbers, 1]),
    }
    return {number: rules.near_of(told) for number, told in session.execute(_NEARBY, values)}
