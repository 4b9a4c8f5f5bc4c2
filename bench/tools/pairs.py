"""Pairs of reports, labelled as about the same thing or not by a stated rule, from real samples.

Two reports of a sample are about the same thing where its city wrote the same kind of thing at
the same address within SAME_WITHIN. Such are scarce: so each report gets a second one about the
same thing, disturbed as a second resident would write it, which is compared with every report
near it. All are taken as open at once, since the samples are too thin for a city's real days:
how long what is not the same has been open is drawn from OPEN_DAYS.

- The two pins are each off by GPS_M, and a thing is as wide as WIDE_M.
- The second report comes DUPLICATE_DAYS later on average.
- Of its words some are left out, some misspelt, and in some reports the words of the heading
  stand for those of the kind.
- It was filed as another category of the same group with NEIGHBOUR, as anything with ASTRAY.

Addresses decide labels alone: nobody who scores a pair sees them.
"""

from __future__ import annotations

import ast
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bench.tools.samples import rows
from geo.coordinates import Position
from reports.likeness import RADIUS_M, Kinship

SAME_WITHIN = timedelta(days=30)
GPS_M = 12.0
WIDE_M = 8.0
DUPLICATE_DAYS = 6.0
OPEN_DAYS = 15.0
LEFT_OUT = 0.3
MISSPELT = 0.1
HEADING = 0.25
NEIGHBOUR = 0.15
ASTRAY = 0.05
_SEED = 4

_METRES_PER_DEGREE = 111_200


@dataclass(frozen=True, slots=True)
class Sample:
    """A report as its city published it; `heading` is what a group is to us, `kind` a category."""

    city: str
    heading: str
    kind: str
    words: str
    position: Position
    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """Two reports, what a score may know of them, and whether they are about the same thing."""

    distance_m: float
    apart: timedelta
    kinship: Kinship
    one: str
    other: str
    same: bool
    natural: bool = False


def samples() -> list[Sample]:
    """Return the reports of both cities, or none where the samples are absent."""
    return [*_of_paris(), *_of_san_francisco()]


def labelled(found: Sequence[Sample]) -> list[Labelled]:
    """Return every pair of the reports, and of their second ones, that lies within the radius."""
    chance = random.Random(_SEED)
    seconds = [_second(chance, one, found) for one in found]
    pairs = []
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            pairs += _pair(chance, one, other, same=_are_same(one, other), natural=True)
        for origin, second in zip(found, seconds, strict=True):
            same = one is origin or _are_same(one, origin)
            pairs += _pair(chance, one, second, same=same, natural=False)
    return pairs


def _of_paris() -> Iterator[Sample]:
    for row in rows("paris-dmr-500.csv"):
        place = ast.literal_eval(row["geo_point_2d"])
        at = datetime.fromisoformat(row["datedecl"])
        yield Sample(
            "Paris",
            row["type"],
            row["soustype"],
            row["soustype"],
            Position(place["lat"], place["lon"]),
            at,
            row["adresse"],
        )


def _of_san_francisco() -> Iterator[Sample]:
    for row in rows("sf311-1000.csv"):
        words = f"{row['Request.Type']} {row['Request.Details']}".replace("_", " ")
        yield Sample(
            "San Francisco",
            row["Category"],
            row["Request.Type"],
            words,
            Position(float(row["Lat"]), float(row["Long"])),
            datetime.fromisoformat(row["Opened"]),
            row["Address"],
        )


def _are_same(one: Sample, other: Sample) -> bool:
    return (one.city, one.heading, one.address) == (
        other.city,
        other.heading,
        other.address,
    ) and abs(one.at - other.at) <= SAME_WITHIN


def _second(chance: random.Random, first: Sample, found: Sequence[Sample]) -> Sample:
    """Return what a second resident might report of the same thing."""
    heading, kind = first.heading, first.kind
    drawn = chance.random()
    city = [one for one in found if one.city == first.city]
    if drawn < ASTRAY:
        other = chance.choice(city)
        heading, kind = other.heading, other.kind
    elif drawn < ASTRAY + NEIGHBOUR:
        kind = chance.choice([one.kind for one in city if one.heading == heading])
    return replace(
        first,
        heading=heading,
        kind=kind,
        words=_retold(chance, first),
        position=_moved(chance, first.position),
        at=first.at + timedelta(days=chance.expovariate(1 / DUPLICATE_DAYS)),
    )


def _retold(chance: random.Random, first: Sample) -> str:
    words = (first.heading if chance.random() < HEADING else first.words).split()
    kept = [word for word in words if chance.random() >= LEFT_OUT] or words[:1]
    return " ".join(_misspelt(chance, word) for word in kept)


def _misspelt(chance: random.Random, word: str) -> str:
    if len(word) < 4 or chance.random() >= MISSPELT:
        return word
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _moved(chance: random.Random, place: Position) -> Position:
    # Two pins of the same thing: two errors of a phone, and two ends of the thing.
    spread_m = math.hypot(GPS_M, GPS_M, WIDE_M)
    north, east = chance.gauss(0, spread_m), chance.gauss(0, spread_m)
    shrink = math.cos(math.radians(place.latitude))
    return Position(
        place.latitude + north / _METRES_PER_DEGREE,
        place.longitude + east / _METRES_PER_DEGREE / shrink,
    )


def _pair(
    chance: random.Random, one: Sample, other: Sample, *, same: bool, natural: bool
) -> list[Labelled]:
    """Return the pair, or nothing where the two lie farther apart than anybody looks."""
    if one.city != other.city:
        return []
    distance_m = _distance_m(one.position, other.position)
    if distance_m > RADIUS_M:
        return []
    apart = abs(one.at - other.at) if same else timedelta(days=chance.expovariate(1 / OPEN_DAYS))
    return [
        Labelled(distance_m, apart, _kinship(one, other), one.words, other.words, same, natural)
    ]


def _distance_m(one: Position, other: Position) -> float:
    shrink = math.cos(math.radians(one.latitude))
    north = (one.latitude - other.latitude) * _METRES_PER_DEGREE
    return math.hypot(north, (one.longitude - other.longitude) * _METRES_PER_DEGREE * shrink)


def _kinship(one: Sample, other: Sample) -> Kinship:
    if (one.heading, one.kind) == (other.heading, other.kind):
        return Kinship.SAME
    return Kinship.GROUP if one.heading == other.heading else Kinship.OTHER
