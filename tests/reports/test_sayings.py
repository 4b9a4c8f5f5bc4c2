"""Reports that no rule can tell apart are decided about once, and each gets its own answer."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.conditions import Conditions, Said
from geo.routing import Rule
from geo.rulebook import Rulebook
from reports.simulation import saying
from reports.simulation.reading import EPOCH, KINDS, Batch
from reports.simulation.saying import Clock

# By the world's clock, those of these cities are put forward and back about these times.
TURNS = {
    "Europe/Paris": [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)],
    "Australia/Lord_Howe": [datetime(2026, 10, 3, 15, 30, tzinfo=UTC)],
    "America/St_Johns": [datetime(2026, 11, 1, 4, 30, tzinfo=UTC)],
    "Asia/Kathmandu": [datetime(2027, 1, 1, tzinfo=UTC)],
}
DAYS = [date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 28)]
WEEKEND = [()] * 5 + [((0, 1440),)] * 2
SMALL_HOURS = [((90, 150),)] * 7
some_rules = st.lists(
    st.builds(
        Conditions,
        kind=st.sampled_from([None, None, "problem", "idea"]),
        answers=st.sampled_from([(), (), (("private", frozenset({"yes"})),)]),
        hours=st.sampled_from([None, WEEKEND, SMALL_HOURS, SMALL_HOURS]),
        first_day=st.sampled_from([None, *DAYS]),
        last_day=st.sampled_from([None, None, *DAYS]),
    ),
    min_size=1,
    max_size=3,
).map(
    lambda found: [
        Rule(number, number, number, None, None, None, conditions)
        for number, conditions in enumerate(found, 1)
    ]
)
ANSWERS = [{}, {"private": "yes"}, {"private": "no"}, {"what": ["a", "b"]}]
some_said = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(-3 * 24 * 60, 3 * 24 * 60) | st.integers(-240, 240),
        st.integers(0, 59_999_999),
        st.integers(0, 2),
        st.sampled_from(ANSWERS),
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=300)
@given(zone=st.sampled_from(sorted(TURNS)), rules=some_rules, rows=some_said)
def test_each_gets_what_it_would_get_alone(
    zone: str, rules: list[Rule], rows: list[tuple[int, int, int, int, dict[str, object]]]
) -> None:
    times = [
        TURNS[zone][turn % len(TURNS[zone])] + timedelta(minutes=minutes, microseconds=more)
        for turn, minutes, more, *_ in rows
    ]
    count = len(rows)
    ids = np.arange(1, count + 1)
    batch = Batch(
        ids=ids,
        times=np.array([(at - EPOCH) // timedelta(microseconds=1) for at in times], dtype=np.int64),
        kinds=np.array([row[3] for row in rows], dtype=np.int64),
        category_ids=np.ones(count, dtype=np.int64),
        lon_lat=np.zeros((count, 2)),
        accuracy_m=np.zeros(count),
        team_ids=np.zeros(count, dtype=np.int64),
    )
    numbers = np.arange(0, count, 2)
    answers = {number + 1: json.dumps(rows[number][4]) for number in numbers.tolist()}
    found = saying.gather(Clock(ZoneInfo(zone), rules), batch, numbers, answers)
    book = Rulebook(rules, 99)
    at_hand = book.in_question(1, 10, 100)
    assert len(found.of_report) == len(numbers)
    for number, which in zip(numbers.tolist(), found.of_report.tolist(), strict=True):
        *_, kind, given_answers = rows[number]
        alone = Said(times[number].astimezone(ZoneInfo(zone)), KINDS[kind], given_answers)
        assert book.choose(at_hand, found.said[which]) == book.choose(at_hand, alone)


def test_what_rules_do_not_ask_for_is_not_told_apart() -> None:
    count = 10_000
    batch = Batch(
        ids=np.arange(count),
        times=np.arange(count) * 60_000_000,
        kinds=np.arange(count) % 2,
        category_ids=np.ones(count, dtype=np.int64),
        lon_lat=np.zeros((count, 2)),
        accuracy_m=np.zeros(count),
        team_ids=np.zeros(count, dtype=np.int64),
    )
    found = saying.gather(Clock(ZoneInfo("Europe/Paris"), []), batch, np.arange(count), {})
    assert len(found.said) == 2
