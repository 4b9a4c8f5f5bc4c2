"""What a rule may say, in a city's file or by the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from city.calendar_format import Hours, Weekday
from city.models import Kind
from city.parts import Code, Part
from city.unfit import Unfit
from infra.words import mark

MOST_RULES = 2_000
MOST_ANSWERS, MOST_CHOICES = 20, 200
MOST_METRES = 1_000
MOST_PROPERTIES, LONGEST_VALUE = 10, 200

Choices = Annotated[list[Code], Field(min_length=1, max_length=MOST_CHOICES)]
Answers = Annotated[dict[Code, Choices], Field(max_length=MOST_ANSWERS)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_VALUE)]
Words = Annotated[list[Word], Field(min_length=1, max_length=MOST_CHOICES)]
Where = Annotated[dict[Word, Words], Field(max_length=MOST_PROPERTIES)]
Week = Annotated[dict[Weekday, Hours], Field(min_length=1)]


class RulePart(Part):
    """A rule; what it leaves out, it leaves open.

    `layer` is a reference layer, whose feature nearest to the report has to be within `within_m`
    metres and, as `where` says by property, to be one of the values; an area that the report is in
    is 0 metres away. `answers` has, for each question of the category, the choices of which one has
    to be given; `hours` are those of the clock on the wall when the report comes, by weekday. Both
    days of `first_day` and `last_day` are within.
    """

    team: Code
    category: Code | None = None
    group: Code | None = None
    district: str | None = None
    layer: Code | None = None
    within_m: Annotated[float, Field(ge=0, le=MOST_METRES)] = 0
    where: Where = Field(default_factory=dict)
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
    def _check_layer(self) -> RulePart:
        if self.layer is None and (self.within_m or self.where):
            raise Unfit(mark("within_m and where say how near to a layer, which has to be named"))
        return self

    @model_validator(mode="after")
    def _check_days(self) -> RulePart:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise Unfit(mark("the last day comes before the first"))
        return self


class RulesPart(Part):
    """All rules of a city, in order: of those that are as specific, the first wins."""

    rules: Annotated[list[RulePart], Field(max_length=MOST_RULES)]
