"""Categories: what can be reported, and whether the answers to their questions hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Category, CategoryGroup, Question, QuestionType
from infra.database import Names
from infra.notation import is_day, read_moment, read_number
from infra.words import mark

Answer = str | float | bool | list[str]
MAX_ANSWER_LENGTH = 1_000


class UnknownCategory(Exception):
    """The jurisdiction has no such category in use."""


class KindNotOffered(Exception):
    """The category does not take reports of this kind."""


class BadAnswers(Exception):
    """Answers are missing or do not fit; `faults` maps a question's code to what is wrong."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(", ".join(faults))
        self.faults = dict(faults)


REQUIRED = mark("This question needs an answer.")
UNKNOWN = mark("There is no such question.")
NOT_A_TEXT = mark("Expected a text of at most 1,000 characters.")
NOT_A_NUMBER = mark("Expected a number.")
NOT_A_DATETIME = mark("Expected a date and time.")
NOT_A_CHOICE = mark("Expected one of the choices offered.")
NOT_CHOICES = mark("Expected a list of the choices offered.")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A category with its group and its questions in order."""

    category: Category
    group: CategoryGroup
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it bears on an answer; `choices` is a list of {code, names}."""

    code: str
    type: str
    required: bool
    choices: list[Any]
    texts: Names


def catalogue(session: Session, jurisdiction_id: int) -> list[CatalogueEntry]:
    """Return the categories in use, in the city's order."""
    rows = session.execute(
        select(Category, CategoryGroup)
        .join(CategoryGroup, CategoryGroup.id == Category.group_id)
        .where(Category.jurisdiction_id == jurisdiction_id, Category.retired_at.is_(None))
        .order_by(CategoryGroup.position, Category.position)
    ).all()
    questions: dict[int, list[Question]] = {}
    for question in session.scalars(
        select(Question)
        .where(Question.jurisdiction_id == jurisdiction_id, Question.retired_at.is_(None))
        .order_by(Question.position)
    ):
        questions.setdefault(question.category_id, []).append(question)
    return [
        CatalogueEntry(category, group, tuple(questions.get(category.id, ())))
        for category, group in rows
    ]


def check_answers(
    questions: Sequence[Asked | Question], answers: Mapping[str, object]
) -> dict[str, object]:
    """Return the answers that say something, or raise BadAnswers naming every fault."""
    known = {question.code: question for question in questions}
    faults = {code: UNKNOWN for code in answers if code not in known}
    kept: dict[str, object] = {}
    for code, question in known.items():
        answer = answers.get(code)
        if answer is None or answer == [] or (isinstance(answer, str) and not answer.strip()):
            if question.required:
                faults[code] = REQUIRED
        elif fault := _fault(question, answer):
            faults[code] = fault
        else:
            kept[code] = answer
    if faults:
        raise BadAnswers(faults)
    return kept


def _fault(question: Asked | Question, answer: object) -> str | None:
    offered = {choice["code"] for choice in question.choices}
    match QuestionType(question.type):
        case QuestionType.TEXT:
            fits = isinstance(answer, str) and len(answer) <= MAX_ANSWER_LENGTH
            return None if fits else NOT_A_TEXT
        case QuestionType.NUMBER:
            return None if _is_number(answer) else NOT_A_NUMBER
        case QuestionType.DATETIME:
            return None if _is_datetime(answer) else NOT_A_DATETIME
        case QuestionType.CHOICE:
            return None if isinstance(answer, str) and answer in offered else NOT_A_CHOICE
        case QuestionType.CHOICES:
            fits = isinstance(answer, list) and all(
                isinstance(one, str) and one in offered for one in answer
            )
            return None if fits else NOT_CHOICES


def _is_number(answer: object) -> bool:
    if isinstance(answer, bool) or not isinstance(answer, int | float | str):
        return False
    try:
        number = read_number(answer) if isinstance(answer, str) else float(answer)
        return len(str(answer)) <= 40 and math.isfinite(number)
    except (OverflowError, ValueError):
        return False


def _is_datetime(answer: object) -> bool:
    if not isinstance(answer, str):
        return False
    try:
        return is_day(answer) or bool(read_moment(answer))
    except (OverflowError, ValueError):
        return False
