"""The status graph of tickets: one table, one function."""

from __future__ import annotations

from collections.abc import Mapping

from city.statuses import CLOSED, Status

__all__ = ["CLOSED", "GRAPH", "Status", "TransitionRefused", "check"]


class TransitionRefused(Exception):
    """The graph has no such step; `allowed` lists the ones it has from here."""

    def __init__(self, current: Status, wanted: Status) -> None:
        super().__init__(f"{current} -> {wanted}")
        self.current = current
        self.wanted = wanted
        self.allowed = GRAPH[current]


_FROM_ACCEPTED = (Status.IN_PROGRESS, Status.WAITING, Status.RESOLVED, Status.DECLINED)
_FROM_RECEIVED = (Status.ACCEPTED, *_FROM_ACCEPTED)

GRAPH: Mapping[Status, tuple[Status, ...]] = {
    Status.RECEIVED: _FROM_RECEIVED,
    Status.ACCEPTED: _FROM_ACCEPTED,
    Status.IN_PROGRESS: (Status.WAITING, Status.RESOLVED, Status.DECLINED),
    Status.WAITING: (Status.IN_PROGRESS, Status.RESOLVED, Status.DECLINED),
    Status.RESOLVED: (Status.REOPENED,),
    Status.DECLINED: (Status.REOPENED,),
    Status.REOPENED: _FROM_RECEIVED,
}


def check(current: Status, wanted: Status) -> None:
    """Raise TransitionRefused unless the graph leads from `current` to `wanted`."""
    if wanted not in GRAPH[current]:
        raise TransitionRefused(current, wanted)
