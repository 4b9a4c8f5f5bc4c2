"""Updates, in both directions: what became of reports here, and what other systems say of them."""

from __future__ import annotations

from flask import Response

from api import clients
from api.bodies import (
    BadInput,
    BodyTooLarge,
    FormTooLarge,
    MalformedBody,
    UnsupportedBody,
    reads_up_to,
)
from api.callers import NotAuthenticated
from api.declarations import raises
from api.fields import MAX_LINE, MAX_TEXT
from api.forms import MULTIPART_ROOM
from api.open311 import formats, parameters, windows
from api.open311.blueprint import V2, route
from api.open311.parameters import TOO_LONG, Parameters, lines, refuse
from api.open311.told import photo_url
from api.services import commit, db
from city import keys
from infra.clock import now
from infra.words import mark, say
from reports.exchange import news, updates
from reports.exchange.news import News, Wanted
from reports.exchange.updates import NotYourReport, Update, UpdateReused
from reports.history import WITHDRAWN, EventKind
from reports.references import well_formed
from reports.resident.reading import UnknownReport
from reports.status import CLOSED, Status
from reports.work import ReportAnonymised

NEEDED = mark("This is needed.")
NO_STATUS = mark("Expected one of the statuses of this extension, such as IN_PROGRESS.")
TEXT_TOO_LONG = mark("Expected at most 4,000 characters.")

# As what another system's status is taken; None tells nothing of where the work stands.
_TAKEN = {
    "OPEN": Status.REOPENED,
    "REOPEN": Status.REOPENED,
    "INVESTIGATING": Status.ACCEPTED,
    "ACTION_SCHEDULED": Status.ACCEPTED,
    "PLANNED": Status.ACCEPTED,
    "IN_PROGRESS": Status.IN_PROGRESS,
    "CLOSED": Status.RESOLVED,
    "FIXED": Status.RESOLVED,
    "DUPLICATE": Status.DECLINED,
    "NO_FURTHER_ACTION": Status.DECLINED,
    "NOT_COUNCILS_RESPONSIBILITY": Status.DECLINED,
    "CANCELLED": Status.DECLINED,
    "INTERNAL_REFERRAL": None,
    "FOR_TRIAGE": None,
}
_UNLESS_TOLD = {
    "DUPLICATE": mark("This was reported before."),
    "NOT_COUNCILS_RESPONSIBILITY": mark("This is not for the city to deal with."),
    "CANCELLED": mark("This was cancelled."),
}
_NOTHING_MORE = mark("The city will do nothing more about this.")
_TOLD = {
    Status.RECEIVED: "OPEN",
    Status.ACCEPTED: "INVESTIGATING",
    Status.IN_PROGRESS: "IN_PROGRESS",
    Status.WAITING: "INVESTIGATING",
    Status.RESOLVED: "FIXED",
    Status.DECLINED: "NO_FURTHER_ACTION",
    Status.REOPENED: "REOPEN",
}


@route(f"{V2}/servicerequestupdates")
def list_updates() -> Response:
    """List what became of a city's public reports, the oldest first: of 90 days, at most 1,000."""
    given = parameters.of_query()
    city = parameters.jurisdiction(given)
    begin, end = windows.window(given, now())
    limit, offset = windows.page(given)
    references = given.many("service_request_id")
    wanted = Wanted(begin, end, well_formed(references) if references else None, limit, offset)
    found = news.read(db(), city, wanted, parameters.language(given, city))
    return formats.answer("service_request_updates", [_told(one) for one in found])


@route(f"{V2}/servicerequestupdates", "POST")
@reads_up_to(clients.MOST_BYTES + MULTIPART_ROOM)
@raises(
    *(NotAuthenticated, BadInput, BodyTooLarge, FormTooLarge, MalformedBody, UnsupportedBody),
    *(UnknownReport, NotYourReport, UpdateReused, ReportAnonymised),
)
def take_update() -> Response:
    """Take in what another system says of a report; the same update again changes nothing."""
    given = Parameters(clients.form().texts)
    client = clients.current()
    if client is None:
        raise NotAuthenticated
    city = parameters.jurisdiction(parameters.with_query(given))
    if client.jurisdiction_id != city.id:
        raise NotAuthenticated
    update = _read(given, city.locales[0])
    kept = updates.take_in(db(), client, update, now())
    keys.note_use(db(), client, now())
    told = {"update_id": news.id_of(db(), kept)}
    commit()
    return formats.answer("service_request_updates", [told])


def _read(given: Parameters, locale: str) -> Update:
    name, reference = _needed(given, "update_id"), _needed(given, "service_request_id")
    if len(name) > MAX_LINE:
        refuse("update_id", TOO_LONG)
    at = given.stretch("updated_datetime")
    if at is None:
        refuse("updated_datetime", NEEDED)
    status = _needed(given, "status").upper()
    if status not in _TAKEN:
        refuse("status", NO_STATUS)
    text = given.one("description")
    if text is not None and len(text) > MAX_TEXT:
        refuse("description", TEXT_TOO_LONG)
    unless_told = say(locale, _UNLESS_TOLD.get(status, _NOTHING_MORE))
    said = text and lines(text)
    withdrawn = status == "CANCELLED"
    return Update(name, reference, at.begin, _TAKEN[status], said, unless_told, withdrawn)


def _needed(given: Parameters, name: str) -> str:
    value = given.one(name)
    if value is None:
        refuse(name, NEEDED)
    return value


def _told(one: News) -> dict[str, str | None]:
    return {
        "update_id": one.id,
        "service_request_id": one.reference,
        "status": _status(one),
        "updated_datetime": formats.moment(one.at),
        "description": one.text,
        "media_url": photo_url(one.photo) if one.photo else None,
    }


def _status(one: News) -> str:
    if one.code == WITHDRAWN:
        return "CANCELLED"
    if one.kind is EventKind.PLANNED and one.status not in CLOSED:
        return "ACTION_SCHEDULED"
    return _TOLD[one.status]
