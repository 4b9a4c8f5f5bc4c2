"""The calendars of a city and its teams, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.calendars import CalendarsSchema, NewCalendarSchema, WorkingTimeSchema
from api.services import commit
from city import working_time
from city.access import Act
from city.administration import Administration, CodeTaken, UnfitPart
from city.models import Jurisdiction, TeamCalendar
from city.staff import Staff
from city.working_time import CalendarOfTeams, CityCalendar

blueprint = resource("calendars", "The calendars of a city and its teams, for administrators.")

EXAMPLE = {
    "calendar": {
        "hours": {"monday": ["08:30-12:00", "13:30-17:30"], "tuesday": ["08:30-12:00"]},
        "holidays": {"country": "FR"},
        "closed": ["2026-05-15"],
        "open": {"2027-03-20": ["09:00-12:00"]},
    },
    "relance": {"before_hours": 8, "after_hours": 8},
}
NEW_EXAMPLE = {
    "code": "samedi",
    "names": {"fr": "Avec le samedi"},
    "calendar": {"hours": {"friday": ["07:00-12:00"], "saturday": ["07:00-12:00"]}},
}


@blueprint.route("/admin/calendars")
@staff(Act.SET_UP)
@blueprint.response(200, CalendarsSchema)
def list_calendars(staff: Staff) -> Response:
    """List the calendars: the city's own, known by the city's code, and those for teams."""
    office = offices.of(staff)
    city, others = working_time.city_of(office), working_time.for_teams(office)
    return offices.listed([_told(city, city), *(_told(city, row) for row in others)])


@blueprint.route("/admin/calendars", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(NewCalendarSchema, example=NEW_EXAMPLE)
@blueprint.response(201, WorkingTimeSchema)
def add_calendar(body: dict[str, Any], staff: Staff) -> Response:
    """Add a calendar, which teams may have instead of the city's; a code once used stays taken."""
    office = offices.of(staff)
    row = working_time.create(office, body)
    commit()
    return offices.answer(_told(working_time.city_of(office), row), row, 201)


@blueprint.route("/admin/calendars/<key>")
@staff(Act.SET_UP)
@offices.found(working_time.find)
@blueprint.response(200, WorkingTimeSchema)
def get_calendar(row: Jurisdiction | TeamCalendar, office: Administration) -> Response:
    """Read when the city, or a team, is at work; and when the city is told of deadlines."""
    return offices.answer(_told(working_time.city_of(office), row), row)


@blueprint.route("/admin/calendars/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(working_time.find)
@offices.unchanged
@raises(UnfitPart, CityCalendar, CalendarOfTeams)
@blueprint.arguments(WorkingTimeSchema, example=EXAMPLE)
@blueprint.response(200, WorkingTimeSchema)
def change_calendar(
    body: dict[str, Any], row: Jurisdiction | TeamCalendar, office: Administration
) -> Response:
    """Say anew when the city, or a team, is at work.

    With `calendar` null in the city's own every hour is a working hour; it cannot be `retired`,
    and another one not while a team in use has it. The deadlines of open tickets follow within
    minutes, save those that a dispatcher has set; `following` tells while some have yet to.
    """
    offices.keep_code(body, row.code)
    working_time.change(office, row, body, retired=body.pop("retired"))
    commit()
    return offices.answer(_told(working_time.city_of(office), row), row)


def _told(city: Jurisdiction, row: Jurisdiction | TeamCalendar) -> dict[str, Any]:
    relance = {"before_hours": city.relance_before_hours, "after_hours": city.relance_after_hours}
    return {
        "code": row.code,
        "names": row.names,
        "time_zone": city.time_zone,
        "calendar": row.calendar,
        "relance": relance if row is city else None,
        "following": city.reckoned_to is not None,
        "retired": isinstance(row, TeamCalendar) and row.retired_at is not None,
        "etag": offices.etag(row),
    }
