"""Pictures of the work that look odd, for the demo city's dispatcher to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from city import calendars
from city.calendars import Calendar
from reports.demo import deeds
from reports.demo.courses import Course
from reports.demo.deeds import Shot
from reports.demo.stage import Act, Picture
from reports.purposes import Purpose

_BEFORE_DONE = timedelta(minutes=4)
_FAR_M, _AT_THE_DEPOT_M = 640, 1450
_EARLY = timedelta(days=3)
_LOOKED_AT = timedelta(hours=5)
_EXPLAINED = "Photo envoyée du dépôt une fois rentré ; le travail est bien fait."


def acts(courses: Iterable[Course], calendar: Calendar | None, now: datetime) -> Iterator[Act]:
    """Return how some of the latest work is shown: twice by one picture, from far, or too early.

    One that was shown from far in the week before has been explained.
    """
    done = sorted(
        ((one.done_at, one) for one in courses if one.done_at and one.done_at < now),
        key=lambda pair: pair[0],
    )
    for at, course in _latest(done, "nid-de-poule", 2):
        yield _shown(course, at, ("rue", 7), Shot())
    for at, course in _latest(done, "arbre", 1):
        sent_before = at - _BEFORE_DONE - course.sent_at
        yield _shown(course, at, ("parc", 12), Shot(ago=sent_before + _EARLY))
    for at, course in _latest(done, "depot-sauvage", 1):
        yield _shown(course, at, ("rue", 31), Shot(away_m=_FAR_M))
    a_week_ago = [pair for pair in done if pair[0] < now - timedelta(days=7)]
    for at, course in _latest(a_week_ago, "poubelle-pleine", 1):
        yield _shown(course, at, ("rue", 58), Shot(away_m=_AT_THE_DEPOT_M))
        looked_at = calendars.add(calendar, at, _LOOKED_AT)
        yield Act(looked_at, deeds.clear(course.key, _EXPLAINED))


def _latest(
    done: Iterable[tuple[datetime, Course]], category: str, many: int
) -> list[tuple[datetime, Course]]:
    return [pair for pair in done if pair[1].new.category == category][-many:]


def _shown(course: Course, done_at: datetime, picture: Picture, shot: Shot) -> Act:
    deed = deeds.prove(course.key, picture, Purpose.AFTER, shot)
    return Act(done_at - _BEFORE_DONE, deed, pictures=(picture,))
