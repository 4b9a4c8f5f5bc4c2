"""What may be said of a calendar: working hours, public holidays, and the city's own days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from city import calendars, public_holidays
from city.unfit import Unfit
from infra.words import mark

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_TIME = r"([01]\d|2[0-3]):[0-5]\d"
SPAN_PATTERN = rf"^{_TIME}-({_TIME}|24:00)$"
MOST_RELANCE_HOURS = 1000
Span = Annotated[str, StringConstraints(pattern=SPAN_PATTERN)]


def _check_hours(hours: list[str]) -> list[str]:
    past = 0
    for written, (opening, closing) in zip(hours, calendars.spans(hours), strict=True):
        if closing <= opening:
            raise Unfit(mark("{hours} ends before it begins"), hours=written)
        if opening < past:
            sentence = mark("{hours} begins before the hours before it have ended")
            raise Unfit(sentence, hours=written)
        past = closing
    return hours


Hours = Annotated[list[Span], AfterValidator(_check_hours)]
Days = Annotated[list[date], AfterValidator(lambda days: sorted(set(days)))]


class HolidaysPart(BaseModel):
    """Whose public holidays the city keeps: an ISO country, and a part of it that has its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str
    subdivision: str | None = None

    @model_validator(mode="after")
    def _check_known(self) -> HolidaysPart:
        parts = public_holidays.parts_of(self.country)
        if parts is None:
            raise Unfit(mark("the holidays of '{country}' are not known"), country=self.country)
        if self.subdivision is not None and self.subdivision not in parts:
            sentence = mark("'{country}' has no part '{part}' with holidays: {parts}")
            known = ", ".join(parts) or "-"
            raise Unfit(sentence, country=self.country, part=self.subdivision, parts=known)
        return self


class CalendarPart(BaseModel):
    """When the city is at work: by weekday, save on holidays and on days of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: Annotated[dict[Weekday, Hours], Field(min_length=1)]
    holidays: HolidaysPart | None = None
    closed: Days = []
    open: dict[date, Annotated[Hours, Field(min_length=1)]] = {}

    @model_validator(mode="after")
    def _check_days(self) -> CalendarPart:
        if self.weekly_minutes() < 1:
            raise Unfit(mark("hours must leave some time to work in"))
        both = sorted(set(self.closed) & self.open.keys())
        if both:
            raise Unfit(mark("{day} is both closed and open"), day=both[0].isoformat())
        return self

    def weekly_minutes(self) -> int:
        """Return the working time of a week without holidays."""
        return sum(
            closing - opening
            for hours in self.hours.values()
            for opening, closing in calendars.spans(hours)
        )


class RelancePart(BaseModel):
    """How many working hours before the deadline the team, after it the dispatchers are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before_hours: Annotated[int, Field(ge=1, le=MOST_RELANCE_HOURS)] = 8
    after_hours: Annotated[int, Field(ge=1, le=MOST_RELANCE_HOURS)] = 8


class WorkingTimePart(BaseModel):
    """All that a city says of its time; without a calendar every hour is a working hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendar: CalendarPart | None = None
    relance: RelancePart = RelancePart()
