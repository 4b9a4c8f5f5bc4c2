"""A city's working time: its calendar and relance, as its administrators set it up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from city.administration import Administration, UnfitPart, UnknownSetting
from city.calendar_format import CalendarPart, WorkingTimePart
from city.changes import Changes, assign
from city.models import Category, Jurisdiction
from city.parts import CategoryPart, Unfit, most_hours
from infra.words import mark

KIND = "calendar"
# What moves the deadlines of tickets that are there already.
_MOVING = frozenset({"calendar", "time_zone"})

TOO_LONG = mark("takes more than five years of the city's calendar")
TOO_SHORT = mark("leave the category '{code}' a target of more than five years")


def values(part: WorkingTimePart) -> dict[str, Any]:
    """Return what the part says of a jurisdiction's row."""
    return {
        "calendar": part.calendar.model_dump(mode="json") if part.calendar else None,
        "relance_before_hours": part.relance.before_hours,
        "relance_after_hours": part.relance.after_hours,
    }


def find(office: Administration, code: str) -> Jurisdiction:
    """Return the city of the calendar, which has the city's code, or raise UnknownSetting."""
    query = select(Jurisdiction).where(
        Jurisdiction.id == office.jurisdiction_id, Jurisdiction.code == code
    )
    city = office.session.scalar(query.execution_options(populate_existing=True))
    if city is None:
        raise UnknownSetting
    return city


def of(office: Administration) -> Jurisdiction:
    """Return the administrator's own city."""
    return office.session.get_one(Jurisdiction, office.jurisdiction_id)


def change(office: Administration, body: dict[str, Any]) -> Jurisdiction:
    """Make the city's working time what the body says, or raise UnfitPart.

    Open tickets' deadlines follow by and by.
    """
    city = office.lock()
    part = office.read(WorkingTimePart, body, city)
    _check_every_target(office, part.calendar)
    changes = assign(city, values(part))
    have_followed(city, changes)
    office.note_change(KIND, city.code, changes)
    return city


def have_followed(city: Jurisdiction, changes: Changes) -> None:
    """Have the deadlines of the city's open tickets follow, where the changes move them."""
    if _MOVING & changes.keys():
        city.reckoned_to = 0


def check_targets(city: Jurisdiction, part: CategoryPart) -> None:
    """Raise UnfitPart for a target that no day of the city's calendar would ever see."""
    said = city.calendar
    most = most_hours(CalendarPart.model_validate(said) if said else None)
    if (part.target_hours or 0) > most:
        raise UnfitPart((("target_hours",), Unfit(TOO_LONG)))
    for priority, hours in part.target_hours_by_priority.items():
        if hours > most:
            raise UnfitPart((("target_hours_by_priority", priority.value), Unfit(TOO_LONG)))


def _check_every_target(office: Administration, calendar: CalendarPart | None) -> None:
    """Raise UnfitPart for a calendar under which a category, retired or not, takes too long."""
    most = most_hours(calendar)
    query = select(Category).where(Category.jurisdiction_id == office.jurisdiction_id)
    for category in office.session.scalars(query.order_by(Category.code)):
        targets = (category.target_hours or 0, *category.target_hours_by_priority.values())
        if max(targets) > most:
            raise UnfitPart((("calendar", "hours"), Unfit(TOO_SHORT, code=category.code)))
