"""What is said in many reports: those that no rule could tell apart are decided about once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.conditions import MINUTES_OF_WEEK, Said
from geo.routing import Rule
from reports.simulation.reading import EPOCH, KINDS, Batch

_FIRST_DAY = EPOCH.date()
_SECOND = 1_000_000
_DAY_S = 24 * 60 * 60
# No clock on a wall is put forward or back within a quarter of an hour of the world's.
_QUARTER_S = 15 * 60


class Clock:
    """When reports were sent, by a city's clock, as finely as rules look at it."""

    def __init__(self, zone: ZoneInfo, rules: Sequence[Rule]) -> None:
        self._zone = zone
        hours = {rule.conditions.minutes for rule in rules if rule.conditions.hours is not None}
        self._week = _kinds_of_minutes(sorted(hours))
        self._days = np.array(sorted({*_turns(rules)}), dtype=np.int64)

    def times_of(self, batch: Batch, numbers: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return a number for each of these reports, the same where no rule tells them apart."""
        seconds = batch.times[numbers] // _SECOND
        day, second = np.divmod(seconds + self._offsets_s(seconds), _DAY_S)
        weekday = (day + _FIRST_DAY.weekday()) % 7
        hours = self._week[weekday * (24 * 60) + second // 60]
        days = np.searchsorted(self._days, day, side="right")
        return np.asarray(hours * (len(self._days) + 1) + days)

    def read(self, time: int) -> datetime:
        """Return the time, in microseconds since 2000, by the city's clock."""
        return (EPOCH + timedelta(microseconds=time)).astimezone(self._zone)

    def _offsets_s(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how far the city's clock is ahead of the world's at each of these times."""
        days, of_day = np.unique(seconds // _DAY_S, return_inverse=True)
        offsets, after = (self._offsets_at((days + more) * _DAY_S) for more in (0, 1))
        found = offsets[of_day]
        # On the few days on which it is put forward or back, the time of day tells.
        [turning] = np.nonzero((offsets != after)[of_day])
        quarters, of_quarter = np.unique(seconds[turning] // _QUARTER_S, return_inverse=True)
        found[turning] = self._offsets_at(quarters * _QUARTER_S)[of_quarter]
        return found

    def _offsets_at(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        offsets = [self.read(second * _SECOND).utcoffset() for second in seconds.tolist()]
        whole = [int(offset.total_seconds()) for offset in offsets if offset is not None]
        return np.array(whole, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Sayings:
    """What is said in some reports of a batch: `said[of_report[n]]` in the n-th of `numbers`.

    `numbers` are their rows in the batch, in order.
    """

    numbers: NDArray[np.intp]
    of_report: NDArray[np.int64]
    said: list[Said]


def gather(
    clock: Clock, batch: Batch, numbers: NDArray[np.intp], answers: Mapping[int, str]
) -> Sayings:
    """Return what is said in these reports; `answers` has those that matter, by their ids."""
    if not len(numbers):
        return Sayings(numbers, np.empty(0, dtype=np.int64), [])
    texts: dict[str | None, int] = {None: 0}
    ids = batch.ids[numbers].tolist() if answers else ()
    told = [texts.setdefault(answers.get(id_), len(texts)) for id_ in ids] or [0] * len(numbers)
    kinds = batch.kinds[numbers] + len(KINDS) * np.array(told, dtype=np.int64)
    times = clock.times_of(batch, numbers)
    _, firsts, of_report = np.unique(
        times * (len(KINDS) * len(texts)) + kinds, return_index=True, return_inverse=True
    )
    said = []
    for row in numbers[firsts].tolist():
        text = answers.get(int(batch.ids[row]))
        given: dict[str, Any] | None = None if text is None else json.loads(text)
        said.append(Said(clock.read(int(batch.times[row])), KINDS[batch.kinds[row]], given))
    return Sayings(numbers, of_report, said)


def _kinds_of_minutes(hours: Sequence[int]) -> NDArray[np.int64]:
    """Return for each minute of the week which of the hours hold; they are bits, a minute each."""
    kinds = np.zeros(MINUTES_OF_WEEK, dtype=np.int64)
    for minutes in hours:
        sent = np.frombuffer(minutes.to_bytes(-(-MINUTES_OF_WEEK // 8), "little"), dtype=np.uint8)
        bits = np.unpackbits(sent, bitorder="little")[:MINUTES_OF_WEEK]
        _, kinds = np.unique(2 * kinds + bits, return_inverse=True)
    return kinds


def _turns(rules: Sequence[Rule]) -> list[int]:
    """Return the days from which on a rule begins to hold or no longer does, since 2000."""
    found = []
    for rule in rules:
        first, last = rule.conditions.first_day, rule.conditions.last_day
        if first is not None:
            found.append(_day(first))
        if last is not None:
            found.append(_day(last) + 1)
    return found


def _day(day: date) -> int:
    return (day - _FIRST_DAY).days
