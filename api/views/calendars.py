"""The city's working time, for its administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.calendars import CalendarsSchema, WorkingTimeSchema
from api.services import commit
from city import working_time
from city.access import Act
from city.administration import Administration, UnfitPart
from city.models import Jurisdiction
from city.staff import Staff

blueprint = resource("calendars", "The city's working time, for its administrators.")

EXAMPLE = {
    "calendar": {
        "hours": {"monday": ["08:30-12:00", "13:30-17:30"], "tuesday": ["08:30-12:00"]},
        "holidays": {"country": "FR"},
        "closed": ["2026-05-15"],
        "open": {"2027-03-20": ["09:00-12:00"]},
    },
    "relance": {"before_hours": 8, "after_hours": 8},
}


@blueprint.route("/admin/calendars")
@staff(Act.SET_UP)
@blueprint.response(200, CalendarsSchema)
def list_calendars(staff: Staff) -> Response:
    """List the calendars: a city has one, known by the city's own code."""
    return offices.listed([_told(working_time.of(offices.of(staff)))])


@blueprint.route("/admin/calendars/<key>")
@staff(Act.SET_UP)
@offices.found(working_time.find)
@blueprint.response(200, WorkingTimeSchema)
def get_calendar(row: Jurisdiction, **_office: Any) -> Response:
    """Read when the city is at work, and when it is told of deadlines."""
    return offices.answer(_told(row), row)


@blueprint.route("/admin/calendars/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(working_time.find)
@offices.unchanged
@raises(UnfitPart)
@blueprint.arguments(WorkingTimeSchema, example=EXAMPLE)
@blueprint.response(200, WorkingTimeSchema)
def change_calendar(body: dict[str, Any], row: Jurisdiction, office: Administration) -> Response:
    """Say anew when the city is at work; with `calendar` null every hour is a working hour.

    The deadlines of open tickets follow within minutes, save those that a dispatcher has set;
    `following` tells while some have yet to.
    """
    offices.keep_code(body, row.code)
    city = working_time.change(office, body)
    commit()
    return offices.answer(_told(city), city)


def _told(city: Jurisdiction) -> dict[str, Any]:
    return {
        "code": city.code,
        "time_zone": city.time_zone,
        "calendar": city.calendar,
        "relance": {
            "before_hours": city.relance_before_hours,
            "after_hours": city.relance_after_hours,
        },
        "following": city.reckoned_to is not None,
        "etag": offices.etag(city),
    }
