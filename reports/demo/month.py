"""The last month of the demo city: who reported what, where and when, and what became of it.

All but the moments follow from a fixed seed; these follow from it and from when the month ends.
What would come later than that is left out, so that the newest tickets are the least far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from city import calendars
from city.calendars import Calendar
from city.models import Channel, Kind
from geo.coordinates import Position
from reports.demo import courses, deeds, oddities, residents
from reports.demo.courses import Course
from reports.demo.stage import Act, Picture
from reports.demo.words import Deck, Spot, Words, answers
from reports.intake import NewReport

DAYS = 31
_SEED = "Beaurive"
# What has no target time goes by this one.
_UNHURRIED_H = 40
_OF_WEEKDAYS = (1.3, 1.15, 1.1, 1.05, 1.0, 0.75, 0.6)
_BY_DAY = (*(0.2,) * 6, 1, 3, 7, 8, 7, 6, 5, 5, 6, 6, 6, 7, 7, 5, 4, 3, 2, 0.7)
_BY_NIGHT = (1.5, 0.5, *(0.2,) * 4, 1.5, 2, 1, *(0.6,) * 6, 1, 2, 4, 6, 8, 9, 9, 7, 4)
_BUSY = {
    "Grande Rue": 4,
    "place du Marché-aux-Blés": 3,
    "avenue de la Gare": 3,
    "rue de l'Hôtel-de-Ville": 2,
    "quai des Docks": 2,
    "rue du Faubourg-Saint-Elme": 2,
}
# Many of the reports that are written by hand are of the last days.
_WRITTEN_DAYS, _BESIDE_WRITTEN = 6, 0.6
_ENGLISH = 0.14
_MISFILED = 11
_DOUBTED = "trottoir-abime"
_JOINED_AT_ONCE = 0.6


@dataclass(frozen=True, slots=True)
class City:
    """What the month depends on; targets in working hours by category, addresses with their spots.

    Categories that are not `public` are nobody's to support.
    """

    time_zone: str
    calendar: Calendar | None
    targets: Mapping[str, int | None]
    public: frozenset[str]
    addresses: Sequence[tuple[str, Position]]


class Month:
    """The plan of a month that ends at `now`."""

    def __init__(self, city: City, now: datetime) -> None:
        self._city = city
        self._now = now
        self._words = Words(_SEED)
        self._rng = Random(_SEED)  # noqa: S311 - An invented month keeps no secret.
        self._spots = Deck(list(_spots(city.addresses)), self._rng)
        self._slots = self._hours()

    def acts(self) -> list[Act]:
        """Return everything that happens until now, in no order."""
        told = [*self._told(), *self._misfiled(), *self._unseemly(), *self._lately()]
        more = list(self._seconds(told))
        crowd = [act for course, _ in told for act in self._crowd(course)]
        odd = oddities.acts((course for course, _ in told), self._city.calendar, self._now)
        acts = [
            *crowd,
            *odd,
            *(act for course in [*(c for c, _ in told), *more] for act in course.acts),
        ]
        return [act for act in acts if act.at < self._now]

    def _told(self) -> Iterator[tuple[Course, Mapping[str, Any]]]:
        dealt: set[str] = set()
        for category, texts in self._words.categories.items():
            for number in range(texts["share"]):
                key = f"{category}/{number}"
                rng = _rng(key)
                english = "en" in texts and rng.random() < _ENGLISH
                locale = "en" if english else "fr"
                said = self._words.trouble(category, locale)
                kind = Kind(said.get("kind", texts.get("kind", "problem")))
                spot, position = self._spot(texts.get("elsewhere", ()))
                follows = "kind" not in said and rng.random() < 0.75
                # Whatever is dealt again says where it is, or two residents would write the same.
                where = said["text"] in dealt or not follows or rng.random() < 0.75
                dealt.add(said["text"])
                text = self._words.describe(said["text"], spot, locale, rng, where=where)
                if follows:
                    text = f"{text} {self._words.consequence(category, locale)}"
                sent_at, channel = self._moment(rng, evening=texts.get("evening", False))
                new = _report(category, text, spot, position, rng)
                new = replace(new, kind=kind, locale=locale, channel=channel)
                if channel is not Channel.APP:
                    new = replace(new, contact=residents.caller(rng), accuracy_m=None)
                course = self._course(key, new, said, sent_at, rng)
                courses.fate_of(course)(course)
                yield course, said

    def _misfiled(self) -> Iterator[tuple[Course, Mapping[str, Any]]]:
        deck = Deck(self._words.misfiled, self._rng)
        for number in range(_MISFILED):
            course, said = self._special(f"misfiled/{number}", deck.deal())
            courses.misfiled(course, said)
            yield course, said

    def _unseemly(self) -> Iterator[tuple[Course, Mapping[str, Any]]]:
        for number, given in enumerate(self._words.unseemly):
            course, said = self._special(f"unseemly/{number}", given)
            courses.unseemly(course, said)
            yield course, said

    def _lately(self) -> Iterator[tuple[Course, Mapping[str, Any]]]:
        """Return what has just come back to the desk, whenever the month ends."""
        said = next(one for one in self._words.misfiled if "back" in one)
        course, _ = self._special("back/0", said, timedelta(hours=6))
        courses.handed_back(course, said)
        yield course, said
        said = {**self._words.trouble(_DOUBTED, "fr"), "category": _DOUBTED}
        course, _ = self._special("doubted/0", said, timedelta(hours=12))
        courses.doubted(course, self._now - timedelta(minutes=course.rng.randrange(20, 90)))
        yield course, said

    def _special(
        self, key: str, said: Mapping[str, Any], ago: timedelta | None = None
    ) -> tuple[Course, Mapping[str, Any]]:
        """Return such a report; sent `ago`, in working time, it is of somebody who can be asked."""
        rng = _rng(key)
        category = said["category"]
        spot, position = self._spot(self._words.categories[category].get("elsewhere", ()))
        text = self._words.describe(said["text"], spot, "fr", rng, where=True)
        new = _report(category, text, spot, position, rng)
        if ago is None:
            sent_at, _ = self._moment(rng, evening=False)
        else:
            sent_at = calendars.subtract(self._city.calendar, self._now, ago)
            new = replace(new, contact=residents.somebody(rng))
        return self._course(key, new, said, sent_at, rng), said

    def _seconds(self, told: Iterable[tuple[Course, Mapping[str, Any]]]) -> Iterator[Course]:
        """Return reports of what somebody else had reported, while its ticket is open."""
        for course, said in told:
            if "again" in said:
                rng = _rng(f"{course.key}/again")
                for number in range(rng.choice((1, 1, 1, 1, 2))):
                    yield self._second(course, said, number, rng)

    def _second(self, first: Course, said: Mapping[str, Any], number: int, rng: Random) -> Course:
        """Return a report that is joined to the first one at once, or by the dispatcher."""
        category, locale = first.new.category, first.new.locale
        end = min(first.closed_at or self._now, self._now)
        sent_at = first.sent_at + (end - first.sent_at) * rng.uniform(0.1, 0.5)
        spot = Spot.of(first.new.address or "")
        # A third person does not use the second one's words.
        again = self._words.line("alike", locale) if number else said["again"]
        text = self._words.describe(again, spot, locale, rng, where=True)
        new = _report(category, text, spot, _beside(first.new.position, rng), rng)
        wait = timedelta(hours=rng.uniform(0.2, 2))
        joined_at = calendars.add(self._city.calendar, sent_at, wait)
        too_late = first.closed_at is not None and joined_at >= first.closed_at
        at_once = rng.random() < _JOINED_AT_ONCE or too_late
        key = f"{first.key}/again/{number}"
        same_as = first.key if at_once else None
        second = self._course(key, replace(new, locale=locale), said, sent_at, rng, same_as)
        if not at_once:
            second.acts.append(Act(joined_at, deeds.merge(key, first.key)))
        return second

    def _crowd(self, course: Course) -> Iterator[Act]:
        """Return those who say "me too" or want the news, while the ticket is open."""
        rng = _rng(f"{course.key}/crowd")
        if course.new.kind is Kind.COMPLIMENT or course.new.category not in self._city.public:
            return
        if course.key.startswith("unseemly") or rng.random() > 0.3:
            return
        end = min(course.closed_at or self._now, self._now) - timedelta(minutes=10)
        for number in range(1 + int(rng.expovariate(0.5))):
            at = course.sent_at + (end - course.sent_at) * rng.random()
            if at > course.sent_at:
                yield Act(at, deeds.support(course.key, f"{course.key}/{number}"))
        if rng.random() < 0.15 and end > course.sent_at:
            email = residents.somebody(rng).email or ""
            at = course.sent_at + (end - course.sent_at) * rng.random()
            yield Act(at, deeds.subscribe(course.key, email, course.new.locale))

    def _course(
        self,
        key: str,
        new: NewReport,
        said: Mapping[str, Any],
        sent_at: datetime,
        rng: Random,
        same_as: str | None = None,
    ) -> Course:
        new = replace(new, answers=answers(said.get("answers", {}), sent_at))
        target = self._city.targets[new.category] or _UNHURRIED_H
        course = Course(key, new, sent_at, target, self._words, self._city.calendar, rng)
        pictures = _pictures(new, said, rng)
        course.acts.append(Act(sent_at, deeds.send(key, new, same_as), True, pictures))
        for number, picture in enumerate(pictures, start=1):
            at = sent_at + timedelta(seconds=20 * number)
            course.acts.append(Act(at, deeds.photograph(key, picture)))
        return course

    def _spot(self, elsewhere: Sequence[str]) -> tuple[Spot, Position]:
        while True:
            spot, position = self._spots.deal()
            if spot.street not in elsewhere:
                return spot, _beside(position, self._rng)

    def _moment(self, rng: Random, *, evening: bool) -> tuple[datetime, Channel]:
        """Return when and how a report comes; nobody answers the phone out of hours."""
        weights = self._slots[1 if evening else 0]
        hour = rng.choices(range(len(weights)), cum_weights=weights)[0]
        at = self._start + timedelta(hours=hour, minutes=rng.randrange(60))
        channel = rng.choices([Channel.APP, Channel.PHONE, Channel.COUNTER], [78, 14, 8])[0]
        wait = timedelta(minutes=rng.randrange(5, 200))
        if channel is not Channel.APP:
            answered = calendars.add(self._city.calendar, at, wait)
            if answered < self._now:
                return answered, channel
        return min(at, self._now - wait / 4), Channel.APP

    @property
    def _start(self) -> datetime:
        return self._now - timedelta(days=DAYS)

    def _hours(self) -> tuple[list[float], list[float]]:
        """Return how much each hour of the month weighs, added up: by day, and by night."""
        zone = ZoneInfo(self._city.time_zone)
        sums: tuple[list[float], list[float]] = ([], [])
        for hour in range(DAYS * 24):
            local = (self._start + timedelta(hours=hour)).astimezone(zone)
            for weights, total in zip((_BY_DAY, _BY_NIGHT), sums, strict=True):
                weight = weights[local.hour] * _OF_WEEKDAYS[local.weekday()]
                if hour >= (DAYS - _WRITTEN_DAYS) * 24:
                    weight *= _BESIDE_WRITTEN
                total.append((total[-1] if total else 0) + weight)
        return sums


def _rng(key: str) -> Random:
    return Random(f"{_SEED}/{key}")  # noqa: S311 - An invented month keeps no secret.


def _spots(addresses: Iterable[tuple[str, Position]]) -> Iterator[tuple[Spot, Position]]:
    """Return the addresses as spots, those of busy streets several times."""
    for label, position in addresses:
        spot = Spot.of(label)
        yield from [(spot, position)] * _BUSY.get(spot.street, 1)


def _beside(position: Position, rng: Random) -> Position:
    """Return a spot a few metres away, as a phone would say it."""
    return Position(
        latitude=round(position.latitude + rng.uniform(-0.00012, 0.00012), 6),
        longitude=round(position.longitude + rng.uniform(-0.00018, 0.00018), 6),
    )


def _report(category: str, text: str, spot: Spot, position: Position, rng: Random) -> NewReport:
    return NewReport(
        kind=Kind.PROBLEM,
        category=category,
        description=text,
        position=position,
        accuracy_m=rng.choice((6.0, 9.0, 14.0, 25.0, 70.0, 160.0)),
        address=spot.address,
        contact=residents.somebody(rng) if rng.random() < 0.65 else None,
        locale="fr",
    )


def _pictures(new: NewReport, said: Mapping[str, Any], rng: Random) -> tuple[Picture, ...]:
    """Return what the reporter's phone shows: nothing, where they called or did not look."""
    if new.channel is not Channel.APP or new.category == "personne-en-difficulte":
        return ()
    subject = said.get("picture", new.category)
    many = rng.choices((0, 1, 2), (82, 15, 3))[0]
    return tuple((subject, rng.randrange(1000, 10**6)) for _ in range(many))
