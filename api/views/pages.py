"""Pages for people: a report as mails link to it, readable without JavaScript."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request

from api.bodies import is_storable
from api.callers import anyone, token_reference
from api.errors import PHOTO_REASONS
from api.feedback_errors import TOO_LATE, page_to_report_again
from api.fields import none_where_blank
from api.schemas.feedback import NewFeedbackSchema
from api.schemas.reports import NewMessageSchema
from api.services import commit, db, locale, public_url, roll_back, services
from city.models import Jurisdiction
from infra.clock import now
from infra.words import Reader, mark, say
from reports import chronicle, closings, decisions, gallery, subscriptions, tracking, wording
from reports.desk import questions
from reports.display import isolate
from reports.mail.asking import CHOICES, CHOICES_OF_DECLINED, NO, YES
from reports.models import Report, Ticket
from reports.resident import conversation, feedback, reading, subscribing
from reports.resident.feedback import FeedbackTooLate, NothingToAnswer
from reports.resident.reading import HiddenReport, UnknownReport

blueprint = Blueprint("pages", "api.views.pages", template_folder="../templates")

_POLICY = (
    "default-src 'none'; img-src {origin} data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action {forms}"
)
MESSAGE = NewMessageSchema()
FEEDBACK = NewFeedbackSchema()
_BAD_MESSAGE = mark("Please write something, of at most 4,000 characters.")

WORDS = {
    "history": mark("What happened so far"),
    "why": mark("Why it went to this team"),
    "team": mark("Team"),
    "district": mark("District"),
    "place": mark("Place"),
    "due": mark("Due by"),
    "planned": mark("Planned for"),
    "reported": mark("Reported on"),
    "supports": mark("Others who reported the same"),
    "description": mark("What was reported"),
    "answer": mark("The city's message"),
    "messages": mark("Messages"),
    "photo": mark("Photo of the report"),
    "photo_before": mark("Photo of the spot before the work"),
    "photo_after": mark("Photo of the spot after the work"),
    "photo_pending": mark("This photo is being prepared."),
    "map": mark("See the place on a map"),
    "write": mark("Write to the city"),
    "reply": mark("Answer the city's question"),
    "send": mark("Send"),
    "solved": mark("Is it solved for you?"),
    YES: CHOICES[YES],
    NO: CHOICES[NO],
    "agreed": mark("Do you agree with that?"),
    "agree_yes": CHOICES_OF_DECLINED[YES],
    "agree_no": CHOICES_OF_DECLINED[NO],
    "agree_more_of_yes": mark("Do you want to add something? You need not."),
    "agree_more_of_no": mark("Why not? The team will read it and look at it again."),
    "agree_said_yes": mark("You said that you agree. Thank you."),
    "agree_said_no": mark("You said that you do not agree. The team has your words."),
    "more_of_yes": mark("Do you want to add something? You need not."),
    "more_of_no": mark("What is still wrong? The team will read it and look at it again."),
    "said_yes": mark("You said that it is solved. Thank you."),
    "said_no": mark("You said that it is not solved. The team has your words."),
    "too_late": TOO_LATE,
    "again": mark("Report it anew"),
    "photo_add": mark("Add a photo"),
    "resident": mark("Resident"),
    "city": mark("City"),
    "gone": mark("There is no such report, or it is not public."),
    "hidden": mark("This report is no longer shown."),
    "subscribe": mark("Do you want the news of this report by mail?"),
    "subscribe_yes": mark("Yes, send me the news"),
    "subscribed": mark("You will get a mail at each step. Each of them lets you end that."),
    "unsubscribed": mark("You will get no more mails about this report."),
    "no_subscription": mark("This link is no longer of use."),
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


@blueprint.route("/r/<reference>", methods=["GET", "POST"])
@anyone
def report_page(reference: str) -> Response:
    """Show a report; what is not public opens with `?token=`, or with the token as elsewhere.

    The reporter can write to the city here: a form brings `token` and `text`, and `solved` where it
    says whether it is. The links of mails only open that form, since programs follow them too.
    """
    token = request.values.get("token")
    secret_key = services().settings.secret_key
    holder = tracking.read(secret_key, token) if token else token_reference()
    try:
        report = reading.find(db(), reference, holder=holder)
    except UnknownReport:
        return page("gone.html", 404, text="gone")
    except HiddenReport:
        return page("gone.html", 410, text="hidden")
    mine = reading.opens(report, holder)
    if request.method == "POST":
        if not mine or not token:
            return page("gone.html", 404, text="gone")
        if request.form.get("solved") in CHOICES:
            return _take_feedback(report, token, satisfied=request.form["solved"] == YES)
        return _take_message(report, token)
    return show_report(report, token if mine else None, mine=mine)


@blueprint.route("/s/<token>", methods=["GET", "POST"])
@anyone
def subscription_page(token: str) -> Response:
    """Ask whether the news is wanted, since programs follow links in mails too; then say so."""
    found = subscriptions.find(db(), services().settings.secret_key, token)
    if found is None:
        return page("subscription.html", 404, text="no_subscription")
    if request.method == "GET" and found.confirmed_at is None:
        return page("subscription.html", form=True, text="subscribe", button="subscribe_yes")
    subscribing.confirm(found, now())
    commit()
    return page("subscription.html", text="subscribed")


@blueprint.route("/s/<token>/end", methods=["GET", "POST"])
@anyone
def subscription_end_page(token: str) -> Response:
    """End a subscription at once: each of its mails has a link to here, and a header to post to."""
    found = subscriptions.find(db(), services().settings.secret_key, token)
    if found is not None:
        subscribing.end(found)
        commit()
    return page("subscription.html", text="unsubscribed")


def _take_message(report: Report, token: str) -> Response:
    text = request.form.get("text", "").replace("\r\n", "\n")
    faults = MESSAGE.validate({"text": text})
    if faults or not is_storable(text):
        return show_report(report, token, mine=True, complaint=_BAD_MESSAGE)
    conversation.write_message(db(), report, text, now())
    commit()
    return back_to(report, token)


def _take_feedback(report: Report, token: str, *, satisfied: bool) -> Response:
    comment = none_where_blank(request.form.get("text", "").replace("\r\n", "\n"))
    faults = FEEDBACK.validate({"satisfied": satisfied, "comment": comment})
    if faults or not (satisfied or comment) or not is_storable(comment or ""):
        return show_report(report, token, mine=True, complaint=_BAD_MESSAGE)
    try:
        feedback.give(db(), report, satisfied=satisfied, comment=comment, now=now())
    except (FeedbackTooLate, NothingToAnswer):
        # The page itself says how things stand.
        roll_back()
        return show_report(report, token, mine=True, status=409)
    commit()
    return back_to(report, token)


def back_to(report: Report, token: str) -> Response:
    """Lead the reporter back to the page, so that loading it again sends nothing again."""
    answer = Response(status=303)
    answer.location = f"/r/{report.reference}?{urlencode({'token': token})}"
    return answer


def show_report(
    report: Report,
    token: str | None,
    *,
    mine: bool,
    complaint: str | None = None,
    photo_complaint: str | None = None,
    status: int = 200,
) -> Response:
    """Return the report's page, for its reporter with what is wrong with what they sent."""
    told = _told(report, token, mine=mine) | {"photo_complaint": photo_complaint}
    status = 422 if complaint else status
    return page("report.html", status, form=token is not None, **told, complaint=complaint)


def _told(report: Report, token: str | None, *, mine: bool) -> dict[str, Any]:
    language = locale()
    session = db()
    ticket = reading.current_ticket(session, report)
    jurisdiction = session.get_one(Jurisdiction, report.jurisdiction_id)
    return {
        "token": token,
        "solved": _solved(report, ticket) if mine and token else None,
        "asked": mine and questions.awaits(session, ticket, report.id),
        "report": reading.view(session, report, language),
        "city": Reader(language, jurisdiction.locales).name(jurisdiction.names),
        "time_zone": jurisdiction.time_zone,
        "events": chronicle.of_report(session, report.id, language),
        "decision": decisions.read(session, ticket.id, language),
        "messages": conversation.messages_of(session, report.id) if mine else [],
        "public": reading.is_public(session, report),
        "photo_reasons": PHOTO_REASONS,
        "takes_photos": not ticket.withdrawn and gallery.remaining(session, report.id) > 0,
        "url": public_url(f"/r/{report.reference}"),
    }


def _solved(report: Report, ticket: Ticket) -> dict[str, Any] | None:
    """Return what the page tells the reporter of the closing, None where there is nothing."""
    standing, chosen = closings.standing(db(), report.id), request.values.get("solved")
    takes_answer = standing.takes_answer(now())
    again = feedback.again(db(), report, ticket) if standing.is_over(now()) else None
    if not takes_answer and again is None and standing.satisfied is None:
        return None
    return {
        "declined": closings.was_declined(db(), report, ticket, standing),
        "said": {True: "said_yes", False: "said_no", None: None}[standing.satisfied],
        "choices": CHOICES if takes_answer else (),
        "chosen": chosen if takes_answer and chosen in CHOICES else None,
        "again": again and page_to_report_again(again),
    }


def page(template: str, status: int = 200, *, form: bool = False, **values: Any) -> Response:
    """Return the page that the template makes of the values, in the caller's language."""
    language = locale()

    def word(name: str, **places: object) -> str:
        return say(language, WORDS[name], **places)

    def moment(at: Any) -> str:
        return wording.say_planned(language, at, values.get("time_zone", "UTC"))

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
