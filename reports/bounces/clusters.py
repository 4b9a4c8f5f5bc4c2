"""Tickets that came back, gathered by the rule that had sent them, their category and district.

Pure figures: rules, teams, categories and districts are ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from geo.coordinates import Position
from geo.routing import Cover, Subject


@dataclass(frozen=True, slots=True)
class Case:
    """Tickets that no rule can tell apart and that went the same way.

    `rule_id` is the rule that had sent them to the team `sent_to`, None where none fitted.
    `ended_with` is the team that has them since, or had them in the end, None while nobody has
    sent them on. `bounced` says that they were handed back or given to another team, how many of
    them by which way, and `places` where those are.
    """

    subject: Subject
    district_id: int | None
    rule_id: int | None
    sent_to: int
    ended_with: int | None
    bounced: bool
    count: int
    handed_back: int = 0
    overridden: int = 0
    places: Sequence[Position] = ()

    @property
    def covers(self) -> tuple[Cover, ...]:
        """Return the district as the choice of routes takes it."""
        return (Cover(self.district_id, "", exact=True),) if self.district_id is not None else ()

    @property
    def stayed(self) -> bool:
        """Tell whether the rule was right: its team has the tickets, whatever came between."""
        return self.ended_with == self.sent_to


@dataclass(slots=True)
class Cluster:
    """What a rule, or none, sent of a category in a district, of which something came back.

    `stays_elsewhere` counts what the same rule sent of the category in other districts and what
    its team has kept.
    """

    rule_id: int | None
    category_id: int
    district_id: int | None
    cases: list[Case] = field(default_factory=list)
    stays_elsewhere: int = 0

    @property
    def sent(self) -> int:
        """Return how many tickets there are."""
        return sum(case.count for case in self.cases)

    @property
    def came_back(self) -> list[Case]:
        """Return those that bounced."""
        return [case for case in self.cases if case.bounced]

    @property
    def bounced(self) -> int:
        """Return how many tickets bounced."""
        return sum(case.count for case in self.came_back)

    @property
    def stays(self) -> int:
        """Return how many tickets the rule's team has kept or taken back."""
        return sum(case.count for case in self.cases if case.stayed)

    @property
    def sent_to(self) -> int:
        """Return the team that the tickets were sent to."""
        return self.cases[0].sent_to

    @property
    def ending(self) -> tuple[int, int] | None:
        """Return the other team that most of what bounced ended with, and how many did."""
        teams: Counter[int] = Counter()
        for case in self.came_back:
            if case.ended_with is not None and not case.stayed:
                teams[case.ended_with] += case.count
        return min(teams.items(), key=lambda pair: (-pair[1], pair[0]), default=None)

    @property
    def is_parted_by_place(self) -> bool:
        """Tell whether here nothing stayed where the rule had sent it, and elsewhere something."""
        return self.stays == 0 and self.stays_elsewhere > 0


def gather(cases: Iterable[Case]) -> list[Cluster]:
    """Return the clusters in which something bounced, those with most of it first."""
    found: dict[tuple[int | None, int, int | None], Cluster] = {}
    stays: Counter[tuple[int | None, int]] = Counter()
    for case in cases:
        about = (case.rule_id, case.subject.category_id)
        cluster = found.setdefault((*about, case.district_id), Cluster(*about, case.district_id))
        cluster.cases.append(case)
        stays[about] += case.count * case.stayed
    clusters = [cluster for cluster in found.values() if cluster.bounced]
    for cluster in clusters:
        everywhere = stays[cluster.rule_id, cluster.category_id]
        cluster.stays_elsewhere = everywhere - cluster.stays
    return sorted(clusters, key=_most_bounced_first)


def _most_bounced_first(cluster: Cluster) -> tuple[int, ...]:
    # What has no district or no rule comes first among equals: no id is 0.
    place = cluster.district_id or 0
    return -cluster.bounced, cluster.category_id, place, cluster.rule_id or 0
