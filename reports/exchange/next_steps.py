"""What happens next with a report, in words that its sender understands."""

from __future__ import annotations

from functools import lru_cache

from infra.words import mark, say
from reports import wording
from reports.resident.reading import ReportView
from reports.status import Status

_TEXTS = {
    Status.RECEIVED: mark("{team} has the report and will look at it."),
    Status.ACCEPTED: mark("{team} will plan the work."),
    Status.IN_PROGRESS: mark("{team} is at work on it."),
    Status.WAITING: mark("{team} goes on as soon as it has what it is waiting for."),
    Status.RESOLVED: mark("Nothing more is planned, unless somebody says that it is not solved."),
    Status.DECLINED: mark("Nothing more is planned."),
    Status.REOPENED: mark("{team} will look at it again."),
}
_PLANNED = mark("{team} plans the work for {day}.")


def tell(view: ReportView, time_zone: str, locale: str) -> str:
    """Say what happens next with the report."""
    if view.planned_at is not None and view.status != Status.WAITING:
        day = wording.say_planned(locale, view.planned_at, time_zone)
        return say(locale, _PLANNED, team=view.team.name, day=day)
    return _say(view.status, view.team.name, locale)


@lru_cache(1_000)
def _say(status: str, team: str, locale: str) -> str:
    return say(locale, _TEXTS[Status(status)], team=team)
