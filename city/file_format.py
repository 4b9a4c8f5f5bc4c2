"""The city file: one readable YAML file that says how a city is set up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import (
    Field,
    ValidationError,
    model_validator,
)

from city.calendar_format import CalendarPart
from city.parts import (
    BOUNDARY_CODE,
    NO_TEXT,
    UNKNOWN,
    CategoryPart,
    CloseReasonPart,
    GroupPart,
    JurisdictionPart,
    LayerPart,
    Part,
    PersonPart,
    Steps,
    TeamCalendarPart,
    TeamPart,
    TemplatePart,
    ThirdPartyPart,
    check_unique,
    most_hours,
    untold,
)
from city.rule_parts import MOST_RULES, RulePart
from city.unfit import Unfit


class UnusableCityFile(ValueError):
    """The file cannot be loaded; the message says where and why, one line for each fault."""


class CityFile(Part):
    """A whole city file; paths in it are relative to `folder`."""

    folder: Path
    jurisdiction: JurisdictionPart
    layers: list[LayerPart]
    groups: list[GroupPart]
    categories: list[CategoryPart]
    calendars: list[TeamCalendarPart] = Field(default_factory=list)
    teams: list[TeamPart]
    people: list[PersonPart] = Field(default_factory=list)
    rules: list[RulePart] = Field(default_factory=list, max_length=MOST_RULES)
    close_reasons: list[CloseReasonPart] = Field(default_factory=list)
    third_parties: list[ThirdPartyPart] = Field(default_factory=list)
    templates: list[TemplatePart] = Field(default_factory=list)
    addresses: Path | None = None

    @model_validator(mode="after")
    def _check_references(self) -> CityFile:
        groups = check_unique("group", self.groups)
        categories = check_unique("category", self.categories)
        teams = check_unique("team", self.teams)
        calendars = check_unique("calendar", self.calendars)
        check_unique("layer", self.layers)
        check_unique("close reason", self.close_reasons)
        check_unique("third party", self.third_parties)
        check_unique("template", self.templates)
        if len({person.email for person in self.people}) < len(self.people):
            raise ValueError("more than one person has the same e-mail address")
        if any(layer.code == BOUNDARY_CODE for layer in self.layers):
            raise ValueError(f"the layer code {BOUNDARY_CODE!r} is taken by the city's boundary")
        if self.jurisdiction.code in calendars:
            raise ValueError(f"the calendar code {self.jurisdiction.code!r} is taken by the city's")
        if [layer.role for layer in self.layers].count("service") != 1:
            raise ValueError("exactly one layer must have the role service")
        _check_known("group", groups, (category.group for category in self.categories))
        _check_known("group", groups, (rule.group for rule in self.rules if rule.group))
        _check_known("category", categories, (r.category for r in self.rules if r.category))
        _check_known("category", categories, (t.category for t in self.templates if t.category))
        _check_known("team", teams, (rule.team for rule in self.rules))
        _check_known("team", teams, (code for person in self.people for code in person.teams))
        _check_known("team", teams, [self.jurisdiction.fallback_team])
        _check_known("calendar", calendars, (t.calendar for t in self.teams if t.calendar))
        _check_targets(self.categories, self.jurisdiction.calendar)
        for part in self.calendars:
            _check_targets(self.categories, part.calendar)
        _check_texts(self, self.jurisdiction.locales[0])
        return self


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


def _check_texts(city: CityFile, locale: str) -> None:
    for path in untold(city, locale):
        place = " ".join(_named(city, path)).replace(" .", ".")
        raise ValueError(f"{place} {NO_TEXT.format(language=locale)}")


def _named(part: Any, path: Steps) -> Iterator[str]:
    """Yield the steps of a path for people, who find a part by its code and not by its number."""
    for position, step in enumerate(path):
        part = part[step] if isinstance(step, int) else getattr(part, step)
        code = getattr(part, "code", None)
        if isinstance(step, str):
            yield step if position == 0 else f".{step}"
        if code:
            yield code
