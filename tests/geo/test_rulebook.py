"""Asked again and again, rules send each report where one decision sends it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from geo.conditions import Near, Said
from geo.routing import Cover, Rule, Subject, decide
from geo.rulebook import Rulebook
from tests.geo.test_linting import NORTH, SOUTH, some_rules

FALLBACK = 999
PARIS = ZoneInfo("Europe/Paris")
some_reports = st.lists(
    st.builds(
        Said,
        at=st.sampled_from(
            [
                datetime(2026, 11, 25, 12, tzinfo=PARIS),
                datetime(2026, 11, 28, 23, 30, tzinfo=PARIS),
                datetime(2027, 1, 1, tzinfo=PARIS),
            ]
        ),
        kind=st.sampled_from([None, "problem", "idea"]),
        answers=st.sampled_from([None, {}, {"private": "yes"}, {"what": ["a", "b"]}]),
        near=st.just(dict[int, Near]()),
    ),
    max_size=8,
)
subjects = st.tuples(st.sampled_from([(1, 10), (2, 10), (3, 20)]), st.sampled_from([NORTH, SOUTH]))


@given(rules=some_rules, reports=some_reports, about=st.lists(subjects, min_size=1, max_size=4))
def test_the_same_rule_wins(
    rules: list[Rule], reports: list[Said], about: list[tuple[tuple[int, int], int]]
) -> None:
    book = Rulebook(rules, FALLBACK)
    for (category, group), district in about:
        rules_there = book.in_question(category, group, district)
        settled = book.settled(rules_there)
        for said in reports:
            alone = decide(
                Subject(category, group, said), [Cover(district, "d", True)], rules, FALLBACK
            )
            assert book.choose(rules_there, said) == alone.target_id
            assert settled in (None, alone.target_id)
    assert book.settled(book.in_question(1, 10, None)) == FALLBACK
