"""What a rule may say, in a city's file or by the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from city.calendar_format import Hours, Weekday
from city.models import Kind
from city.parts import Code, Part
from city.unfit import Unfit
from infra.words import mark

MOST_RULES = 2_000
MOST_ANSWERS, MOST_CHOICES = 20, 200

Choices = Annotated[list[Code], Field(min_length=1, max_length=MOST_CHOICES)]
Answers = Annotated[dict[Code, Choices], Field(max_length=MOST_ANSWERS)]
Week = Annotated[dict[Weekday, Hours], Field(min_length=1)]


class RulePart(Part):
    """A rule; what it leaves out, it leaves open.

    `answers` has, for each question of the category, the choices of which one has to be given;
    `hours` are those of the clock on the wall when the report comes, by weekday. Both days of
    `first_day` and `last_day` are within.
    """

    team: Code
    category: Code | None = None
    group: Code | None = None
    district: str | None = None
    kind: Kind | None = None
    answers: Answers = Field(default_factory=dict)
    hours: Week | None = None
    first_day: date | None = None
    last_day: date | None = None

    @model_validator(mode="after")
    def _check_subject(self) -> RulePart:
        if self.category and self.group:
            raise Unfit(mark("a rule names a category or a group, not both"))
        return self

    @model_validator(mode="after")
    def _check_days(self) -> RulePart:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise Unfit(mark("the last day comes before the first"))
        return self


class RulesPart(Part):
    """All rules of a city, in order: of those that are as specific, the first wins."""

    rules: Annotated[list[RulePart], Field(max_length=MOST_RULES)]
