from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from reports import likeness
from reports.likeness import RADIUS_M, Kinship, Pair, Sign

NOW = timedelta()


def score(pair: Pair) -> float:
    return likeness.compare(pair).score


def test_the_same_at_the_same_spot_is_wholly_alike() -> None:
    alike = likeness.compare(Pair(0, NOW, Kinship.SAME, words=1.0))
    assert alike.score == pytest.approx(1)
    assert alike.signs == (Sign.NEAR, Sign.TIME, Sign.SAME_CATEGORY, Sign.WORDS)


@pytest.mark.parametrize(
    "falling",
    [
        [Pair(metres, NOW, Kinship.SAME) for metres in (0, 10, 50, 100, RADIUS_M)],
        [Pair(10, timedelta(days=days), Kinship.SAME) for days in (0, 1, 10, 100)],
        [Pair(10, NOW, kinship) for kinship in Kinship],
        [Pair(10, NOW, words=words) for words in (1.0, 0.5, 0.0)],
        [Pair(10, NOW, Kinship.SAME, photo_bits=bits) for bits in (0, 32)],
    ],
)
def test_each_difference_makes_them_less_alike(falling: list[Pair]) -> None:
    scores = [score(pair) for pair in falling]
    assert all(one > other for one, other in pairwise(scores))
    assert all(0 <= one <= 1 for one in scores)


def test_what_is_not_known_counts_neither_way() -> None:
    known = Pair(20, timedelta(days=2), Kinship.SAME, words=0.0)
    unknown = Pair(20, timedelta(days=2), Kinship.SAME)
    assert score(unknown) > score(known)
    assert score(Pair(0, NOW)) == pytest.approx(1)


def test_a_photo_that_does_not_look_the_same_speaks_neither_for_nor_against() -> None:
    with_other_photo = likeness.compare(Pair(20, NOW, Kinship.SAME, photo_bits=30))
    assert with_other_photo == likeness.compare(Pair(20, NOW, Kinship.SAME))


def test_a_photo_that_looks_the_same_is_enough_where_nothing_else_is() -> None:
    far = Pair(RADIUS_M, timedelta(days=60), Kinship.OTHER, words=0.0)
    assert not likeness.compare(far).tells
    alike = likeness.compare(Pair(RADIUS_M, timedelta(days=60), Kinship.OTHER, 0.0, photo_bits=3))
    assert alike.tells
    assert alike.signs[-1] is Sign.PHOTO


def test_a_neighbouring_category_is_called_so() -> None:
    assert Sign.SAME_GROUP in likeness.compare(Pair(5, NOW, Kinship.GROUP)).signs
    other = likeness.compare(Pair(5, NOW, Kinship.OTHER)).signs
    assert other == (Sign.NEAR, Sign.TIME)


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [
        ([0], [0], 0),
        ([-1], [0], 64),
        ([-(1 << 63)], [0], 1),
        ([-1, 7], [0, 5], 1),
        ([], [5], None),
        ([5], [], None),
    ],
)
def test_hashes_are_compared_as_the_signed_numbers_that_they_are_kept_as(
    one: list[int], other: list[int], bits: int | None
) -> None:
    assert likeness.differing_bits(one, other) == bits
