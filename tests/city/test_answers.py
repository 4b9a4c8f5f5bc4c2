"""Answers to a category's questions: kept when they fit, refused with every fault named."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from city import categories, jurisdictions, setup
from city.categories import (
    NOT_A_CHOICE,
    NOT_A_DATETIME,
    NOT_A_NUMBER,
    NOT_A_TEXT,
    NOT_CHOICES,
    REQUIRED,
    UNKNOWN,
    Asked,
    BadAnswers,
    UnknownCategory,
    check_answers,
)
from city.models import Category, Question, QuestionType
from geo.coordinates import Position
from tests.city.towns import NOW
from tests.resident import INSIDE

CHOICES = [{"code": "small", "names": {"en": "Small"}}, {"code": "big", "names": {"en": "Big"}}]
FAULTS = {
    QuestionType.TEXT: NOT_A_TEXT,
    QuestionType.NUMBER: NOT_A_NUMBER,
    QuestionType.DATETIME: NOT_A_DATETIME,
    QuestionType.CHOICE: NOT_A_CHOICE,
    QuestionType.CHOICES: NOT_CHOICES,
}
FITTING: list[tuple[QuestionType, Any]] = [
    (QuestionType.TEXT, "Devant le n° 12"),
    (QuestionType.TEXT, "x" * 1_000),
    (QuestionType.NUMBER, 0),
    (QuestionType.NUMBER, -3.5),
    (QuestionType.NUMBER, "12.5"),
    (QuestionType.NUMBER, 10**39),
    (QuestionType.DATETIME, "2026-03-01T09:30:00Z"),
    (QuestionType.DATETIME, "2026-03-01T09:30:00+01:00"),
    (QuestionType.DATETIME, "2026-03-01t09:30:00.5z"),
    (QuestionType.DATETIME, "2026-03-01"),
    (QuestionType.CHOICE, "small"),
    (QuestionType.CHOICES, ["small"]),
    (QuestionType.CHOICES, ["big", "small"]),
]
UNFITTING: list[tuple[QuestionType, Any]] = [
    (QuestionType.TEXT, "x" * 1_001),
    (QuestionType.TEXT, 12),
    (QuestionType.TEXT, True),
    (QuestionType.TEXT, ["a text"]),
    (QuestionType.TEXT, {"a": "text"}),
    (QuestionType.NUMBER, math.nan),
    (QuestionType.NUMBER, math.inf),
    (QuestionType.NUMBER, -math.inf),
    (QuestionType.NUMBER, "nan"),
    (QuestionType.NUMBER, "Infinity"),
    (QuestionType.NUMBER, 10**400),
    (QuestionType.NUMBER, 10**5_000),
    (QuestionType.NUMBER, "1e400"),
    (QuestionType.NUMBER, "9" * 5_000),
    (QuestionType.NUMBER, True),
    (QuestionType.NUMBER, False),
    (QuestionType.NUMBER, "twelve"),
    (QuestionType.NUMBER, "0x10"),
    (QuestionType.NUMBER, "1_0"),
    (QuestionType.NUMBER, "\u0661\u0660"),
    (QuestionType.NUMBER, [12]),
    (QuestionType.NUMBER, {}),
    (QuestionType.DATETIME, "yesterday"),
    (QuestionType.DATETIME, "2026-02-30T09:30:00Z"),
    (QuestionType.DATETIME, "2026-02-30"),
    (QuestionType.DATETIME, "2026-W10-1"),
    (QuestionType.DATETIME, "20260301"),
    (QuestionType.DATETIME, "2026-03-01T09:30:00,5Z"),
    (QuestionType.DATETIME, "9999-12-31T23:59:59-01:00"),
    (QuestionType.DATETIME, 1_772_000_000),
    (QuestionType.DATETIME, True),
    (QuestionType.DATETIME, ["2026-03-01"]),
    (QuestionType.CHOICE, "huge"),
    (QuestionType.CHOICE, "Small"),
    (QuestionType.CHOICE, ["small"]),
    (QuestionType.CHOICE, 0),
    (QuestionType.CHOICE, False),
    (QuestionType.CHOICE, {"code": "small"}),
    (QuestionType.CHOICES, "small"),
    (QuestionType.CHOICES, ["small", "huge"]),
    (QuestionType.CHOICES, [["small"]]),
    (QuestionType.CHOICES, [{"code": "small"}]),
    (QuestionType.CHOICES, [1]),
    (QuestionType.CHOICES, {"small": True}),
    (QuestionType.CHOICES, True),
]
NOTHING: list[Any] = [None, "", "   ", []]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def question(kind: QuestionType, *, required: bool = False, code: str = "q") -> Question:
    choices = CHOICES if kind in (QuestionType.CHOICE, QuestionType.CHOICES) else []
    return Question(code=code, type=kind.value, required=required, choices=choices)


@pytest.mark.parametrize(("kind", "answer"), FITTING)
def test_an_answer_that_fits_is_kept_as_it_is(kind: QuestionType, answer: Any) -> None:
    assert check_answers([question(kind)], {"q": answer}) == {"q": answer}


@pytest.mark.parametrize(("kind", "answer"), UNFITTING, ids=lambda value: str(type(value).__name__))
def test_an_answer_that_does_not_fit_is_refused(kind: QuestionType, answer: Any) -> None:
    with pytest.raises(BadAnswers) as refused:
        check_answers([question(kind)], {"q": answer})
    assert refused.value.faults == {"q": FAULTS[kind]}


@pytest.mark.parametrize("kind", QuestionType)
@pytest.mark.parametrize("answer", NOTHING)
def test_an_answer_that_says_nothing_is_none(kind: QuestionType, answer: Any) -> None:
    assert check_answers([question(kind)], {"q": answer}) == {}
    with pytest.raises(BadAnswers) as refused:
        check_answers([question(kind, required=True)], {"q": answer})
    assert refused.value.faults == {"q": REQUIRED}


@pytest.mark.parametrize("kind", QuestionType)
def test_a_missing_answer_matters_only_where_it_is_required(kind: QuestionType) -> None:
    assert check_answers([question(kind)], {}) == {}
    with pytest.raises(BadAnswers):
        check_answers([question(kind, required=True)], {})


def test_an_answer_to_no_question_is_refused() -> None:
    with pytest.raises(BadAnswers) as refused:
        check_answers([], {"q": "a"})
    assert refused.value.faults == {"q": UNKNOWN}


def test_every_fault_is_named_at_once() -> None:
    questions = [
        question(QuestionType.TEXT, required=True, code="what"),
        question(QuestionType.NUMBER, code="many"),
        question(QuestionType.CHOICE, code="size"),
    ]
    with pytest.raises(BadAnswers) as refused:
        check_answers(questions, {"many": "few", "size": "small", "colour": "red"})
    assert refused.value.faults == {"what": REQUIRED, "many": NOT_A_NUMBER, "colour": UNKNOWN}


@given(st.sampled_from(QuestionType), json_values)
def test_whatever_is_kept_can_be_stored_and_read(kind: QuestionType, answer: Any) -> None:
    try:
        kept = check_answers([question(kind)], {"q": answer})
    except BadAnswers:
        return
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert kept in ({"q": answer}, {})


def test_the_catalogue_is_in_the_citys_order_with_its_questions(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    entries = categories.catalogue(session, city.id)
    order = [(entry.group.position, entry.category.position) for entry in entries]
    assert order == sorted(order)
    [pothole] = [entry for entry in entries if entry.category.code == "nid-de-poule"]
    assert pothole.questions[0].code == "taille"
    asked = setup.read(session, city.id, "nid-de-poule", Position(**INSIDE)).questions
    assert asked == tuple(
        Asked(question.code, question.type, question.required, question.choices, question.texts)
        for question in pothole.questions
    )


def test_a_category_is_found_by_its_code_while_it_is_in_use(session: Session) -> None:
    city = jurisdictions.find(session, "beaurive")
    place = Position(**INSIDE)
    category = session.get_one(
        Category, setup.read(session, city.id, "nid-de-poule", place).category.id
    )
    with pytest.raises(UnknownCategory):
        setup.read(session, city.id, "no-such-thing", place)
    with pytest.raises(UnknownCategory):
        setup.read(session, city.id + 1_000, "nid-de-poule", place)
    category.retired_at = NOW
    session.flush()
    with pytest.raises(UnknownCategory):
        setup.read(session, city.id, "nid-de-poule", place)
    shown = [entry.category.code for entry in categories.catalogue(session, city.id)]
    assert shown
    assert "nid-de-poule" not in shown
