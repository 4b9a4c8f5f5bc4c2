"""What a rule may ask beside subject and district, as pure values; all of it has to hold."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

Spans = Sequence[tuple[int, int]]
"""Begin and end in minutes since midnight; the end is outside."""

_DAY = 24 * 60
_WHOLE_WEEK = (1 << (7 * _DAY)) - 1


@dataclass(frozen=True, slots=True)
class Said:
    """What was reported and when, by the clock on the wall there.

    `kind` is None and there are no answers where only a spot is asked about.
    """

    at: datetime
    kind: str | None = None
    answers: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What has to hold of a report, None leaving a condition out.

    `answers` has, for each question, the choices of which one has to be given. `hours` has the
    spans of each weekday, Monday first. Both `first_day` and `last_day` are within.
    """

    kind: str | None = None
    answers: Sequence[tuple[str, frozenset[str]]] = ()
    hours: Sequence[Spans] | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def count(self) -> int:
        """Return how many conditions there are; first and last day make one."""
        return (
            (self.kind is not None)
            + len(self.answers)
            + (self.hours is not None)
            + (self.first_day is not None or self.last_day is not None)
        )

    def hold(self, said: Said) -> bool:
        """Tell whether all conditions hold."""
        return (
            self.kind in (None, said.kind)
            and all(_given(said, *wanted) for wanted in self.answers)
            and self._in_hours(said.at)
            and (self.first_day is None or said.at.date() >= self.first_day)
            and (self.last_day is None or said.at.date() <= self.last_day)
        )

    def imply(self, other: Conditions) -> bool:
        """Tell whether the other's conditions hold whenever these do."""
        return (
            other.kind in (None, self.kind)
            and all(
                any(question == asked and mine <= wanted for asked, mine in self.answers)
                for question, wanted in other.answers
            )
            and not self.minutes & ~other.minutes
            and _first(other.first_day) <= _first(self.first_day)
            and _last(self.last_day) <= _last(other.last_day)
        )

    def may_meet(self, other: Conditions, several: Container[str]) -> bool:
        """Tell whether there can be a report for which both hold.

        `several` are the questions to which more than one choice can be given.
        """
        return (
            (None in (self.kind, other.kind) or self.kind == other.kind)
            and all(
                question != asked or question in several or not mine.isdisjoint(wanted)
                for question, mine in self.answers
                for asked, wanted in other.answers
            )
            and bool(self.minutes & other.minutes)
            and max(_first(self.first_day), _first(other.first_day))
            <= min(_last(self.last_day), _last(other.last_day))
        )

    @property
    def minutes(self) -> int:
        """Return the minutes of the week that are within the hours, each as a bit."""
        if self.hours is None:
            return _WHOLE_WEEK
        found = 0
        for number, spans in enumerate(self.hours):
            for begin, end in spans:
                found |= ((1 << (end - begin)) - 1) << (number * _DAY + begin)
        return found

    def _in_hours(self, at: datetime) -> bool:
        if self.hours is None:
            return True
        minute = 60 * at.hour + at.minute
        return any(begin <= minute < end for begin, end in self.hours[at.weekday()])


def _first(day: date | None) -> date:
    return day or date.min


def _last(day: date | None) -> date:
    return day or date.max


def _given(said: Said, question: str, wanted: frozenset[str]) -> bool:
    answer = (said.answers or {}).get(question)
    chosen = answer if isinstance(answer, list) else [answer]
    return not wanted.isdisjoint(chosen)
