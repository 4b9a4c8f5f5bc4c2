"""What becomes of a report in the demo city: step by step, in the hours in which staff work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from city import calendars
from city.calendars import Calendar
from city.models import Kind
from reports.demo import deeds
from reports.demo.stage import Act, Deed, Picture
from reports.demo.words import Reply, Words, filled
from reports.desk.triage import Wanted
from reports.intake import NewReport
from reports.purposes import Purpose
from reports.status import CLOSED, Status

# Who outside the city's teams has what they cannot do themselves.
_THIRD_PARTIES = {
    "nid-de-poule": ("departement", "La chaussée est départementale."),
    "signalisation": ("departement", "Le panneau appartient au département."),
    "fuite-eau": ("regie-des-eaux", "La fuite est avant le compteur."),
    "egout": ("regie-des-eaux", "Le collecteur est à curer par la régie."),
    "lampadaire": ("entreprise-eclairage", "Câble à remplacer sous garantie."),
    "feu-tricolore": ("entreprise-eclairage", "L'automate est à reprogrammer."),
}

# What a spot looks like once the work on it is done.
_DONE_PICTURES = {
    "nid-de-poule": "rue",
    "depot-sauvage": "rue",
    "vehicule-abandonne": "rue",
    "poubelle-pleine": "rue",
    "arbre": "parc",
    "banc": "parc",
}

# What lies nearer than that is done rather than planned.
_PLANNED_FROM = timedelta(hours=3)

# How much of its target time a ticket takes, and how often.
_PACES = (((0.3, 0.9), 60), ((1.05, 1.9), 22), ((2.5, 6.0), 18))


@dataclass(slots=True)
class Course:
    """One report and what follows it; `now` is where its planning has come to.

    `target` is how many working hours its category promises, `closed_at` when the ticket is closed
    for the first time, `done_at` when its work is said to be done.
    """

    key: str
    new: NewReport
    sent_at: datetime
    target: float
    words: Words
    calendar: Calendar | None
    rng: Random
    now: datetime = field(init=False)
    closed_at: datetime | None = None
    done_at: datetime | None = None
    acts: list[Act] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.sent_at

    def do(self, deed: Deed) -> None:
        """Have something done now."""
        self.acts.append(Act(self.now, deed))

    def wait(self, low: float, high: float) -> None:
        """Let working time pass, as a share of the target."""
        self.work(low * self.target, high * self.target)

    def work(self, low_h: float, high_h: float) -> None:
        """Let some working hours pass."""
        hours = self.rng.uniform(low_h, high_h)
        self.now = calendars.add(self.calendar, self.now, timedelta(hours=hours))

    def pause(self, low_h: float, high_h: float) -> None:
        """Let hours pass until a resident does something, which nobody does at night."""
        self.now = by_day(self.now + timedelta(hours=self.rng.uniform(low_h, high_h)), self.rng)

    def prove(self, purpose: Purpose, picture: Picture) -> None:
        """Have who works on it add that picture now."""
        self.acts.append(
            Act(self.now, deeds.prove(self.key, picture, purpose), pictures=(picture,))
        )

    def reply(self, sort: str) -> Reply:
        """Return what staff say of that sort."""
        return self.words.reply(self.new.category, sort, self.new.locale, self.new.address or "")

    def move(self, to: Status, sort: str, *, by_dispatcher: bool = False) -> None:
        """Have the status changed, with words of that sort."""
        self.move_saying(to, self.reply(sort), by_dispatcher=by_dispatcher)

    def move_saying(self, to: Status, reply: Reply, *, by_dispatcher: bool = False) -> None:
        """Have the status changed with those words."""
        self.do(deeds.move(self.key, to, reply, by_dispatcher=by_dispatcher))
        if to in CLOSED:
            self.closed_at = self.closed_at or self.now
        if to is Status.RESOLVED:
            self.done_at = self.done_at or self.now

    def chance(self, share: float) -> bool:
        """Tell whether something happens that does so often."""
        return self.rng.random() < share


def by_day(moment: datetime, rng: Random) -> datetime:
    """Return the moment, or one on the next morning where it lies in the night (in UTC)."""
    if moment.hour >= 21:
        moment += timedelta(hours=9)
    elif moment.hour < 5:
        moment += timedelta(hours=5)
    return moment + timedelta(minutes=rng.randrange(20))


def ordinary(course: Course) -> None:
    """Have it taken on and brought to its end, mostly in time."""
    _take_on(course)
    low, high = course.rng.choices([pace for pace, _ in _PACES], [often for _, often in _PACES])[0]
    hours = timedelta(hours=course.target * course.rng.uniform(low, high))
    end = calendars.add(course.calendar, course.sent_at, hours)
    _work_on(course, end)
    if end > course.now:
        course.now = end
    else:
        course.wait(0.05, 0.2)
    _show_the_work(course)
    course.move(Status.RESOLVED, "done")
    _answered(course)


def asked(course: Course) -> None:
    """Have the team ask something; most reporters answer, and then it is done."""
    _take_on(course)
    course.wait(0.1, 0.4)
    question = course.words.question(course.new.category)
    course.do(deeds.ask(course.key, question["ask"]))
    if course.chance(0.3):
        return
    course.pause(2, 60)
    course.do(deeds.write(course.key, question["answer"]))
    course.wait(0.2, 0.9)
    course.move(Status.RESOLVED, "done")
    _answered(course)


def planned(course: Course) -> None:
    """Have it take weeks, with a deadline of the dispatcher's own."""
    _take_on(course, said=False)
    course.wait(0.1, 0.6)
    reply = course.reply("planned")
    course.move_saying(Status.IN_PROGRESS, reply)
    course.work(0.5, 3)
    promised = calendars.add(
        course.calendar, course.now, timedelta(hours=course.rng.uniform(60, 200))
    )
    course.do(deeds.change(course.key, Wanted(due_at=promised), reply.reason))
    course.work(0.1, 1)
    course.do(deeds.plan(course.key, promised, None, timed=course.chance(0.25)))
    course.work(90, 260)
    course.move(Status.RESOLVED, "done")
    _answered(course)


def handed_over(course: Course) -> None:
    """Have a third party do it, which takes its time."""
    _take_on(course)
    course.wait(0.1, 0.5)
    code, reason = _THIRD_PARTIES[course.new.category]
    ahead = timedelta(days=course.rng.randrange(6, 20))
    course.do(deeds.hand_over(course.key, code, reason, ahead))
    course.work(40, 160)
    course.move(Status.RESOLVED, "done")
    _answered(course)


def declined(course: Course) -> None:
    """Have it closed without work."""
    course.wait(0.1, 0.9)
    course.move(Status.DECLINED, "declined", by_dispatcher=course.chance(0.5))


def withdrawn(course: Course) -> None:
    """Have the reporter take it back."""
    course.pause(3, 70)
    course.do(deeds.write(course.key, course.words.line("withdrawn", course.new.locale)))
    course.now += timedelta(minutes=2)
    course.do(deeds.withdraw(course.key))
    course.closed_at = course.now


def reopened(course: Course) -> None:
    """Have it closed too early, and taken up again."""
    _take_on(course)
    course.wait(0.2, 0.7)
    course.move(Status.RESOLVED, "done")
    course.pause(10, 60)
    if _is_reachable(course):
        course.do(deeds.write(course.key, course.words.line("added", course.new.locale)))
    course.work(0.5, 4)
    course.move(Status.REOPENED, "reopened", by_dispatcher=True)
    if course.chance(0.3):
        return
    course.wait(0.2, 0.6)
    course.move(Status.IN_PROGRESS, "begun")
    if course.chance(0.6):
        course.wait(0.2, 0.8)
        course.move(Status.RESOLVED, "done")


def stalled(course: Course) -> None:
    """Have it taken on and then left lying for weeks."""
    _take_on(course)
    course.work(60, 180)
    course.move(Status.RESOLVED, "done")
    _answered(course)


def unread(course: Course) -> None:
    """Have nobody look at it until the dispatcher does something about it."""
    course.work(30, 110)
    course.do(deeds.change(course.key, Wanted(priority="urgent"), course.words.line("forgotten")))
    course.work(1, 6)
    course.move(Status.RESOLVED, "done")


def considered(course: Course) -> None:
    """Have an idea looked into; few become something within a month."""
    if course.chance(0.25):
        return
    course.work(8, 40)
    course.move(Status.ACCEPTED, "considered", by_dispatcher=True)
    course.work(30, 90)
    if course.chance(0.3) and course.words.has(course.new.category, "declined", course.new.locale):
        course.move(Status.DECLINED, "declined", by_dispatcher=True)
    elif course.chance(0.15):
        course.move(Status.RESOLVED, "done", by_dispatcher=True)


def passed_on(course: Course) -> None:
    """Have thanks told to the team."""
    if course.chance(0.5):
        course.work(0.5, 12)
        course.do(deeds.note(course.key, f"Lu à la réunion : {course.new.description[:60]}…"))


def handed_back(course: Course, said: Mapping[str, Any]) -> None:
    """Have the team that it reaches give it back."""
    course.work(0.3, 5)
    course.do(deeds.hand_back(course.key, said["back"]))


def doubted(course: Course, answered_at: datetime) -> None:
    """Have it closed within a day, and its reporter find then that it is not solved."""
    course.work(0.5, 2)
    course.move(Status.ACCEPTED, "accepted")
    course.work(2, 8)
    course.move(Status.RESOLVED, "done")
    course.now = answered_at
    comment = course.words.line("unsolved", course.new.locale)
    course.do(deeds.answer(course.key, satisfied=False, comment=comment))


def misfiled(course: Course, said: Mapping[str, Any]) -> None:
    """Have it reach the wrong team, and the dispatcher find the right one."""
    if "back" in said:
        handed_back(course, said)
        course.work(0.2, 3)
    else:
        course.work(0.3, 5)
    then = said["then"]
    wanted = Wanted(team=then["team"]) if "team" in then else Wanted(category=then["category"])
    course.do(deeds.change(course.key, wanted, said["ground"]))
    course.work(1, 8)
    course.move(Status.ACCEPTED, "accepted")
    course.work(2, 30)
    reply = filled(said["done"], course.new.locale, course.new.address or "")
    course.move_saying(Status.RESOLVED, reply)


def unseemly(course: Course, said: Mapping[str, Any]) -> None:
    """Have the report hidden and the work done all the same."""
    course.work(0.1, 1.5)
    course.do(deeds.hide(course.key, said["ground"]))
    ordinary(course)


Fate = Callable[[Course], None]

_OF_PROBLEMS: Mapping[Fate, int] = {
    ordinary: 54,
    asked: 26,
    planned: 16,
    handed_over: 10,
    declined: 7,
    withdrawn: 4,
    reopened: 5,
    stalled: 6,
    unread: 3,
}


def fate_of(course: Course) -> Fate:
    """Return what becomes of it, of all that staff have words for."""
    kind, category, locale = course.new.kind, course.new.category, course.new.locale
    if kind is not Kind.PROBLEM:
        return considered if kind is Kind.IDEA else passed_on
    can: dict[Fate, bool] = {
        asked: course.words.asks(category) and _is_reachable(course),
        planned: course.words.has(category, "planned", locale),
        handed_over: category in _THIRD_PARTIES,
        declined: course.words.has(category, "declined", locale),
    }
    fates = {fate: often for fate, often in _OF_PROBLEMS.items() if can.get(fate, True)}
    return course.rng.choices(list(fates), list(fates.values()))[0]


def _is_reachable(course: Course) -> bool:
    return course.new.contact is not None and course.new.contact.email is not None


def _take_on(course: Course, *, said: bool = True) -> None:
    """Have it looked at: made urgent where it is, accepted, and given to somebody."""
    if course.chance(0.1):
        course.work(0.1, 0.8)
        reason = course.words.line("urgent")
        course.do(deeds.change(course.key, Wanted(priority="high"), reason))
    course.wait(0.02, 0.2)
    if said and course.chance(0.85):
        course.move(Status.ACCEPTED, "accepted", by_dispatcher=course.chance(0.3))
    if course.chance(0.55):
        course.work(0.1, 1)
        course.do(deeds.assign(course.key) if course.chance(0.7) else deeds.take(course.key))


def _work_on(course: Course, end: datetime) -> None:
    """Have the team plan its end, begin, write notes, and the reporter add something."""
    if _is_reachable(course) and course.chance(0.2):
        course.pause(1, 20)
        course.do(deeds.write(course.key, course.words.line("added", course.new.locale)))
    if course.chance(0.3):
        course.wait(0.02, 0.1)
        note = course.words.line("notes")
        course.do(deeds.note(course.key, note, to_lead=course.chance(0.6)))
    if course.chance(0.5):
        course.wait(0.02, 0.1)
        if end - course.now > _PLANNED_FROM:
            said = course.words.line("visit", course.new.locale) if course.chance(0.3) else None
            timed = course.chance(0.6)
            course.do(deeds.plan(course.key, end, said, timed=timed))
    if course.chance(0.5):
        course.wait(0.02, 0.2)
        course.move(Status.IN_PROGRESS, "begun")


def _show_the_work(course: Course) -> None:
    """Have who did it show how the spot looks now."""
    subject = _DONE_PICTURES.get(course.new.category)
    if subject is not None and course.chance(0.4):
        course.prove(Purpose.AFTER, (subject, course.rng.randrange(1000, 10**6)))
        course.now += timedelta(minutes=course.rng.randrange(2, 9))


def _answered(course: Course) -> None:
    """Have some reporters say whether it is solved; where it is not, the work is done again."""
    if not _is_reachable(course) or not course.chance(0.6):
        return
    course.pause(2, 70)
    locale, satisfied = course.new.locale, course.chance(0.78)
    if satisfied:
        comment = course.words.line("solved", locale) if course.chance(0.4) else None
        course.do(deeds.answer(course.key, satisfied=True, comment=comment))
        return
    comment = course.words.line("unsolved", locale)
    course.do(deeds.answer(course.key, satisfied=False, comment=comment))
    course.work(1, 12)
    course.move(Status.IN_PROGRESS, "begun")
    if course.chance(0.6):
        course.work(2, 20)
        course.move(Status.RESOLVED, "done")
