"""Reports: sending one, following it, writing to the city about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import UnprocessableEntity

from api import clients, cursors, documents, headers, repeats, told
from api.blueprint import resource
from api.bodies import BadInput, document
from api.callers import (
    NotAuthenticated,
    NotForCaller,
    anyone,
    current_staff,
    holds,
    of_report,
    reporter,
    token_reference,
)
from api.declarations import raises, reads
from api.documents import GEOJSON
from api.precedence import names_jurisdiction
from api.problems import Fault
from api.schemas.common import filters_from
from api.schemas.decisions import DecisionSchema
from api.schemas.reports import (
    EventsSchema,
    FeaturesSchema,
    MessageSchema,
    NewMessageSchema,
    NewReportSchema,
    ReadReportSchema,
    ReporterViewSchema,
    ReportsQuerySchema,
    ReportsSchema,
    TakenReportSchema,
)
from api.services import commit, db, db_without_transaction, locale
from api.tokens import bearer
from city.access import Act
from city.categories import BadAnswers, KindNotOffered, UnknownCategory
from city.jurisdictions import JurisdictionRequired, OutOfArea
from city.models import Channel
from infra.clock import now
from infra.words import mark, say
from reports import chronicle, decisions, idempotency, intake
from reports.decisions import Decision, NoFallbackTeam
from reports.idempotency import IdempotencyKey, Key
from reports.intake import NewReport, OutsideOwnCity, Recorder, UnknownSameAs
from reports.models import Message, Report
from reports.resident import conversation, reading, reporters
from reports.status import TransitionRefused

blueprint = resource("reports", "What residents send and how they follow it.")

# How `intake.submit` may end.
OF_INTAKE = (
    BadAnswers,
    KindNotOffered,
    NoFallbackTeam,
    OutOfArea,
    OutsideOwnCity,
    UnknownCategory,
    UnknownSameAs,
)
STAFF_ONLY = mark("Only the city's staff may say this.")

EXAMPLE_REPORT = {
    "kind": "problem",
    "category": "nid-de-poule",
    "description": "Un trou profond devant le numéro 12, un vélo y est tombé.",
    "location": {"latitude": 48.8205, "longitude": 2.2412, "accuracy_m": 8},
    "contact": {"email": "camille@example.org"},
    "locale": "fr",
}


def _but_some_staff(view: Callable[..., Any]) -> Callable[..., Any]:
    """Turn away staff whose role takes in no reports, and who say what staff alone may say.

    Neither does a key that is unknown or retired take in any. All goes before what is wrong with
    the report.
    """

    @raises(NotAuthenticated, NotForCaller)
    @wraps(view)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        staff, client = current_staff(), clients.current()
        if staff is not None and staff.reach(Act.TAKE_IN_REPORTS) is None:
            raise NotForCaller
        if client is None and clients.seems_to_be_one():
            raise NotAuthenticated
        try:
            return view(*arguments, **named)
        except (BadInput, UnprocessableEntity):
            if staff is None and client is None and _seems_to_be_staff(document()):
                raise NotAuthenticated from None
            raise

    return wrapper


@blueprint.route("/reports", methods=["POST"])
@anyone
@_but_some_staff
@raises(*OF_INTAKE)
@reads(repeats.HEADER, repeats.SHAPE)
@blueprint.arguments(NewReportSchema, example=EXAMPLE_REPORT)
@blueprint.response(201, TakenReportSchema, headers=headers.named("Location"))
def send_report(new: NewReport) -> Response:
    """Send a report.

    The answer carries the tracking token, which alone opens the reporter's own view.

    A client with a key (`vk_…`) hands in reports of its own city, as many a minute as the key
    allows wherever they come from; they have the key's `channel` and may have an `external_ref`.

    With an `Idempotency-Key`, the same request gets the first answer again for 14 days: the same
    report, token and `Location`, and everything else as it was then and in that language, but for
    what the reporter has had forgotten since, such as `contact`. How things are now is what
    `GET /reports/{reference}` tells.
    """
    new = _recorded(new)
    key = repeats.given_key()
    earlier = repeats.recall(key)
    report, answer = _take_in(new, key) if earlier is None else _take_again(earlier)
    commit()
    answer.status_code = 201
    answer.headers["Location"] = f"{request.path}/{report.reference}"
    return answer


@blueprint.route("/reports", methods=["GET"])
@anyone
@names_jurisdiction()
@raises(JurisdictionRequired)
@blueprint.arguments(ReportsQuerySchema, location="query")
@blueprint.doc(responses={"200": {"content": {GEOJSON: {"schema": FeaturesSchema}}}})
@blueprint.response(200, ReportsSchema)
def list_reports(query: dict[str, Any]) -> Response:
    """List public reports, newest first.

    `Accept: application/geo+json` answers with a FeatureCollection.
    """
    page = reading.page(
        db_without_transaction(),
        query["jurisdiction"],
        filters_from(query),
        query.get("q"),
        query["limit"],
        query["cursor"],
        locale(),
    )
    following = cursors.next_url(page.next)
    if _wants_geojson():
        features = [documents.feature(item) for item in page.items]
        collection = {"type": "FeatureCollection", "features": features, "next": following}
        answer = documents.answer(collection, GEOJSON)
    else:
        items = [documents.report(item) for item in page.items]
        answer = documents.answer({"items": items, "next": following})
    answer.vary.add("Accept")
    return answer


@blueprint.route("/reports/<reference>")
@of_report
@blueprint.response(200, ReadReportSchema)
def get_report(report: Report) -> Any:
    """Read a report; with its tracking token, as its reporter."""
    if holds(report):
        return documents.answer(told.reporter_view(reporters.view(db(), report, locale(), now())))
    return documents.answer(documents.report(reading.view(db(), report, locale())))


@blueprint.route("/reports/<reference>/events")
@of_report
@blueprint.response(200, EventsSchema)
def list_events(report: Report) -> dict[str, Any]:
    """Read what happened to a report so far, in words."""
    return {"items": chronicle.of_report(db(), report.id, locale())}


@blueprint.route("/reports/<reference>/decision")
@of_report
@blueprint.response(200, DecisionSchema)
def get_decision(report: Report) -> Decision:
    """Read why a report went to its team."""
    ticket = reading.current_ticket(db(), report)
    return decisions.read(db(), ticket.id, locale())


@blueprint.route("/reports/<reference>/messages", methods=["POST"])
@reporter
@reads(repeats.HEADER, repeats.SHAPE)
@blueprint.arguments(NewMessageSchema, example={"text": "Le trou s'agrandit."})
@blueprint.response(201, MessageSchema)
def write_message(body: dict[str, Any], report: Report) -> Message:
    """Write to the team about one's report.

    With an `Idempotency-Key`, the same request gets the first answer again for 14 days.
    """
    key = repeats.given_key()
    earlier = repeats.recall(key)
    if earlier is not None:
        return db().get_one(Message, earlier.message_id)
    message = conversation.write_message(db(), report, body["text"], now())
    if key is not None:
        idempotency.remember(db(), key, report.jurisdiction_id, now(), message_id=message.id)
    commit()
    return message


@blueprint.route("/reports/<reference>/withdraw", methods=["POST"])
@reporter
@raises(TransitionRefused)
@blueprint.response(200, ReporterViewSchema)
def withdraw(report: Report) -> Response:
    """Withdraw one's report; a second time changes nothing."""
    conversation.withdraw(db(), report, now())
    commit()
    return documents.answer(told.reporter_view(reporters.view(db(), report, locale(), now())))


@blueprint.route("/reports/<reference>/contact", methods=["DELETE"])
@reporter
@blueprint.response(204)
def remove_contact(report: Report) -> None:
    """Have one's contact details forgotten."""
    conversation.remove_contact(db(), report, now())
    commit()


def _take_in(new: NewReport, key: Key | None) -> tuple[Report, Response]:
    taken = intake.submit(db(), new, now())
    report = taken.report
    first = told.reporter_view(
        reporters.view_of_taken(db(), taken, locale(), now()), with_token=True
    )
    if key is not None:
        idempotency.remember(
            db(),
            key,
            report.jurisdiction_id,
            now(),
            report_id=report.id,
            answer=repeats.worth_keeping(first),
        )
    return report, documents.answer(first)


def _take_again(earlier: IdempotencyKey) -> tuple[Report, Response]:
    report = db().get_one(Report, earlier.report_id)
    present = told.reporter_view(reporters.view(db(), report, locale(), now()), with_token=True)
    return report, repeats.again(earlier, present)


def _wants_geojson() -> bool:
    """Tell whether the caller prefers GeoJSON to JSON; neither of them has any parameters."""
    wanted = request.accept_mimetypes
    bare = MIMEAccept([(kind.partition(";")[0].rstrip(), weight) for kind, weight in wanted])
    return bare.best_match(["application/json", GEOJSON]) == GEOJSON


def _seems_to_be_staff(report: Any) -> bool:
    """Tell whether a session has run out, more likely than that a resident knows of channels."""
    if bearer() is None or token_reference() is not None or not isinstance(report, dict):
        return False
    return bool(report.get("external_ref")) or report.get("channel") not in (None, Channel.APP)


def _recorded(new: NewReport) -> NewReport:
    """Return the report with the member of staff or the client who hands it in, if one does."""
    client = clients.current()
    if client is not None:
        return clients.hand_in(new, client)
    staff = current_staff()
    if staff is None:
        given = {"channel": new.channel is not Channel.APP, "external_ref": new.external_ref}
        faults = [
            Fault(say(locale(), STAFF_ONLY), pointer=f"/{name}")
            for name, value in given.items()
            if value
        ]
        if faults:
            raise BadInput(*faults)
        return new
    channel = Channel.PHONE if new.channel is Channel.APP else new.channel
    return replace(
        new, channel=channel, recorder=Recorder(staff.jurisdiction_id, person_id=staff.person_id)
    )
