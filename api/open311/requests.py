"""Service requests: a city's public reports, as other systems poll them."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask import Response
from marshmallow import ValidationError

from api.declarations import raises
from api.fields import MAX_NEAR_M, MAX_WORDS, NOT_A_BOX, BoxField
from api.open311 import formats, parameters, told, windows
from api.open311.blueprint import V2, route
from api.open311.parameters import TOO_LONG, Parameters, refuse
from api.open311.told import DETAILED, Detailed, Telling
from api.open311.windows import MOST
from api.services import db
from city.categories import UnknownCategory
from city.models import Jurisdiction
from geo.coordinates import Box, ImpossiblePosition, Position
from infra.clock import now
from infra.words import mark
from reports.exchange import window
from reports.exchange.window import Standing, Wanted
from reports.filters import Filters, Near
from reports.resident.reading import UnknownReport
from reports.status import CLOSED, Status

_A_BOX = BoxField()
_NO_CIRCLE = mark("Expected lat and long in degrees, and a radius of at most 100,000 metres.")
_NO_STATUS = mark("Expected open or closed.")
_NO_DETAILED = mark("Expected RECEIVED, IN_PROCESS, PROCESSED, ARCHIVED or REJECTED.")
_BY_STATUS = {
    "open": frozenset(status for status in Status if status not in CLOSED),
    "closed": frozenset(CLOSED),
}
# What is resolved is told apart by how long ago that was.
_BY_AGE = {Detailed.PROCESSED: "closed_from", Detailed.ARCHIVED: "closed_before"}


@route(f"{V2}/requests")
@raises(UnknownCategory)
def list_requests() -> Response:
    """List a city's public reports, newest first: of 90 days, and at most 1,000."""
    given = parameters.of_query()
    city = parameters.jurisdiction(given)
    telling = _telling(given, city)
    references = given.many("service_request_id")
    if references:
        found = window.read_some(db(), city, references, telling.language, MOST)
    else:
        wanted = _wanted(given, city, telling.now)
        found = window.read(db(), city, wanted, telling.language)
    return formats.answer("service_requests", [telling.request(view) for view in found])


@route(f"{V2}/requests/<reference>")
@raises(UnknownReport)
def get_request(reference: str) -> Response:
    """Tell of one report."""
    given = parameters.of_query()
    city = parameters.jurisdiction(given)
    telling = _telling(given, city)
    found = window.read_some(db(), city, [reference], telling.language, 1)
    if not found:
        raise UnknownReport(reference)
    return formats.answer("service_requests", [telling.request(found[0])])


def _telling(given: Parameters, city: Jurisdiction) -> Telling:
    return Telling(city, parameters.language(given, city), given.flag("extensions"), now())


def _wanted(given: Parameters, city: Jurisdiction, at: datetime) -> Wanted:
    since, before = given.stretch("updated_after"), given.stretch("updated_before")
    words = given.one("q")
    if words is not None and len(words) > MAX_WORDS:
        refuse("q", TOO_LONG)
    begin, end = windows.window(given, at)
    # Who asks for what has changed lately gets old reports too.
    by_change = (since or before) and not (given.one("start_date") or given.one("end_date"))
    limit, offset = windows.page(given)
    return Wanted(
        Filters(
            category=given.many("service_code"),
            bbox=_box(given),
            near=_near(given),
            created_after=None if by_change else begin,
            created_before=end,
        ),
        standings=_standings(given, told.archived_before(city, at)),
        changed_from=since.begin if since else None,
        changed_before=before.end if before else None,
        words=words,
        limit=limit,
        offset=offset,
    )


def _standings(given: Parameters, archived_before: datetime) -> list[Standing] | None:
    """Return how far the work may be on what is wanted, one of these; None: however far it is."""
    plain = [value.lower() for value in given.many("status")]
    detailed = [value.upper() for value in given.many("detailed_status")]
    if any(value not in _BY_STATUS for value in plain):
        refuse("status", _NO_STATUS)
    if any(value not in set(Detailed) for value in detailed):
        refuse("detailed_status", _NO_DETAILED)
    if not plain and not detailed:
        return None
    allowed = {one for value in plain or _BY_STATUS for one in _BY_STATUS[value]}
    if not detailed:
        return [Standing(allowed)]
    return [
        Standing(allowed & {status for status, name in DETAILED.items() if name is wanted})
        for wanted in map(Detailed, detailed)
        if wanted not in _BY_AGE
    ] + [
        Standing(allowed & {Status.RESOLVED}, **{bound: archived_before})
        for wanted, bound in _BY_AGE.items()
        if wanted in detailed
    ]


def _near(given: Parameters) -> Near | None:
    """Return the circle of `radius` metres; without that, a place narrows nothing."""
    radius, latitude, longitude = map(given.number, ("radius", "lat", "long"))
    try:
        place = Position(latitude or 0, longitude or 0)
    except ImpossiblePosition:
        refuse("lat", _NO_CIRCLE)
    if radius is None:
        return None
    if latitude is None or longitude is None or not 0 <= radius <= MAX_NEAR_M:
        refuse("radius", _NO_CIRCLE)
    return Near(place, radius)


def _box(given: Parameters) -> Box | None:
    text = given.one("bbox")
    if text is None:
        return None
    try:
        return cast(Box, _A_BOX.deserialize(text))
    except ValidationError:
        refuse("bbox", NOT_A_BOX)
