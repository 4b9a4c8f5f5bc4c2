"""Pages for people: a report as mails link to it, readable without JavaScript."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from api.callers import anyone, token_reference
from api.errors import PHOTO_REASONS
from api.services import db, locale, public_url, services
from city.models import Jurisdiction
from infra.words import Reader, mark, say, say_moment
from reports import conversation, decisions, history, reading, tracking
from reports.display import isolate
from reports.models import Report
from reports.reading import HiddenReport, UnknownReport

blueprint = Blueprint("pages", "api.views.pages", template_folder="../templates")

_POLICY = (
    "default-src 'none'; img-src {origin} data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action {forms}"
)

WORDS = {
    "history": mark("What happened so far"),
    "why": mark("Why it went to this team"),
    "team": mark("Team"),
    "district": mark("District"),
    "place": mark("Place"),
    "due": mark("Due by"),
    "reported": mark("Reported on"),
    "supports": mark("Others who reported the same"),
    "description": mark("What was reported"),
    "answer": mark("The city's message"),
    "messages": mark("Messages"),
    "photo": mark("Photo of the report"),
    "photo_pending": mark("This photo is being prepared."),
    "map": mark("See the place on a map"),
    "resident": mark("Resident"),
    "city": mark("City"),
    "gone": mark("There is no such report, or it is not public."),
    "hidden": mark("This report is no longer shown."),
    "home_title": mark("Tell your city"),
    "home_text": mark("Report a problem, suggest an idea or pay a compliment to your city."),
    "password_title": mark("Choose your password"),
    "password_label": mark("New password, of at least {least} characters"),
    "password_save": mark("Save"),
    "password_done": mark("Your password is set. You can log in with it now."),
    "home_docs": mark("Documentation of the API"),
}


@blueprint.route("/")
@anyone
def home() -> Response:
    """Say what this is and where to go on."""
    return page("home.html")


@blueprint.route("/r/<reference>")
@anyone
def reportpage(reference: str) -> Response:
    """Show a report; what is not public opens with `?token=`, or with the token as elsewhere."""
    token = request.args.get("token")
    secret_key = services().settings.secret_key
    holder = tracking.read(secret_key, token) if token else token_reference()
    try:
        report = reading.find(db(), reference, holder=holder)
    except UnknownReport:
        return page("gone.html", 404, text="gone")
    except HiddenReport:
        return page("gone.html", 410, text="hidden")
    return page("report.html", **_told(report, mine=reading.opens(report, holder)))


def _told(report: Report, *, mine: bool) -> dict[str, Any]:
    language = locale()
    session = db()
    ticket = reading.current_ticket(session, report)
    jurisdiction = session.get_one(Jurisdiction, report.jurisdiction_id)
    return {
        "report": reading.view(session, report, language),
        "city": Reader(language, jurisdiction.locales).name(jurisdiction.names),
        "time_zone": jurisdiction.time_zone,
        "events": history.read(session, ticket.id, language, public_only=True),
        "decision": decisions.read(session, ticket.id, language),
        "messages": conversation.messages_of(session, report.id, ticket.id) if mine else [],
        "public": reading.is_public(session, report),
        "photo_reasons": PHOTO_REASONS,
        "url": public_url(f"/r/{report.reference}"),
    }


def page(template: str, status: int = 200, *, form: bool = False, **values: Any) -> Response:
    """Return the page that the template makes of the values, in the caller's language."""
    language = locale()

    def word(name: str, **places: object) -> str:
        return say(language, WORDS[name], **places)

    def moment(at: Any) -> str:
        return say_moment(language, at, values.get("time_zone", "UTC"))

    content = render_template(
        template,
        language=language,
        word=word,
        moment=moment,
        isolate=isolate,
        speak=lambda message: say(language, message),
        base=public_url("/api/v1"),
        **values,
    )
    answer = make_response(content, status)
    answer.headers["Content-Security-Policy"] = _POLICY.format(
        origin=public_url(""), forms="'self'" if form else "'none'"
    )
    answer.headers["Content-Language"] = language
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.add("Accept-Language")
    return answer
