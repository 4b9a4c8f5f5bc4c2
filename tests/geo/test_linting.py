"""What is odd about rules: held to what every report that could come would get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from geo.conditions import Conditions, Near, NearLayer, Said
from geo.linting import ELSEWHERE, MOST_TIES, Idleness, Lint, Matter, lint
from geo.routing import Cover, Rule, Subject, decide

HOLE, LAMP = Matter(1, 10, ("problem",)), Matter(2, 20, ("problem", "idea"))
MATTERS = (HOLE, LAMP)
NORTH, SOUTH, EAST = 100, 200, 300
DISTRICTS = (NORTH, SOUTH, EAST)
GONE = 400
TODAY = date(2026, 11, 26)
FALLBACK = 99
NIGHT = [((0, 360),)] * 7
ALWAYS = [((0, 1440),)] * 7
NEVER = [()] * 7
SEVERAL = frozenset({"what"})
ROADS, UNPUBLISHED = 7, 8
A_ROAD = {ROADS: Near("d1", 4, {}, 1)}

some_conditions = st.builds(
    Conditions,
    layer=st.sampled_from([None, None, None, NearLayer(ROADS, 5), NearLayer(UNPUBLISHED, 5)]),
    kind=st.sampled_from([None, None, "problem", "idea"]),
    answers=st.sampled_from(
        [
            (),
            (),
            (("private", frozenset({"yes"})),),
            (("private", frozenset({"yes", "no"})),),
            (("what", frozenset({"a"})),),
            (("what", frozenset({"b"})), ("private", frozenset({"no"}))),
        ]
    ),
    hours=st.sampled_from([None, None, NIGHT, ALWAYS, NEVER]),
    first_day=st.sampled_from([None, None, date(2027, 1, 1)]),
    last_day=st.sampled_from([None, None, date(2026, 11, 25), date(2027, 1, 1)]),
)
some_rules = st.lists(
    st.tuples(
        st.sampled_from([(None, None), (1, None), (2, None), (None, 10), (None, 20), (3, None)]),
        st.sampled_from([None, None, NORTH, SOUTH, GONE]),
        some_conditions,
        st.integers(1, 3),
    ),
    max_size=7,
).map(
    lambda rows: [
        Rule(number, number, team, category, group, district, conditions)
        for number, ((category, group), district, conditions, team) in enumerate(rows, start=1)
    ]
)


def look(*rules: Rule) -> Lint:
    return lint(rules, MATTERS, DISTRICTS, {ROADS}, SEVERAL, TODAY)


def rule(position: int, team: int = 1, **members: object) -> Rule:
    open_to_all = Rule(position, position, team, None, None, None)
    return replace(open_to_all, **members)  # type: ignore[arg-type]


def reports() -> Iterator[tuple[Matter, int, Said]]:
    """Yield reports of every kind, place, answer and time that the rules above tell apart."""
    times = [
        datetime(*day, hour, tzinfo=UTC)
        for day in ((2026, 11, 26), (2027, 1, 1), (2027, 1, 2))
        for hour in (3, 12)
    ]
    answers = [
        {**private, **what}
        for private in ({}, {"private": "yes"}, {"private": "no"})
        for what in ({}, {"what": ["a"]}, {"what": ["b"]}, {"what": ["a", "b"]})
    ]
    for matter in MATTERS:
        for place, kind, at, given_answers, near in product(
            DISTRICTS, matter.kinds, times, answers, ({}, A_ROAD)
        ):
            yield matter, place, Said(at, kind, given_answers, near)


@given(some_rules)
def test_what_is_told_is_so_for_every_report(rules: list[Rule]) -> None:
    found = look(*rules)
    idle = {one.id for one, _ in found.idle}
    ties = {(tie.first.id, tie.second.id) for tie in found.ties}
    fallen: set[tuple[int, int]] = set()
    for matter, place, said in reports():
        subject = Subject(matter.category_id, matter.group_id, said)
        chosen = decide(subject, [Cover(place, "x", exact=True)], rules, FALLBACK)
        there = ELSEWHERE if place in found.elsewhere else place
        if chosen.rule is None:
            fallen.add((matter.category_id, there))
            told = (found.unreached, found.conditional)
            assert any(there in places.get(matter.category_id, set()) for places in told)
        else:
            assert chosen.rule.id not in idle
        fitting = [one for one in chosen.candidates if one.kind == "rule"]
        equal = [one for one in fitting if one.reason.value in ("first_in_order", "later_in_order")]
        by_id = {one.id: one for one in rules}
        for other in equal[1:]:
            first, second = by_id[equal[0].id], by_id[other.id]
            if first.target_id != second.target_id:
                assert (first.id, second.id) in ties
    for category_id, places in found.unreached.items():
        assert fallen >= {(category_id, place) for place in places}


def test_an_empty_set_of_rules_reaches_nothing() -> None:
    found = look()
    assert found.unreached == {1: {ELSEWHERE}, 2: {ELSEWHERE}}
    assert not found.idle


def test_a_rule_for_everything_leaves_nothing_open() -> None:
    found = look(rule(1))
    assert not any((found.unreached, found.conditional, found.idle, found.ties))


def test_a_district_and_a_kind_that_no_rule_reaches_are_told() -> None:
    found = look(
        rule(1, category_id=1, district_id=NORTH),
        rule(2, group_id=20, conditions=Conditions(kind="problem")),
        rule(3, category_id=2, district_id=NORTH),
    )
    assert found.unreached == {1: {ELSEWHERE}, 2: {ELSEWHERE}}


def test_what_is_reached_on_conditions_alone_is_told() -> None:
    at_night = Conditions(hours=NIGHT)
    found = look(rule(1, conditions=at_night), rule(2, category_id=1))
    assert (found.unreached, found.conditional) == ({}, {2: {ELSEWHERE}})


def test_why_a_rule_never_wins_is_told() -> None:
    yes, either = frozenset({"yes"}), frozenset({"yes", "no"})
    rules = [
        rule(1, category_id=1),
        rule(2, group_id=10),
        rule(3, category_id=3),
        rule(4, district_id=GONE),
        rule(5, category_id=1, conditions=Conditions(last_day=date(2026, 11, 25))),
        rule(6, category_id=1, conditions=Conditions(kind="idea")),
        rule(7, category_id=2, conditions=Conditions(hours=NEVER)),
        rule(8, category_id=2, conditions=Conditions(answers=[("private", either)])),
        rule(9, category_id=2, conditions=Conditions(answers=[("private", yes)])),
        rule(10),
        rule(11, conditions=Conditions(layer=NearLayer(UNPUBLISHED, 5))),
        rule(12, conditions=Conditions(layer=NearLayer(ROADS, 5))),
        rule(13, category_id=1, conditions=Conditions(layer=NearLayer(ROADS, 5))),
    ]
    found = lint(rules, MATTERS, DISTRICTS, {ROADS}, SEVERAL, TODAY, unmet_ids={13})
    assert {one.id: why for one, why in found.idle} == {
        2: Idleness.OUTDONE,
        3: Idleness.NO_CASE,
        4: Idleness.NO_CASE,
        5: Idleness.OVER,
        6: Idleness.NO_CASE,
        7: Idleness.NO_CASE,
        9: Idleness.OUTDONE,
        11: Idleness.NO_LAYER,
        13: Idleness.NO_FEATURE,
    }


def test_no_more_ties_are_told_than_anybody_would_read() -> None:
    found = look(*(rule(number, number, category_id=1) for number in range(1, 301)))
    assert len(found.ties) == MOST_TIES
    assert {tie.first.id for tie in found.ties} == {1, 2, 3, 4}


def test_what_only_the_order_decides_is_told_with_its_places() -> None:
    yes, no = frozenset({"yes"}), frozenset({"no"})
    found = look(
        rule(1, 1, category_id=1, district_id=NORTH),
        rule(2, 2, category_id=1, district_id=NORTH),
        rule(3, 2, category_id=1, district_id=SOUTH),
        # The same team, so that the order does not matter.
        rule(4, 2, category_id=1, district_id=SOUTH),
        rule(5, 1, category_id=2, conditions=Conditions(answers=[("private", yes)])),
        rule(6, 2, category_id=2, conditions=Conditions(answers=[("private", no)])),
        rule(7, 1, group_id=20, conditions=Conditions(answers=[("what", yes)])),
        rule(8, 2, group_id=20, conditions=Conditions(answers=[("what", no)])),
    )
    assert [(tie.first.id, tie.second.id, tie.district_ids) for tie in found.ties] == [
        (1, 2, {NORTH}),
        (7, 8, {NORTH, SOUTH, ELSEWHERE}),
    ]
