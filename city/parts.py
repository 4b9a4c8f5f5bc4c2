"""The parts that a city is set up by, in its file or by the API, and what each may say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol, get_args
from unicodedata import category
from zoneinfo import available_timezones

from babel import localedata
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from city import placeholders
from city.access import Role
from city.calendar_format import CalendarPart, WorkingTimePart
from city.models import KeptText, Kind, Priority, QuestionType
from city.statuses import CLOSED, Status
from city.unfit import Unfit
from infra.database import Names
from infra.words import mark

# Why reporters close or open a ticket, which no reason of the city may look like.
_OF_REPORTERS = {"withdrawn", "not_solved"}

# Controls, and what ends a line or a paragraph.
_BREAKING = {"Cc", "Zl", "Zp"}

BOUNDARY_CODE = "boundary"
"""The code of the layer that holds a jurisdiction's boundary."""


# Of a city that never sleeps; with a calendar there are as many years of its weeks.
MOST_HOURS = 24 * 366 * 5


NO_TEXT = mark("has no text in '{language}'")
UNKNOWN = mark("there is no {what} '{code}'")


def _check_address(address: str) -> str:
    try:
        # Delivery is not tried: a demo city lives on reserved domains that have no mail server.
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


def _check_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone")
    return name


def _check_names(names: Names) -> Names:
    if any(not text.strip() or "\0" in text for text in names.values()):
        raise Unfit(mark("needs texts that say something"))
    return names


def _check_lines(names: Names) -> Names:
    if any(category(sign) in _BREAKING for text in names.values() for sign in text):
        raise Unfit(mark("needs texts of one line, without control characters"))
    return names


def _check_reason(code: str) -> str:
    if code in _OF_REPORTERS:
        raise Unfit(mark("'{code}' is what reporters do themselves"), code=code)
    return code


def _check_places(text: str) -> str:
    found = placeholders.unknown(text)
    if found is not None:
        raise Unfit(mark("'{place}' is no placeholder"), place=found)
    return text


def _check_closed(status: Status) -> Status:
    if status not in CLOSED:
        raise Unfit(mark("closes no ticket"))
    return status


CODE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
MAX_TARGET_HOURS = 24 * 366 * 5
MIN_PASSWORD = 8
Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]


def _check_locale(locale: str) -> str:
    if not localedata.exists(locale):
        raise Unfit(mark("'{language}' is no language whose dates can be written"), language=locale)
    return locale


Hours = Annotated[int, Field(ge=1, le=MOST_HOURS)]
Steps = tuple[str | int, ...]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$"), AfterValidator(_check_locale)]
Mail = Annotated[str, AfterValidator(_check_address), AfterValidator(str.lower)]
Texts = Annotated[dict[Locale, str], AfterValidator(_check_names)]
Labels = Annotated[Texts, AfterValidator(_check_lines)]
Wording = Annotated[str, AfterValidator(_check_places)]
Wordings = Annotated[dict[Locale, Wording], AfterValidator(_check_names)]
ClosedStatus = Annotated[Status, AfterValidator(_check_closed)]


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


def check_unique(what: str, parts: Sequence[_Coded]) -> set[str]:
    """Return the codes of the parts, or raise Unfit where one stands twice."""
    counted = Counter(part.code for part in parts)
    repeated = [code for code, count in counted.items() if count > 1]
    if repeated:
        raise Unfit(mark("the {what} code '{code}' stands twice"), what=what, code=repeated[0])
    return set(counted)


class Part(BaseModel):
    """Something that a city is set up by; what is not known of it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RetentionPart(Part):
    """How long after a ticket's closing its reports stay tied to people, and what is left then."""

    months: Annotated[int, Field(ge=1, le=1200)]
    text: KeptText = KeptText.KEEP


class FeedbackPart(Part):
    """For how many days after a closing its reporters may say whether it is solved."""

    days: Annotated[int, Field(ge=1, le=366)] = 14


class JurisdictionPart(WorkingTimePart):
    """The city itself; the first locale is the one to fall back on."""

    code: Code
    names: Labels
    time_zone: Annotated[str, AfterValidator(_check_time_zone)]
    locales: Annotated[list[Locale], Field(min_length=1)]
    boundary: Path
    fallback_team: Code
    retention: RetentionPart | None = None
    feedback: FeedbackPart = FeedbackPart()


class LayerPart(Part):
    """A layer and the GeoJSON file that draws it."""

    code: Code
    names: Labels
    role: Literal["service", "reference"]
    file: Path
    code_property: str | None = None
    name_property: str | None = None


class NamesPart(Part):
    """What something is called."""

    names: Labels


class GroupPart(Part):
    """A heading for categories."""

    code: Code
    names: Labels


class ChoicePart(Part):
    """One of the answers that a question offers."""

    code: Code
    names: Labels


class QuestionPart(Part):
    """One thing that a category asks."""

    code: Code
    texts: Texts
    type: QuestionType
    required: bool = False
    choices: list[ChoicePart] = []

    @model_validator(mode="after")
    def _check_choices(self) -> QuestionPart:
        if (self.type in (QuestionType.CHOICE, QuestionType.CHOICES)) != bool(self.choices):
            raise Unfit(mark("choices belong to the types choice and choices, and to no other"))
        check_unique("choice", self.choices)
        return self


class CategoryPart(Part):
    """What a report may be about; targets are in working hours."""

    code: Code
    group: Code
    names: Labels
    descriptions: Texts
    kinds: Annotated[list[Kind], Field(min_length=1)]
    public: bool = True
    priority: Priority = Priority.NORMAL
    target_hours: Hours | None = None
    target_hours_by_priority: dict[Priority, Hours] = {}
    questions: list[QuestionPart] = []

    @model_validator(mode="after")
    def _check_questions(self) -> CategoryPart:
        check_unique("question", self.questions)
        return self


class TeamPart(Part):
    """A team and the address where it is told; without a calendar of its own it has the city's."""

    code: Code
    names: Labels
    email: Mail
    calendar: Code | None = None


class TeamCalendarPart(Part):
    """Working time that a team may have instead of the city's."""

    code: Code
    names: Labels
    calendar: CalendarPart


class CloseReasonPart(Part):
    """Why tickets are closed, and what reporters are told then where nobody writes to them."""

    code: Annotated[Code, AfterValidator(_check_reason)]
    names: Labels
    statuses: Annotated[list[ClosedStatus], Field(min_length=1)]
    public_texts: Texts | None = None


class ThirdPartyPart(Part):
    """Somebody outside the city's teams to whom work is handed."""

    code: Code
    names: Labels


class TemplatePart(Part):
    """Words to answer with; what it leaves out, it leaves open."""

    code: Code
    names: Labels
    category: Code | None = None
    status: Status | None = None
    texts: Wordings


class PersonPart(Part):
    """Somebody who works for the city; the password counts only when the person is new."""

    email: Mail
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n\x00]+$")]
    role: Role
    locale: Locale = "en"
    initial_password: Annotated[str, StringConstraints(min_length=MIN_PASSWORD)] | None = None
    teams: list[Code] = []


def most_hours(calendar: CalendarPart | None) -> int:
    """Return how many working hours a target may have: five years of the calendar."""
    if calendar is None:
        return MOST_HOURS
    return MOST_HOURS * calendar.weekly_minutes() // (7 * 24 * 60)


_IN_LANGUAGES = (get_args(Texts)[0], get_args(Wordings)[0], Texts | None)


def untold(part: BaseModel, locale: str) -> Iterator[Steps]:
    """Yield where the part, or one within it, has texts but none in the locale to fall back on."""
    for name, value in part:
        is_text = type(part).model_fields[name].annotation in _IN_LANGUAGES
        if is_text and value is not None and locale not in value:
            yield (name,)
        elif isinstance(value, BaseModel):
            yield from ((name, *path) for path in untold(value, locale))
        elif isinstance(value, list):
            for index, member in enumerate(value):
                if isinstance(member, BaseModel):
                    yield from ((name, index, *path) for path in untold(member, locale))
