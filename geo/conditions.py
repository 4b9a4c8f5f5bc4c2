"""What a rule may ask beside subject and district, as pure values; all of it has to hold."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from geo.reasons import Reason

Spans = Sequence[tuple[int, int]]
"""Begin and end in minutes since midnight; the end is outside."""

_DAY = 24 * 60
MINUTES_OF_WEEK = 7 * _DAY
_WHOLE_WEEK = (1 << MINUTES_OF_WEEK) - 1


@dataclass(frozen=True, slots=True)
class Near:
    """A feature of a reference layer, by which version of the layer, and how far it is."""

    code: str
    distance_m: float
    properties: Mapping[str, object]
    version: int


@dataclass(frozen=True, slots=True)
class NearLayer:
    """That the nearest feature of a layer is so near, and is so: `where` has values by property."""

    layer_id: int
    within_m: float
    where: Sequence[tuple[str, frozenset[str]]] = ()

    def holds(self, near: Mapping[int, Near]) -> bool:
        """Tell whether it is so."""
        found = near.get(self.layer_id)
        return (
            found is not None
            and found.distance_m <= self.within_m
            and all(as_text(found.properties.get(name)) in values for name, values in self.where)
        )

    def implies(self, other: NearLayer) -> bool:
        """Tell whether the other is so whenever this is."""
        return (
            self.layer_id == other.layer_id
            and self.within_m <= other.within_m
            and _narrower(self.where, other.where)
        )

    def may_meet(self, other: NearLayer) -> bool:
        """Tell whether both can be so: of one layer, the nearest feature is one."""
        return self.layer_id != other.layer_id or all(
            name != another or not values.isdisjoint(others)
            for name, values in self.where
            for another, others in other.where
        )


def as_text(value: object) -> str | None:
    """Return a property's value as rules write it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@dataclass(frozen=True, slots=True)
class Said:
    """What was reported and when, by the clock on the wall there.

    `kind` is None and there are no answers where only a spot is asked about. `near` has, by layer,
    the feature that is nearest to the spot, as far away as any rule asks for.
    """

    at: datetime
    kind: str | None = None
    answers: Mapping[str, object] | None = None
    near: Mapping[int, Near] = field(default_factory=dict)

    def given_to(self, question: str) -> list[object]:
        """Return what was given in answer to the question, [None] where nothing was."""
        answer = (self.answers or {}).get(question)
        return answer if isinstance(answer, list) else [answer]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What has to hold of a report, None leaving a condition out.

    `answers` has, for each question, the choices of which one has to be given. `hours` has the
    spans of each weekday, Monday first. Both `first_day` and `last_day` are within.
    """

    layer: NearLayer | None = None
    kind: str | None = None
    answers: Sequence[tuple[str, frozenset[str]]] = ()
    hours: Sequence[Spans] | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def count(self) -> int:
        """Return how many conditions there are beside the place; first and last day make one."""
        return (
            (self.kind is not None)
            + len(self.answers)
            + (self.hours is not None)
            + (self.first_day is not None or self.last_day is not None)
        )

    @property
    def are_none(self) -> bool:
        """Tell whether nothing is asked for."""
        return self.layer is None and self.count == 0

    def miss(self, said: Said) -> Reason | None:
        """Return which condition does not hold, that of the layer last; None where all do."""
        if self.kind not in (None, said.kind):
            return Reason.OTHER_KIND
        if any(wanted.isdisjoint(said.given_to(question)) for question, wanted in self.answers):
            return Reason.OTHER_ANSWER
        if not self._in_hours(said.at):
            return Reason.OUTSIDE_HOURS
        if not _first(self.first_day) <= said.at.date() <= _last(self.last_day):
            return Reason.OUTSIDE_DAYS
        if self.layer is not None and not self.layer.holds(said.near):
            return Reason.NOT_NEAR
        return None

    def imply(self, other: Conditions) -> bool:
        """Tell whether the other's conditions hold whenever these do."""
        return (
            other.kind in (None, self.kind)
            and (
                other.layer is None or (self.layer is not None and self.layer.implies(other.layer))
            )
            and _narrower(self.answers, other.answers)
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
            and (self.layer is None or other.layer is None or self.layer.may_meet(other.layer))
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


def _narrower(
    these: Sequence[tuple[str, frozenset[str]]], others: Sequence[tuple[str, frozenset[str]]]
) -> bool:
    """Tell whether what these allow of each name the others allow as well."""
    return all(
        any(name == asked and mine <= wanted for asked, mine in these) for name, wanted in others
    )


def _first(day: date | None) -> date:
    return day or date.min


def _last(day: date | None) -> date:
    return day or date.max
