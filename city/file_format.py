"""The city file: one readable YAML file that says how a city is set up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args
from zoneinfo import available_timezones

import yaml
from babel import localedata
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from city import placeholders
from city.access import Role
from city.calendar_format import CalendarPart, WorkingTimePart
from city.models import KeptText, Kind, Priority, QuestionType
from city.statuses import CLOSED, Status
from infra.database import Names
from infra.words import mark

BOUNDARY_CODE = "boundary"
"""The code of the layer that holds a jurisdiction's boundary."""


# Of a city that never sleeps; with a calendar there are as many years of its weeks.
MOST_HOURS = 24 * 366 * 5


class UnusableCityFile(ValueError):
    """The file cannot be loaded; the message says where and why, one line for each fault."""


class Unfit(ValueError):
    """A value breaks a rule; `sentence` is a message of the catalogue, with its `values`."""

    def __init__(self, sentence: str, **values: str) -> None:
        super().__init__(sentence.format(**values))
        self.sentence = sentence
        self.values = values


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
Wording = Annotated[str, AfterValidator(_check_places)]
Wordings = Annotated[dict[Locale, Wording], AfterValidator(_check_names)]
ClosedStatus = Annotated[Status, AfterValidator(_check_closed)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RetentionPart(_Part):
    """How long after a ticket's closing its reports stay tied to people, and what is left then."""

    months: Annotated[int, Field(ge=1, le=1200)]
    text: KeptText = KeptText.KEEP


class FeedbackPart(_Part):
    """For how many days after a closing its reporters may say whether it is solved."""

    days: Annotated[int, Field(ge=1, le=366)] = 14


class JurisdictionPart(WorkingTimePart):
    """The city itself; the first locale is the one to fall back on."""

    code: Code
    names: Texts
    time_zone: Annotated[str, AfterValidator(_check_time_zone)]
    locales: Annotated[list[Locale], Field(min_length=1)]
    boundary: Path
    fallback_team: Code
    retention: RetentionPart | None = None
    feedback: FeedbackPart = FeedbackPart()


class LayerPart(_Part):
    """A layer and the GeoJSON file that draws it."""

    code: Code
    names: Texts
    role: Literal["service", "reference"]
    file: Path
    code_property: str | None = None
    name_property: str | None = None


class GroupPart(_Part):
    """A heading for categories."""

    code: Code
    names: Texts


class ChoicePart(_Part):
    """One of the answers that a question offers."""

    code: Code
    names: Texts


class QuestionPart(_Part):
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
        _check_unique("choice", self.choices)
        return self


class CategoryPart(_Part):
    """What a report may be about; targets are in working hours."""

    code: Code
    group: Code
    names: Texts
    descriptions: Texts
    kinds: Annotated[list[Kind], Field(min_length=1)]
    public: bool = True
    priority: Priority = Priority.NORMAL
    target_hours: Hours | None = None
    target_hours_by_priority: dict[Priority, Hours] = {}
    questions: list[QuestionPart] = []

    @model_validator(mode="after")
    def _check_questions(self) -> CategoryPart:
        _check_unique("question", self.questions)
        return self


class TeamPart(_Part):
    """A team and the address where it is told."""

    code: Code
    names: Texts
    email: Mail


class CloseReasonPart(_Part):
    """Why tickets are closed, and what reporters are told then where nobody writes to them."""

    code: Code
    names: Texts
    statuses: Annotated[list[ClosedStatus], Field(min_length=1)]
    public_texts: Texts | None = None


class ThirdPartyPart(_Part):
    """Somebody outside the city's teams to whom work is handed."""

    code: Code
    names: Texts


class TemplatePart(_Part):
    """Words to answer with; what it leaves out, it leaves open."""

    code: Code
    names: Texts
    category: Code | None = None
    status: Status | None = None
    texts: Wordings


class PersonPart(_Part):
    """Somebody who works for the city; the password counts only when the person is new."""

    email: Mail
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n\x00]+$")]
    role: Role
    locale: Locale = "en"
    initial_password: Annotated[str, StringConstraints(min_length=MIN_PASSWORD)] | None = None
    teams: list[Code] = []


class RulePart(_Part):
    """A rule; what it leaves out, it leaves open."""

    team: Code
    category: Code | None = None
    group: Code | None = None
    district: str | None = None

    @model_validator(mode="after")
    def _check_subject(self) -> RulePart:
        if self.category and self.group:
            raise ValueError("a rule names a category or a group, not both")
        return self


class CityFile(_Part):
    """A whole city file; paths in it are relative to `folder`."""

    folder: Path
    jurisdiction: JurisdictionPart
    layers: list[LayerPart]
    groups: list[GroupPart]
    categories: list[CategoryPart]
    teams: list[TeamPart]
    people: list[PersonPart] = []
    rules: list[RulePart] = []
    close_reasons: list[CloseReasonPart] = []
    third_parties: list[ThirdPartyPart] = []
    templates: list[TemplatePart] = []
    addresses: Path | None = None

    @model_validator(mode="after")
    def _check_references(self) -> CityFile:
        groups = _check_unique("group", self.groups)
        categories = _check_unique("category", self.categories)
        teams = _check_unique("team", self.teams)
        _check_unique("layer", self.layers)
        _check_unique("close reason", self.close_reasons)
        _check_unique("third party", self.third_parties)
        _check_unique("template", self.templates)
        if len({person.email for person in self.people}) < len(self.people):
            raise ValueError("more than one person has the same e-mail address")
        if any(layer.code == BOUNDARY_CODE for layer in self.layers):
            raise ValueError(f"the layer code {BOUNDARY_CODE!r} is taken by the city's boundary")
        if [layer.role for layer in self.layers].count("service") != 1:
            raise ValueError("exactly one layer must have the role service")
        _check_known("group", groups, (category.group for category in self.categories))
        _check_known("group", groups, (rule.group for rule in self.rules if rule.group))
        _check_known("category", categories, (r.category for r in self.rules if r.category))
        _check_known("category", categories, (t.category for t in self.templates if t.category))
        _check_known("team", teams, (rule.team for rule in self.rules))
        _check_known("team", teams, (code for person in self.people for code in person.teams))
        _check_known("team", teams, [self.jurisdiction.fallback_team])
        _check_targets(self.categories, self.jurisdiction.calendar)
        _check_texts(self, self.jurisdiction.locales[0])
        return self


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


def read_city_file(path: Path) -> CityFile:
    """Read and check a city file, or raise UnusableCityFile."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError, yaml.YAMLError) as error:
        # What the parser says spans several lines and shows the place with a caret.
        raise UnusableCityFile(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise UnusableCityFile(f"{path}: expected a mapping at the top")
    try:
        return CityFile.model_validate({**document, "folder": path.parent})
    except ValidationError as error:
        lines = (
            f"{path}: {'.'.join(str(step) for step in fault['loc']) or 'file'}:"
            f" {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise UnusableCityFile("\n".join(lines)) from error


def read_json(path: Path) -> Any:
    """Read a JSON file that a city file names, or raise UnusableCityFile."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableCityFile(f"{path}: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _check_unique(what: str, parts: Sequence[_Coded]) -> set[str]:
    counted = Counter(part.code for part in parts)
    repeated = [code for code, count in counted.items() if count > 1]
    if repeated:
        raise Unfit(mark("the {what} code '{code}' stands twice"), what=what, code=repeated[0])
    return set(counted)


def _check_known(what: str, known: set[str], used: Iterable[str]) -> None:
    unknown = sorted(set(used) - known)
    if unknown:
        raise Unfit(UNKNOWN, what=what, code=unknown[0])


def _check_targets(categories: Iterable[CategoryPart], calendar: CalendarPart | None) -> None:
    """Raise ValueError for a target that no calendar day would ever see."""
    for category in categories:
        longest = max((category.target_hours or 0, *category.target_hours_by_priority.values()))
        if longest > most_hours(calendar):
            raise ValueError(
                f"the category {category.code!r} may take {longest} working hours, which are"
                " more than five years of the calendar"
            )


def most_hours(calendar: CalendarPart | None) -> int:
    """Return how many working hours a target may have: five years of the calendar."""
    if calendar is None:
        return MOST_HOURS
    return MOST_HOURS * calendar.weekly_minutes() // (7 * 24 * 60)


def _check_texts(city: CityFile, locale: str) -> None:
    for path in untold(city, locale):
        place = " ".join(_named(city, path)).replace(" .", ".")
        raise ValueError(f"{place} {NO_TEXT.format(language=locale)}")


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


def _named(part: Any, path: Steps) -> Iterator[str]:
    """Yield the steps of a path for people, who find a part by its code and not by its number."""
    for position, step in enumerate(path):
        part = part[step] if isinstance(step, int) else getattr(part, step)
        code = getattr(part, "code", None)
        if isinstance(step, str):
            yield step if position == 0 else f".{step}"
        if code:
            yield code
