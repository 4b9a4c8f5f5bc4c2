"""A city's working time: its calendar and relance, and what its teams have instead of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select

from city.administration import Administration, CodeTaken, UnfitPart, UnknownSetting
from city.calendar_format import CalendarPart, WorkingTimePart
from city.changes import Changes, assign
from city.models import Category, Jurisdiction, Team, TeamCalendar
from city.parts import CategoryPart, TeamCalendarPart, most_hours
from city.unfit import Unfit
from infra.words import mark

KIND = "calendar"
# What moves the deadlines of tickets that are there already.
_MOVING = frozenset({"calendar", "time_zone", "calendar_id"})

TOO_LONG = mark("takes more than five years of the calendar '{code}'")
TOO_SHORT = mark("leave the category '{code}' a target of more than five years")
MISSING = mark("Missing data for required field.")
CITYS_NAMES = mark("are the city's own, and are not changed here")
NO_RELANCE = mark("is the same for all calendars, and stands at the city's own")


class CityCalendar(Exception):
    """The calendar is the city's own, so it cannot be retired."""


class CalendarOfTeams(Exception):
    """A team in use has the calendar, so it cannot be retired."""


def values(part: WorkingTimePart) -> dict[str, Any]:
    """Return what the part says of a jurisdiction's row."""
    return {
        "calendar": part.calendar.model_dump(mode="json") if part.calendar else None,
        "relance_before_hours": part.relance.before_hours,
        "relance_after_hours": part.relance.after_hours,
    }


def team_values(part: TeamCalendarPart) -> dict[str, Any]:
    """Return what the part says of the row of a calendar for teams."""
    return {"names": part.names, "calendar": part.calendar.model_dump(mode="json")}


def city_of(office: Administration) -> Jurisdiction:
    """Return the administrator's own city, at which its calendar stands."""
    query = select(Jurisdiction).where(Jurisdiction.id == office.jurisdiction_id)
    return office.session.scalars(query.execution_options(populate_existing=True)).one()


def find(office: Administration, code: str) -> Jurisdiction | TeamCalendar:
    """Return the calendar of the code, which the city's has from the city, or raise UnknownSetting.

    Where the code is the city's own, the city itself is what has the calendar.
    """
    city = city_of(office)
    return city if city.code == code else office.find(TeamCalendar, code)


def for_teams(office: Administration) -> list[TeamCalendar]:
    """Return the calendars for teams, retired ones too."""
    query = select(TeamCalendar).where(TeamCalendar.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(TeamCalendar.code)))


def in_use(office: Administration, code: str) -> TeamCalendar | None:
    """Return the calendar for teams of the code, unless there is none or it is retired."""
    try:
        found = office.find(TeamCalendar, code)
    except UnknownSetting:
        return None
    return found if found.retired_at is None else None


def create(office: Administration, body: dict[str, Any]) -> TeamCalendar:
    """Add a calendar for teams, or raise UnfitPart or CodeTaken."""
    city = office.lock()
    part = office.read(TeamCalendarPart, body, city)
    if part.code == city.code:
        raise CodeTaken
    office.check_free(TeamCalendar, part.code)
    _check_every_target(office, part.calendar)
    row = TeamCalendar(jurisdiction_id=city.id, code=part.code, **team_values(part))
    office.add(KIND, row, part.code, team_values(part))
    return row


def change(
    office: Administration,
    row: Jurisdiction | TeamCalendar,
    body: dict[str, Any],
    *,
    retired: bool | None,
) -> None:
    """Make the calendar what the body says; open tickets' deadlines follow by and by.

    Raise UnfitPart, or CityCalendar or CalendarOfTeams where it is to be retired and cannot be.
    """
    if isinstance(row, Jurisdiction):
        _change_citys(office, body, retired=retired)
    else:
        _change_for_teams(office, row, body, retired=retired)


def _change_citys(office: Administration, body: dict[str, Any], *, retired: bool | None) -> None:
    city = office.lock()
    if retired:
        raise CityCalendar
    if body.pop("names", city.names) != city.names:
        raise UnfitPart((("names",), Unfit(CITYS_NAMES)))
    if body.get("relance") is None:
        raise UnfitPart((("relance",), Unfit(MISSING)))
    part = office.read(WorkingTimePart, body, city)
    _check_every_target(office, part.calendar)
    changes = assign(city, values(part))
    have_followed(city, changes)
    office.note_change(KIND, city.code, changes)


def _change_for_teams(
    office: Administration, row: TeamCalendar, body: dict[str, Any], *, retired: bool | None
) -> None:
    city = office.lock()
    if body.pop("relance", None) is not None:
        raise UnfitPart((("relance",), Unfit(NO_RELANCE)))
    missing = [name for name in ("names", "calendar") if body.get(name) is None]
    if missing:
        raise UnfitPart(*(((name,), Unfit(MISSING)) for name in missing))
    part = office.read(TeamCalendarPart, {**body, "code": row.code}, city)
    used = exists().where(Team.calendar_id == row.id, Team.retired_at.is_(None))
    if retired and office.session.scalar(select(used)):
        raise CalendarOfTeams
    _check_every_target(office, part.calendar)
    wanted = {**team_values(part), "retired_at": office.retirement(row, retired=retired)}
    changes = assign(row, wanted)
    have_followed(city, changes)
    office.note_change(KIND, row.code, changes)


def have_followed(city: Jurisdiction, changes: Changes) -> None:
    """Have the deadlines of the city's open tickets follow, where the changes move them."""
    if _MOVING & changes.keys():
        city.reckoned_to = 0


def check_targets(office: Administration, city: Jurisdiction, part: CategoryPart) -> None:
    """Raise UnfitPart for a target that no day of one of the city's calendars would ever see."""
    said = {city.code: city.calendar} | {row.code: row.calendar for row in for_teams(office)}
    for code, document in said.items():
        most = most_hours(CalendarPart.model_validate(document) if document else None)
        unfit = Unfit(TOO_LONG, code=code)
        if (part.target_hours or 0) > most:
            raise UnfitPart((("target_hours",), unfit))
        for priority, hours in part.target_hours_by_priority.items():
            if hours > most:
                raise UnfitPart((("target_hours_by_priority", priority.value), unfit))


def _check_every_target(office: Administration, calendar: CalendarPart | None) -> None:
    """Raise UnfitPart for a calendar under which a category, retired or not, takes too long."""
    most = most_hours(calendar)
    query = select(Category).where(Category.jurisdiction_id == office.jurisdiction_id)
    for category in office.session.scalars(query.order_by(Category.code)):
        targets = (category.target_hours or 0, *category.target_hours_by_priority.values())
        if max(targets) > most:
            raise UnfitPart((("calendar", "hours"), Unfit(TOO_SHORT, code=category.code)))
