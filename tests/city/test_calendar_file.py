"""What a city file says of calendar, targets and relance: how it is refused, kept, and read."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from city import calendars, jurisdictions, setup
from city.calendars import Calendar
from city.file_format import UnusableCityFile, read_city_file
from city.setup import Setup
from geo.coordinates import Position
from tests.city.towns import document, load, write
from tests.conftest import DEMO

OFFICE = {"monday": ["09:00-12:00", "13:00-17:00"]}


def _town(calendar: object = None, category: dict[str, Any] | None = None) -> dict[str, Any]:
    says = copy.deepcopy(document())
    if calendar is not None:
        says["jurisdiction"]["calendar"] = calendar
    says["categories"][0].update(category or {})
    return says


def _with_relance(**hours: int) -> dict[str, Any]:
    says = _town()
    says["jurisdiction"]["relance"] = hours
    return says


def _with_calendars(
    code: str = "late", of_team: str | None = None, hours: dict[str, Any] | None = None
) -> dict[str, Any]:
    says = _town(category={"target_hours": 8})
    late = {"hours": hours or {"monday": ["18:00-24:00"]}}
    says["calendars"] = [{"code": code, "names": {"en": "Late"}, "calendar": late}]
    says["teams"][0]["calendar"] = of_team or code
    return says


def _calendar(met: Setup) -> Calendar | None:
    assert met.fallback is not None
    return met.fallback.calendar


CALENDAR = "jurisdiction.calendar"
CATEGORY = "categories.0.target_hours_by_priority"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no hours", _town({"hours": {}}), f"{CALENDAR}.hours: Dictionary should have at least 1"),
    (
        "never at work",
        _town({"hours": {"monday": []}}),
        f"{CALENDAR}: hours must leave some time to work in",
    ),
    (
        "no such weekday",
        _town({"hours": {"someday": []}}),
        f"{CALENDAR}.hours.someday.[key]: Input should be 'monday'",
    ),
    (
        "no such time",
        _town({"hours": {"monday": ["8:00-12:00"]}}),
        f"{CALENDAR}.hours.monday.0: String should match pattern",
    ),
    (
        "backwards",
        _town({"hours": {"monday": ["12:00-08:00"]}}),
        f"{CALENDAR}.hours.monday: 12:00-08:00 ends before it begins",
    ),
    (
        "overlapping",
        _town({"hours": {"monday": ["08:00-12:00", "11:00-17:00"]}}),
        f"{CALENDAR}.hours.monday: 11:00-17:00 begins before the hours before it have ended",
    ),
    (
        "no such country",
        _town({"hours": OFFICE, "holidays": {"country": "QQ"}}),
        f"{CALENDAR}.holidays: the holidays of 'QQ' are not known",
    ),
    (
        "no such part of a country",
        _town({"hours": OFFICE, "holidays": {"country": "FR", "subdivision": "QQ"}}),
        f"{CALENDAR}.holidays: 'FR' has no part 'QQ' with holidays: 57, ",
    ),
    (
        "no such day",
        _town({"hours": OFFICE, "closed": ["2026-02-30"]}),
        f"{CALENDAR}.closed.0: Input should be a valid date",
    ),
    (
        "closed and open",
        _town({"hours": OFFICE, "closed": ["2026-05-15"], "open": {"2026-05-15": ["09:00-12:00"]}}),
        f"{CALENDAR}: 2026-05-15 is both closed and open",
    ),
    (
        "a target of decades",
        _town({"hours": OFFICE}, {"target_hours_by_priority": {"low": 5000}}),
        "file: the category 'hole' may take 5000 working hours, which are more than five years",
    ),
    (
        "no such calendar",
        _with_calendars(of_team="night"),
        "file: there is no calendar 'night'",
    ),
    (
        "the city's own code",
        _with_calendars(code="essai"),
        "file: the calendar code 'essai' is taken by the city's",
    ),
    (
        "a target of decades of a team's",
        _with_calendars(hours={"sunday": ["09:00-09:01"]}),
        "file: the category 'hole' may take 8 working hours, which are more than five years",
    ),
    (
        "no such priority",
        _town(category={"target_hours_by_priority": {"now": 1}}),
        f"{CATEGORY}.now.[key]: Input should be 'low'",
    ),
    (
        "no time at all",
        _town(category={"target_hours_by_priority": {"low": 0}}),
        f"{CATEGORY}.low: Input should be greater than or equal to 1",
    ),
    (
        "told at once",
        _with_relance(after_hours=0),
        "jurisdiction.relance.after_hours: Input should be greater than or equal to 1",
    ),
]


@pytest.mark.parametrize(
    ("says", "line"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_a_fault_is_one_line_that_says_where(
    tmp_path: Path, says: dict[str, Any], line: str
) -> None:
    path = write(tmp_path / "town", says)
    with pytest.raises(UnusableCityFile) as refused:
        read_city_file(path)
    [said] = str(refused.value).splitlines()
    assert said.startswith(f"{path}: {line}")


def test_what_is_kept_is_what_reports_meet(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "town"
    load(session, write(folder))
    spot = Position(-33.95, 20.05)
    city = jurisdictions.find(session, "essai")
    met = setup.read(session, city.id, "hole", spot)
    assert (_calendar(met), met.category.target_hours_by_priority) == (None, {})
    assert (city.relance_before_hours, city.relance_after_hours) == (8, 8)

    says = _town(
        {"hours": OFFICE, "holidays": {"country": "ZA"}, "closed": ["2026-03-09"]},
        {"target_hours_by_priority": {"high": 2}},
    )
    says["jurisdiction"].update(time_zone="Africa/Johannesburg", relance={"before_hours": 3})
    assert load(session, write(folder, says)) == [
        "jurisdiction essai: calendar, relance_before_hours, time_zone changed",
        "category hole: target_hours_by_priority changed",
    ]
    # The deadlines of tickets that are there have to follow, which a worker does once.
    assert city.reckoned_to == 0
    city.reckoned_to = None
    assert load(session, write(folder, says)) == []
    assert city.reckoned_to is None
    met = setup.read(session, city.id, "hole", spot)
    assert met.category.target_hours_by_priority == {"high": 2}
    # Two Mondays: 2 March until 17:00 there, then 16 March, since the 9th is a day off of its own.
    begin, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 17, tzinfo=UTC)
    assert calendars.between(_calendar(met), begin, end).total_seconds() == 14 * 3600

    assert load(session, write(folder, _town())) == [
        "jurisdiction essai: calendar, relance_before_hours, time_zone changed",
        "category hole: target_hours_by_priority changed",
    ]
    assert _calendar(setup.read(session, city.id, "hole", spot)) is None


def test_a_team_has_the_calendar_that_the_file_gives_it(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "town"
    load(session, write(folder))
    city = jurisdictions.find(session, "essai")
    assert load(session, write(folder, _with_calendars())) == [
        "calendar late: added",
        "team desk: calendar_id changed",
        "category hole: target_hours changed",
    ]
    assert city.reckoned_to == 0
    city.reckoned_to = None
    # Six hours of Monday, 2 March, and two of the next.
    met = _calendar(setup.read(session, city.id, "hole", Position(-33.95, 20.05)))
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    assert calendars.add(met, begin, timedelta(hours=8)) == datetime(2026, 3, 9, 20, tzinfo=UTC)

    assert load(session, write(folder, _with_calendars(hours={"monday": ["16:00-24:00"]}))) == [
        "calendar late: calendar changed"
    ]
    assert city.reckoned_to == 0
    assert load(session, write(folder)) == [
        "calendar late: retired",
        "team desk: calendar_id changed",
        "category hole: target_hours changed",
    ]
    assert _calendar(setup.read(session, city.id, "hole", Position(-33.95, 20.05))) is None


def test_the_demo_city_has_a_calendar_with_the_holidays_of_its_country() -> None:
    calendar = read_city_file(DEMO).jurisdiction.calendar
    assert calendar is not None
    assert calendar.holidays is not None
    assert calendar.holidays.country == "FR"
