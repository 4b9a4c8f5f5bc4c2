"""The threshold is the one that the measurement on sample reports gives, and worth its while."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from bench.tools.matching import (
    PRECISION,
    STEPS,
    at_recall,
    by_distance,
    choose,
    quality,
    scores,
)
from bench.tools.pairs import labelled, samples
from bench.tools.samples import SAMPLES
from reports.likeness import THRESHOLD

LEAST_RECALL = 0.9


def test_the_threshold_follows_from_the_samples(session: Session) -> None:
    found = samples()
    if not found:
        pytest.skip(f"no sample reports in {SAMPLES}")
    pairs = labelled(found)
    scored = scores(session, pairs)
    chosen = choose([quality(scored, pairs, step) for step in STEPS])
    assert chosen.threshold == THRESHOLD
    assert chosen.precision >= PRECISION
    assert chosen.recall >= LEAST_RECALL

    peer = at_recall(by_distance(pairs), pairs, chosen.recall)
    assert peer.recall >= chosen.recall
    assert 1 - chosen.precision < (1 - peer.precision) / 2


def test_what_the_cities_have_as_the_same_is_found(session: Session) -> None:
    found = samples()
    if not found:
        pytest.skip(f"no sample reports in {SAMPLES}")
    natural = [pair for pair in labelled(found) if pair.same and pair.natural]
    assert natural
    assert min(scores(session, natural)) >= THRESHOLD
