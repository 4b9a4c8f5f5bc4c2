"""How well a score tells pairs that are the same from those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Float, Text, bindparam, func, select
from sqlalchemy.orm import Session

from bench.tools.pairs import Labelled
from reports import likeness
from reports.likeness import Pair
from reports.resident.similar import word_likeness

PRECISION = 0.9
"""Of ten tickets that a resident is shown, at most one may be about something else."""

STEPS = [step / 100 for step in range(5, 100, 5)]
"""The thresholds that are looked at: finer ones would follow the samples, not the city."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What share of the told is right, and what share of the right is told."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def scores(session: Session, pairs: Sequence[Labelled]) -> list[float]:
    """Return the score of each pair as the code gives it, words compared by the database."""
    given = (
        func.unnest(bindparam("one", type_=ARRAY(Text)), bindparam("other", type_=ARRAY(Text)))
        .table_valued("one", "other", with_ordinality="place")
        .render_derived()
    )
    words = session.execute(
        select(word_likeness(given.c.one, given.c.other).cast(Float)).order_by(given.c.place),
        {"one": [pair.one for pair in pairs], "other": [pair.other for pair in pairs]},
    ).scalars()
    return [
        likeness.compare(Pair(pair.distance_m, pair.apart, pair.kinship, likeness_of_words)).score
        for pair, likeness_of_words in zip(pairs, words, strict=True)
    ]


def by_distance(pairs: Sequence[Labelled]) -> list[float]:
    """Return what FixMyStreet goes by: the distance alone, the nearer the higher."""
    return [-pair.distance_m for pair in pairs]


def quality(scored: Sequence[float], pairs: Sequence[Labelled], threshold: float) -> Quality:
    """Return how well pairs of at least this score are the same."""
    told = [pair.same for score, pair in zip(scored, pairs, strict=True) if score >= threshold]
    right = sum(told)
    return Quality(
        threshold,
        precision=right / len(told) if told else 1.0,
        recall=right / sum(pair.same for pair in pairs),
    )


def choose(qualities: Sequence[Quality]) -> Quality:
    """Return the one with the best F1 of those that are precise enough."""
    return max((one for one in qualities if one.precision >= PRECISION), key=lambda one: one.f1)


def at_recall(scored: Sequence[float], pairs: Sequence[Labelled], recall: float) -> Quality:
    """Return the quality at the highest threshold that still finds so many."""
    of_same = sorted(
        (score for score, pair in zip(scored, pairs, strict=True) if pair.same), reverse=True
    )
    needed = max(1, -int(-recall * len(of_same) // 1))
    return quality(scored, pairs, of_same[needed - 1])
