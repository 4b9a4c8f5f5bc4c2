"""What a rule may ask beside subject and district, as pure values; all of it has to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

Spans = Sequence[tuple[int, int]]
"""Begin and end in minutes since midnight; the end is outside."""


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

    def _in_hours(self, at: datetime) -> bool:
        if self.hours is None:
            return True
        minute = 60 * at.hour + at.minute
        return any(begin <= minute < end for begin, end in self.hours[at.weekday()])


def _given(said: Said, question: str, wanted: frozenset[str]) -> bool:
    answer = (said.answers or {}).get(question)
    chosen = answer if isinstance(answer, list) else [answer]
    return not wanted.isdisjoint(chosen)
