"""Which district and which rule: the most specific wins, and always the same one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.conditions import Conditions, Said
from geo.reasons import Reason
from geo.routing import Candidate, Cover, Rule, Subject, decide, in_order

CATEGORY, OTHER_CATEGORY = 1, 2
GROUP, OTHER_GROUP = 10, 20
HERE, ELSEWHERE = 100, 200
FALLBACK = 999
# A Saturday evening.
SAID = Said(
    datetime(2026, 11, 28, 21, 30, tzinfo=ZoneInfo("Europe/Paris")),
    kind="problem",
    answers={"private": "yes", "kinds": ["a", "b"], "how-many": 3},
)
SUBJECT = Subject(category_id=CATEGORY, group_id=GROUP, said=SAID)
COVERS = [Cover(HERE, "here", exact=True)]

# From the most specific to the least, as (category, group, district).
LADDER = [
    (CATEGORY, None, HERE),
    (CATEGORY, None, None),
    (None, GROUP, HERE),
    (None, GROUP, None),
    (None, None, HERE),
    (None, None, None),
]


def rule(
    position: int, category: int | None, group: int | None, district: int | None, target: int = 0
) -> Rule:
    return Rule(
        id=1000 + position,
        position=position,
        target_id=target or position,
        category_id=category,
        group_id=group,
        district_id=district,
    )


some_rules = st.lists(
    st.tuples(
        st.sampled_from([None, CATEGORY, OTHER_CATEGORY]),
        st.sampled_from([None, GROUP, OTHER_GROUP]),
        st.sampled_from([None, HERE, ELSEWHERE]),
    ).filter(lambda parts: parts[0] is None or parts[1] is None),
    max_size=8,
).map(lambda rows: [rule(position, *row) for position, row in enumerate(rows, start=1)])

some_covers = st.lists(
    st.builds(
        Cover, st.sampled_from([HERE, ELSEWHERE, 300]), st.sampled_from("abc"), st.booleans()
    ),
    unique_by=(lambda cover: cover.district_id, lambda cover: cover.code),
    max_size=3,
)


def test_the_ladder_of_specificity_holds_whatever_the_order_of_the_rules() -> None:
    for rungs in range(len(LADDER)):
        least_specific_first = list(reversed(LADDER[rungs:]))
        rules = [rule(number, *parts) for number, parts in enumerate(least_specific_first, start=1)]
        chosen = decide(SUBJECT, COVERS, rules, FALLBACK)
        assert chosen.rule == rules[-1]
        assert chosen.target_id == rules[-1].target_id


def test_ties_go_to_the_first_in_order() -> None:
    first, second = rule(3, CATEGORY, None, HERE), rule(7, CATEGORY, None, HERE)
    chosen = decide(SUBJECT, COVERS, [second, first], FALLBACK)
    assert chosen.rule == first
    assert chosen.candidates == (
        Candidate("district", HERE, taken=True, reason=Reason.COVERS),
        Candidate("rule", first.id, taken=True, reason=Reason.FIRST_IN_ORDER),
        Candidate("rule", second.id, taken=False, reason=Reason.LATER_IN_ORDER),
    )


def test_a_less_specific_rule_is_told_as_such() -> None:
    general, specific = rule(1, None, GROUP, None), rule(2, CATEGORY, None, None)
    chosen = decide(SUBJECT, COVERS, [general, specific], FALLBACK)
    assert [(c.id, c.taken, c.reason) for c in chosen.candidates[1:]] == [
        (specific.id, True, Reason.MOST_SPECIFIC),
        (general.id, False, Reason.LESS_SPECIFIC),
    ]


@pytest.mark.parametrize(
    "parts",
    [
        (OTHER_CATEGORY, None, HERE),
        (OTHER_CATEGORY, None, None),
        (None, OTHER_GROUP, None),
        (CATEGORY, None, ELSEWHERE),
        (None, None, ELSEWHERE),
    ],
)
def test_a_rule_for_something_else_is_no_candidate(
    parts: tuple[int | None, int | None, int | None],
) -> None:
    chosen = decide(SUBJECT, COVERS, [rule(1, *parts)], FALLBACK)
    assert (chosen.rule, chosen.target_id) == (None, FALLBACK)
    assert [candidate.kind for candidate in chosen.candidates] == ["district"]


def test_without_rules_the_fallback_answers_in_the_district() -> None:
    chosen = decide(SUBJECT, COVERS, [], FALLBACK)
    assert (chosen.district_id, chosen.rule, chosen.target_id) == (HERE, None, FALLBACK)


def test_a_spot_in_no_district_goes_to_the_fallback() -> None:
    rules = [rule(position, *parts) for position, parts in enumerate(LADDER, start=1)]
    chosen = decide(SUBJECT, [], rules, FALLBACK)
    assert (chosen.district_id, chosen.rule, chosen.target_id) == (None, None, FALLBACK)
    assert chosen.candidates == ()


def test_on_a_border_the_first_district_by_code_is_taken_and_the_others_are_told() -> None:
    covers = [Cover(2, "beta", exact=True), Cover(3, "gamma", exact=True), Cover(1, "alpha", True)]
    chosen = decide(SUBJECT, covers, [], FALLBACK)
    assert chosen.district_id == 1
    assert [(c.id, c.taken, c.reason) for c in chosen.candidates] == [
        (1, True, Reason.FIRST_BY_CODE),
        (2, False, Reason.LATER_BY_CODE),
        (3, False, Reason.LATER_BY_CODE),
    ]


def test_a_district_that_covers_goes_before_one_that_only_touches() -> None:
    covers = [Cover(1, "alpha", exact=False), Cover(2, "beta", exact=True)]
    assert decide(SUBJECT, covers, [], FALLBACK).district_id == 2
    assert decide(SUBJECT, covers[:1], [], FALLBACK).district_id == 1


def test_of_a_circle_of_doubt_the_district_with_the_greatest_share_is_taken() -> None:
    covers = [
        Cover(1, "alpha", exact=True, share=0.3),
        Cover(3, "gamma", exact=False, share=0.3),
        Cover(2, "beta", exact=False, share=0.4),
    ]
    chosen = decide(SUBJECT, covers, [rule(1, None, None, 1), rule(2, None, None, 2)], FALLBACK)
    assert (chosen.district_id, chosen.rule and chosen.rule.district_id) == (2, 2)
    assert [(c.id, c.taken, c.reason) for c in chosen.candidates[:3]] == [
        (2, True, Reason.LIKELIEST),
        (1, False, Reason.LESS_LIKELY),
        (3, False, Reason.LESS_LIKELY),
    ]


def test_of_equal_shares_the_spot_decides_and_then_the_code() -> None:
    halves = [Cover(1, "alpha", exact=False, share=0.5), Cover(2, "beta", exact=True, share=0.5)]
    assert decide(SUBJECT, halves, [], FALLBACK).district_id == 2
    halves[0] = replace(halves[0], exact=True)
    chosen = decide(SUBJECT, halves, [], FALLBACK)
    assert chosen.district_id == 1
    assert [c.reason for c in chosen.candidates] == [Reason.LIKELIEST, Reason.LATER_BY_CODE]


@given(some_covers, some_rules, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_found_never_matters(
    covers: list[Cover], rules: list[Rule], random: Random
) -> None:
    chosen = decide(SUBJECT, covers, rules, FALLBACK)
    shuffled_covers = random.sample(covers, len(covers))
    shuffled_rules = random.sample(rules, len(rules))
    assert decide(SUBJECT, shuffled_covers, shuffled_rules, FALLBACK) == chosen


@given(some_covers, some_rules)
def test_the_outcome_is_what_its_own_record_says(covers: list[Cover], rules: list[Rule]) -> None:
    chosen = decide(SUBJECT, covers, rules, FALLBACK)
    taken = {(candidate.kind, candidate.id) for candidate in chosen.candidates if candidate.taken}
    expected = set()
    if chosen.district_id is not None:
        expected.add(("district", chosen.district_id))
    if chosen.rule is not None:
        expected.add(("rule", chosen.rule.id))
        assert chosen.target_id == chosen.rule.target_id
    else:
        assert chosen.target_id == FALLBACK
    assert taken == expected
    assert (chosen.district_id is None) == (not covers)


@given(some_covers, some_rules)
def test_nothing_more_specific_is_ever_passed_over(covers: list[Cover], rules: list[Rule]) -> None:
    chosen = decide(SUBJECT, covers, rules, FALLBACK)
    if chosen.rule is None:
        return
    considered = {candidate.id for candidate in chosen.candidates if candidate.kind == "rule"}
    rivals = [each for each in rules if each.id in considered]
    best = max(each.specificity for each in rivals)
    assert chosen.rule.specificity == best
    assert chosen.rule.position == min(each.position for each in rivals if each.specificity == best)


@given(some_rules, st.integers(1, 50))
def test_a_rule_for_elsewhere_changes_nothing(rules: list[Rule], position: int) -> None:
    stranger = rule(100 + position, CATEGORY, None, ELSEWHERE)
    before = decide(SUBJECT, COVERS, rules, FALLBACK)
    assert decide(SUBJECT, COVERS, [stranger, *rules], FALLBACK) == before


def test_the_order_of_preference_is_by_exactness_then_code() -> None:
    covers = [Cover(1, "b", True), Cover(2, "a", False), Cover(3, "a2", True)]
    assert [cover.code for cover in in_order(covers)] == ["a2", "b", "a"]
    touching = [replace(cover, exact=False) for cover in covers]
    assert [cover.code for cover in in_order(touching)] == ["a", "a2", "b"]


YES, NO = frozenset({"yes"}), frozenset({"no"})
NEVER = [()] * 7


def week(weekday: int, *spans: tuple[int, int]) -> list[tuple[tuple[int, int], ...]]:
    return [spans if number == weekday else () for number in range(7)]


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        (Conditions(), True),
        (Conditions(kind="problem"), True),
        (Conditions(kind="idea"), False),
        (Conditions(answers=[("private", YES)]), True),
        (Conditions(answers=[("private", YES | NO)]), True),
        (Conditions(answers=[("private", NO)]), False),
        (Conditions(answers=[("kinds", frozenset("bc"))]), True),
        (Conditions(answers=[("kinds", frozenset("cd"))]), False),
        (Conditions(answers=[("how-many", frozenset({"3"}))]), False),
        (Conditions(answers=[("unasked", YES)]), False),
        (Conditions(answers=[("private", YES), ("unasked", YES)]), False),
        (Conditions(hours=week(5, (21 * 60 + 30, 22 * 60))), True),
        (Conditions(hours=week(5, (0, 60), (20 * 60, 24 * 60))), True),
        (Conditions(hours=week(5, (20 * 60, 21 * 60 + 30))), False),
        (Conditions(hours=week(6, (0, 24 * 60))), False),
        (Conditions(hours=NEVER), False),
        (Conditions(first_day=date(2026, 11, 28), last_day=date(2026, 11, 28)), True),
        (Conditions(first_day=date(2026, 11, 29)), False),
        (Conditions(last_day=date(2026, 11, 27)), False),
        (Conditions(kind="problem", first_day=date(2026, 11, 29)), False),
    ],
)
def test_a_rule_counts_where_all_its_conditions_hold(conditions: Conditions, holds: bool) -> None:
    only = replace(rule(1, CATEGORY, None, None), conditions=conditions)
    chosen = decide(SUBJECT, COVERS, [only], FALLBACK)
    assert chosen.rule == (only if holds else None)


def test_where_only_a_spot_is_asked_about_no_rule_counts_that_asks_for_more() -> None:
    spot = replace(SUBJECT, said=Said(SAID.at))
    for conditions in (Conditions(kind="problem"), Conditions(answers=[("private", YES)])):
        only = replace(rule(1, CATEGORY, None, None), conditions=conditions)
        assert decide(spot, COVERS, [only], FALLBACK).rule is None


def test_of_rules_for_the_same_subject_and_place_the_one_with_more_conditions_wins() -> None:
    plain = rule(1, CATEGORY, None, None)
    once = replace(rule(2, CATEGORY, None, None), conditions=Conditions(kind="problem"))
    twice = replace(
        rule(3, CATEGORY, None, None),
        conditions=Conditions(kind="problem", answers=[("private", YES)]),
    )
    assert decide(SUBJECT, COVERS, [plain, once, twice], FALLBACK).rule == twice
    # What it is about and where go before, however much else a rule asks for.
    here, of_group = rule(4, CATEGORY, None, HERE), rule(5, None, GROUP, None)
    assert decide(SUBJECT, COVERS, [twice, here], FALLBACK).rule == here
    asking = replace(of_group, conditions=twice.conditions)
    assert decide(SUBJECT, COVERS, [asking, plain], FALLBACK).rule == plain
