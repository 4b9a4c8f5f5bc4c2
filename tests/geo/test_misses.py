"""Why a rule does not fit: held to what is decided once the blamed condition is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from geo.conditions import Conditions, Near, NearLayer, Said
from geo.reasons import Reason
from geo.routing import Cover, Rule, Subject, decide, miss

HERE, THERE = 100, 200
ROADS, PARKS = 7, 8
FALLBACK = 99
NIGHT = [((0, 360),)] * 7
YES, NO = frozenset({"yes"}), frozenset({"no"})

some_conditions = st.builds(
    Conditions,
    layer=st.sampled_from(
        [
            None,
            None,
            NearLayer(ROADS, 5),
            NearLayer(ROADS, 20, [("owner", YES)]),
            NearLayer(PARKS, 5),
        ]
    ),
    kind=st.sampled_from([None, None, "problem", "idea"]),
    answers=st.sampled_from([(), (), (("private", YES),), (("private", NO), ("what", YES))]),
    hours=st.sampled_from([None, None, NIGHT]),
    first_day=st.sampled_from([None, None, date(2027, 1, 1)]),
    last_day=st.sampled_from([None, None, date(2027, 1, 1)]),
)
some_rules = st.lists(
    st.tuples(
        st.sampled_from([(None, None), (1, None), (2, None), (None, 10), (None, 20)]),
        st.sampled_from([None, None, HERE, THERE]),
        some_conditions,
    ),
    max_size=8,
).map(
    lambda rows: [
        Rule(1000 + number, number, number, category, group, district, conditions)
        for number, ((category, group), district, conditions) in enumerate(rows, start=1)
    ]
)
some_said = st.builds(
    Said,
    st.sampled_from(
        [
            datetime(*day, hour, tzinfo=UTC)
            for day in ((2026, 12, 31), (2027, 1, 2))
            for hour in (3, 12)
        ]
    ),
    st.sampled_from(["problem", "idea", None]),
    st.sampled_from([None, {"private": "yes"}, {"private": "no", "what": ["a", "yes"]}]),
    st.sampled_from(
        [{}, {ROADS: Near("d1", 12, {"owner": "yes"}, 1)}, {ROADS: Near("d2", 4, {}, 1)}]
    ),
)
some_subjects = st.builds(Subject, st.just(1), st.just(10), some_said)
some_covers = st.sampled_from([[], [Cover(HERE, "here", exact=True)]])

OF_RULE = {
    Reason.OTHER_SUBJECT: ("category_id", "group_id"),
    Reason.OTHER_DISTRICT: ("district_id",),
}
OF_CONDITIONS = {
    Reason.OTHER_KIND: ("kind",),
    Reason.OTHER_ANSWER: ("answers",),
    Reason.OUTSIDE_HOURS: ("hours",),
    Reason.OUTSIDE_DAYS: ("first_day", "last_day"),
    Reason.NOT_NEAR: ("layer",),
}


def open_to_all(rule: Rule) -> Rule:
    return Rule(rule.id, rule.position, rule.target_id, None, None, None)


def with_part(rule: Rule, giver: Rule, reason: Reason) -> Rule:
    """Return the rule with that part of the giver that the reason is about."""
    if reason in OF_RULE:
        taken: dict[str, Any] = {name: getattr(giver, name) for name in OF_RULE[reason]}
        return replace(rule, **taken)
    given_ = {name: getattr(giver.conditions, name) for name in OF_CONDITIONS[reason]}
    return replace(rule, conditions=replace(rule.conditions, **given_))


def fits(rule: Rule, subject: Subject) -> bool:
    return decide(subject, [Cover(HERE, "here", exact=True)], [rule], FALLBACK).rule == rule


@given(some_covers, some_rules, some_subjects)
def test_what_does_not_fit_has_a_reason_that_is_true(
    covers: list[Cover], rules: list[Rule], subject: Subject
) -> None:
    chosen = decide(subject, covers, rules, FALLBACK)
    fitting = {one.id for one in chosen.candidates if one.kind == "rule"}
    for rule in rules:
        rest, district_id, told = rule, chosen.district_id, set[Reason]()
        while (reason := miss(rest, subject, district_id)) is not None:
            assert reason not in told
            told.add(reason)
            if reason is Reason.NO_DISTRICT:
                district_id = HERE
                continue
            # The blamed part alone keeps a rule from fitting, and then it is gone.
            assert not fits(with_part(open_to_all(rule), rule, reason), subject)
            rest = with_part(rest, open_to_all(rule), reason)
        assert fits(rest, subject)
        assert (not told) == (rule.id in fitting)
        assert (Reason.NO_DISTRICT in told) == (not covers)


@given(some_rules, some_subjects)
def test_what_is_near_need_not_be_known_to_say_why_a_rule_did_not_fit(
    rules: list[Rule], subject: Subject
) -> None:
    forgetful = replace(subject, said=replace(subject.said, near={}))
    for rule in rules:
        reason = miss(rule, subject, HERE)
        if reason is not None:
            assert miss(rule, forgetful, HERE) is reason
