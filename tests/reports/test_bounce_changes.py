"""Which change would have sent right what came back: held to what is then decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.conditions import Conditions, Near, NearLayer, Said
from geo.coordinates import Position
from geo.routing import Rule, Subject, decide
from reports.bounces.changes import (
    Adviser,
    Change,
    Effect,
    InUse,
    Matter,
    Parting,
    Refusal,
    parting,
)
from reports.bounces.clusters import Case, Cluster, gather

NORTH, SOUTH = 100, 200
FALLBACK, ROADS, WATER, PARKS = 90, 91, 92, 93
TEAMS = (FALLBACK, ROADS, WATER, PARKS)
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOLE, LAMP = Subject(1, 10, Said(AT)), Subject(2, 20, Said(AT))
NIGHT = [((0, 360),)] * 7
MATTERS = {
    1: Matter(("problem", "idea"), {"size": {"small", "large"}, "what": {"a", "b"}}),
    2: Matter(("problem",), {}),
}
IN_USE = InUse(MATTERS, {NORTH, SOUTH}, set(TEAMS))
RIVER = NearLayer(7, 15)

some_conditions = st.builds(
    Conditions,
    layer=st.sampled_from([None, None, None, RIVER]),
    kind=st.sampled_from([None, None, "problem"]),
    answers=st.sampled_from(
        [
            (),
            (),
            (("size", frozenset({"large"})),),
            (("size", frozenset({"large", "small"})), ("what", frozenset({"a"}))),
        ]
    ),
    hours=st.sampled_from([None, None, NIGHT]),
)
some_rules = st.lists(
    st.tuples(
        st.sampled_from([(None, None), (1, None), (2, None), (None, 10), (None, 20)]),
        st.sampled_from([None, None, NORTH, SOUTH]),
        some_conditions,
        st.sampled_from(TEAMS),
    ),
    max_size=6,
).map(
    lambda rows: [
        Rule(number, number, team, category, group, district, conditions)
        for number, ((category, group), district, conditions, team) in enumerate(rows, start=1)
    ]
)
some_said = st.builds(
    Said,
    at=st.sampled_from([AT, AT.replace(hour=3)]),
    kind=st.sampled_from(["problem", "idea"]),
    answers=st.fixed_dictionaries(
        {},
        optional={
            "size": st.sampled_from(["small", "large"]),
            "what": st.lists(st.sampled_from(["a", "b"]), unique=True),
        },
    ),
    near=st.sampled_from([{}, {7: Near("river", 3.0, {}, 1)}]),
)
some_sent = st.lists(
    st.tuples(
        st.sampled_from([HOLE, HOLE, LAMP]),
        some_said,
        st.sampled_from([NORTH, NORTH, SOUTH, None]),
        st.sampled_from([*TEAMS, WATER, None]),
        st.booleans(),
        st.integers(1, 3),
    ),
    max_size=14,
)


def sent(
    rules: Sequence[Rule],
    subject: Subject,
    said: Said,
    district_id: int | None,
    ended_with: int | None,
    came_and_went: bool = False,
    count: int = 1,
) -> Case:
    """Return a case that the rules sent; what has another team now has bounced in any case."""
    about = replace(subject, said=said)
    blank = Case(about, district_id, None, FALLBACK, ended_with, bounced=False, count=count)
    choice = decide(about, blank.covers, rules, FALLBACK)
    return replace(
        blank,
        rule_id=choice.rule.id if choice.rule else None,
        sent_to=choice.target_id,
        bounced=came_and_went or ended_with not in (None, choice.target_id),
        places=[Position(0, 0)] * count,
    )


def put_in(rules: Sequence[Rule], change: Rule) -> list[Rule]:
    """Return the rules as a client posts them with the change, numbered anew."""
    wanted = list(rules)
    wanted.insert(change.position - 1, change)
    return [replace(rule, position=number) for number, rule in enumerate(wanted, start=1)]


def goes_to(case: Case, rules: Sequence[Rule]) -> int:
    return decide(case.subject, case.covers, rules, FALLBACK).target_id


def effect_of(
    cluster: Cluster, cases: Sequence[Case], before: Sequence[Rule], after: Sequence[Rule]
) -> Effect:
    """Count by the whole of both sets of rules."""
    mends = elsewhere = spoils = 0
    for case in cases:
        was_right = goes_to(case, before) == case.ended_with
        is_right = goes_to(case, after) == case.ended_with
        if is_right and not was_right:
            of_cluster = any(case is one for one in cluster.came_back)
            mends += case.count * of_cluster
            elsewhere += case.count * (not of_cluster)
        spoils += case.count * (was_right and not is_right)
    return Effect(mends, elsewhere, spoils)


@given(some_rules, some_sent)
def test_a_change_sends_what_it_covers_to_the_team_that_it_ended_with(
    rules: list[Rule], tickets: list[tuple[Subject, Said, int | None, int | None, bool, int]]
) -> None:
    cases = [sent(rules, *ticket) for ticket in tickets]
    adviser = Adviser(rules, FALLBACK, cases, IN_USE)
    for cluster in gather(cases):
        advice = adviser.advise(cluster)
        if not isinstance(advice, Change):
            continue
        assert cluster.ending is not None
        assert advice.rule.target_id == cluster.ending[0]
        after = put_in(rules, advice.rule)
        for case in cluster.came_back:
            alone = decide(case.subject, case.covers, [advice.rule], FALLBACK)
            if alone.rule is not None:
                assert goes_to(case, after) == cluster.ending[0]
        assert advice.effect == effect_of(cluster, cases, rules, after)
        assert advice.effect.mends > advice.effect.spoils
        for case in cases:
            if case.subject.category_id != cluster.category_id:
                assert goes_to(case, rules) == goes_to(case, after)


@given(some_rules, some_sent)
def test_no_rule_for_the_category_in_the_district_would_do_better(
    rules: list[Rule], tickets: list[tuple[Subject, Said, int | None, int | None, bool, int]]
) -> None:
    cases = [sent(rules, *ticket) for ticket in tickets]
    adviser = Adviser(rules, FALLBACK, cases, IN_USE)
    for cluster in gather(cases):
        advice = adviser.advise(cluster)
        if isinstance(advice, Refusal) and advice is not Refusal.SPOILS:
            continue
        assert cluster.ending is not None
        sender = next((rule for rule in rules if rule.id == cluster.rule_id), None)
        plain = Rule(
            id=0,
            position=sender.position if sender else len(rules) + 1,
            target_id=cluster.ending[0],
            category_id=cluster.category_id,
            group_id=None,
            district_id=cluster.district_id,
            conditions=sender.conditions if sender else Conditions(),
        )
        plainly = effect_of(cluster, cases, rules, put_in(rules, plain))
        if isinstance(advice, Change):
            assert advice.effect.gain >= plainly.gain or plainly.mends <= plainly.spoils
        else:
            assert plainly.mends <= plainly.spoils


@given(some_rules, some_sent, st.randoms(use_true_random=False))
def test_the_order_in_which_tickets_are_found_never_matters(
    rules: list[Rule],
    tickets: list[tuple[Subject, Said, int | None, int | None, bool, int]],
    random: Random,
) -> None:
    cases = [sent(rules, *ticket) for ticket in tickets]
    shuffled = random.sample(cases, len(cases))
    told = []
    for order in (cases, shuffled):
        adviser, found = Adviser(rules, FALLBACK, order, IN_USE), gather(order)
        told.append(
            [
                (one.rule_id, one.category_id, one.district_id, one.sent, adviser.advise(one))
                for one in found
            ]
        )
    assert told[0] == told[1]
    bounced = [cluster.bounced for cluster in gather(cases)]
    assert bounced == sorted(bounced, reverse=True)
    assert sum(bounced) == sum(case.count for case in cases if case.bounced)


TO_ROADS = Rule(1, 1, ROADS, 1, None, None)
LARGE, SMALL = Said(AT, "problem", {"size": "large"}), Said(AT, "problem", {"size": "small"})


def advised(rules: Sequence[Rule], *cases: Case, in_use: InUse = IN_USE) -> Change | Refusal:
    """Return what is advised on the largest cluster."""
    return Adviser(rules, FALLBACK, cases, in_use).advise(gather(cases)[0])


def hole(said: Said, district_id: int | None, ended_with: int | None, count: int = 1) -> Case:
    return sent([TO_ROADS], HOLE, said, district_id, ended_with, count=count)


def change_of(*cases: Case) -> Change:
    advice = advised([TO_ROADS], *cases)
    assert isinstance(advice, Change)
    return advice


def test_the_district_alone_is_asked_for_where_it_tells_bounced_from_kept() -> None:
    cases = [hole(LARGE, NORTH, WATER, 3), hole(LARGE, SOUTH, ROADS, 3)]
    change = change_of(*cases)
    assert (change.rule.district_id, change.rule.conditions) == (NORTH, Conditions())
    assert change.effect == Effect(3, 0, 0)
    assert parting(gather(cases)[0], change) is Parting.PLACE


def test_an_answer_is_asked_for_where_it_tells_bounced_from_kept() -> None:
    cases = [hole(LARGE, NORTH, WATER, 3), hole(SMALL, NORTH, ROADS, 5)]
    change = change_of(*cases)
    assert change.rule.conditions.answers == (("size", frozenset({"large"})),)
    assert change.effect == Effect(3, 0, 0)
    assert parting(gather(cases)[0], change) is Parting.ANSWERS


def test_a_few_that_it_spoils_do_not_keep_a_change_back_and_are_told() -> None:
    change = change_of(
        hole(LARGE, NORTH, WATER, 5), hole(LARGE, NORTH, ROADS), hole(SMALL, NORTH, ROADS, 9)
    )
    assert change.rule.conditions.answers == (("size", frozenset({"large"})),)
    assert change.effect == Effect(5, 0, 1)


def test_an_answer_that_is_wrong_wherever_it_is_given_needs_no_district() -> None:
    change = change_of(
        hole(LARGE, NORTH, WATER, 3),
        hole(LARGE, SOUTH, WATER, 2),
        hole(SMALL, NORTH, ROADS, 9),
        hole(SMALL, SOUTH, ROADS, 9),
    )
    assert change.rule.district_id is None
    assert change.effect == Effect(3, 2, 0)


def test_a_kind_is_asked_for_where_it_tells_bounced_from_kept() -> None:
    idea = Said(AT, "idea", {})
    cases = [hole(idea, NORTH, PARKS, 2), hole(Said(AT, "problem", {}), NORTH, ROADS, 4)]
    change = change_of(*cases)
    assert change.rule.conditions == Conditions(kind="idea")
    assert parting(gather(cases)[0], change) is Parting.KIND


def test_a_change_keeps_what_its_rule_asks_so_that_it_wins_over_it() -> None:
    near = Said(AT, "problem", {"size": "large"}, {7: Near("river", 3.0, {}, 1)})
    asked = Conditions(layer=RIVER, kind="problem", answers=(("size", frozenset({"large"})),))
    rules = [Rule(1, 1, ROADS, None, None, None), Rule(2, 2, ROADS, 1, None, NORTH, asked)]
    case = sent(rules, HOLE, near, NORTH, WATER, count=2)
    advice = advised(rules, case)
    assert isinstance(advice, Change)
    assert (advice.base_id, advice.rule.position) == (2, 2)
    assert advice.rule.conditions.imply(asked)
    assert goes_to(case, put_in(rules, advice.rule)) == WATER


def test_only_choices_that_are_still_offered_are_asked_for() -> None:
    cases = [hole(LARGE, NORTH, WATER, 3), hole(SMALL, NORTH, ROADS, 3)]
    fewer = InUse({1: Matter(("problem",), {"size": {"small"}})}, {NORTH}, set(TEAMS))
    assert advised([TO_ROADS], *cases, in_use=fewer) is Refusal.SPOILS


def test_what_a_change_would_have_to_ask_and_nobody_is_asked_there_is_in_none() -> None:
    """A ticket may have been filed anew, with answers to the questions of another category."""
    asked = Conditions(answers=(("size", frozenset({"large"})),))
    rules = [Rule(1, 1, ROADS, None, 20, None, asked)]
    lamp = Said(AT, "problem", {"size": "large"})
    assert advised(rules, sent(rules, LAMP, lamp, NORTH, WATER)) is Refusal.OUT_OF_USE
    # Of the choices that the rule names, those are kept that are still offered.
    asked = Conditions(answers=(("size", frozenset({"large", "huge"})),))
    rules = [Rule(1, 1, ROADS, None, 10, None, asked)]
    advice = advised(rules, sent(rules, HOLE, LARGE, NORTH, WATER))
    assert isinstance(advice, Change)
    assert advice.rule.conditions.answers == (("size", frozenset({"large"})),)
    idea = sent([TO_ROADS], HOLE, Said(AT, "compliment"), NORTH, WATER)
    kept = hole(Said(AT, "problem"), NORTH, ROADS)
    assert advised([TO_ROADS], idea, kept) is Refusal.SPOILS


def test_the_team_that_most_ended_with_is_the_right_one_and_the_first_of_equals() -> None:
    assert (
        change_of(hole(LARGE, NORTH, PARKS), hole(SMALL, NORTH, WATER, 2)).rule.target_id == WATER
    )
    assert change_of(hole(LARGE, NORTH, PARKS), hole(SMALL, NORTH, WATER)).rule.target_id == WATER


@pytest.mark.parametrize(
    ("cases", "refusal"),
    [
        ([hole(LARGE, NORTH, WATER), hole(LARGE, NORTH, ROADS)], Refusal.SPOILS),
        ([replace(hole(LARGE, NORTH, None), bounced=True)], Refusal.WAITING),
        ([replace(hole(LARGE, NORTH, ROADS), bounced=True)], Refusal.RIGHT_AFTER_ALL),
        ([hole(LARGE, None, WATER)], Refusal.NO_DISTRICT),
        ([hole(LARGE, 999, WATER)], Refusal.OUT_OF_USE),
        ([hole(LARGE, NORTH, 999)], Refusal.OUT_OF_USE),
        ([sent([], Subject(3, 10, LARGE), LARGE, NORTH, WATER)], Refusal.OUT_OF_USE),
    ],
)
def test_why_there_is_no_change(cases: list[Case], refusal: Refusal) -> None:
    assert advised([TO_ROADS], *cases) is refusal


def test_what_the_rules_in_force_send_right_needs_no_change() -> None:
    assert (
        advised([replace(TO_ROADS, target_id=WATER)], hole(LARGE, NORTH, WATER)) is Refusal.MENDED
    )
