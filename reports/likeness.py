"""How alike two pieces of work are: values in, a score and the signs that speak for it out.

The weights and the threshold stand here and nowhere else; `python -m bench.similar` measures them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

RADIUS_M = 200
"""What lies farther away is not looked at."""

THRESHOLD = 0.6
"""From which score on two are told to be alike."""

MOST_ANSWERED = 10

_FADING_M = 60
_FADING = timedelta(days=30)
_WORDS_FROM = 0.4
# Two photos of one thing taken by two people differ in some of the 64 bits; two photos of
# different things in about half of them.
_SAME_PHOTO_BITS = 10

COPY_BITS = 4
"""In how many bits a copy that was made smaller or written anew may differ.

What is compared with thousands of photos, and not with those nearby alone, has to be closer: of the
demo's pictures, one pair in thirty differs in no more than ten bits, and copies in two at the most.
"""


class Kinship(StrEnum):
    """How two categories stand to each other."""

    SAME = "same"
    GROUP = "group"
    OTHER = "other"


class Sign(StrEnum):
    """What speaks for two being the same."""

    NEAR = "near"
    TIME = "time"
    SAME_CATEGORY = "same_category"
    SAME_GROUP = "same_group"
    WORDS = "words"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pieces of work beside each other; None stands for what is not known of one of them.

    `words` is the likeness of what was written, 0 to 1; `photo_bits` in how many bits the hashes
    of the two photos differ that are nearest to each other.
    """

    distance_m: float
    apart: timedelta
    kinship: Kinship | None = None
    words: float | None = None
    photo_bits: int | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two are, 0 to 1, and why."""

    score: float
    signs: tuple[Sign, ...]

    @property
    def tells(self) -> bool:
        """Tell whether it is enough to say that they are alike."""
        return self.score >= THRESHOLD


_WEIGHTS = {Sign.NEAR: 0.5, Sign.SAME_CATEGORY: 0.3, Sign.WORDS: 0.15, Sign.TIME: 0.05}
# A photo that looks the same is evidence for itself; one that does not may show the other side.
_PHOTO_WEIGHT = 0.8

_KINSHIP = {Kinship.SAME: 1.0, Kinship.GROUP: 0.5, Kinship.OTHER: 0.0}
_KINSHIP_SIGNS = {Kinship.SAME: Sign.SAME_CATEGORY, Kinship.GROUP: Sign.SAME_GROUP}


def compare(pair: Pair) -> Likeness:
    """Return how alike the two are; what is not known counts neither for nor against it."""
    parts = {
        Sign.NEAR: math.exp(-pair.distance_m / _FADING_M),
        Sign.TIME: math.exp(-max(pair.apart, timedelta()) / _FADING),
        Sign.SAME_CATEGORY: _KINSHIP[pair.kinship] if pair.kinship else None,
        Sign.WORDS: pair.words,
    }
    known = {sign: part for sign, part in parts.items() if part is not None}
    score = sum(_WEIGHTS[sign] * part for sign, part in known.items())
    score /= sum(_WEIGHTS[sign] for sign in known)
    same_photo = pair.photo_bits is not None and pair.photo_bits <= _SAME_PHOTO_BITS
    if same_photo:
        score += (1 - score) * _PHOTO_WEIGHT
    return Likeness(score, _signs(pair, same_photo=same_photo))


def differing_bits(one: Sequence[int], other: Sequence[int]) -> int | None:
    """Return in how few of 64 bits a hash of one side differs from one of the other."""
    return min(
        (((mine ^ theirs) % (1 << 64)).bit_count() for mine in one for theirs in other),
        default=None,
    )


def _signs(pair: Pair, *, same_photo: bool) -> tuple[Sign, ...]:
    signs = [Sign.NEAR, Sign.TIME]
    if pair.kinship in _KINSHIP_SIGNS:
        signs.append(_KINSHIP_SIGNS[pair.kinship])
    if pair.words is not None and pair.words >= _WORDS_FROM:
        signs.append(Sign.WORDS)
    if same_photo:
        signs.append(Sign.PHOTO)
    return tuple(signs)
