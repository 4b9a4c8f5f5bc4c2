"""The form of a report's page that takes another photo, without JavaScript."""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.bodies import BadInput, reads_up_to
from api.callers import anyone
from api.errors import problem_of, take_back
from api.forms import MULTIPART_ROOM
from api.services import db, locale, services
from api.views.pages import back_to, page, show_report
from api.views.photos import take_in_part
from infra.storage import StorageError
from infra.words import say
from reports import gallery, tracking
from reports.gallery import MAX_PHOTO_BYTES
from reports.imaging.formats import UnusablePhoto
from reports.resident import reading
from reports.resident.reading import HiddenReport, UnknownReport

blueprint = Blueprint("photo_page", "api.views.photo_page", template_folder="../templates")


@blueprint.route("/r/<reference>/photos", methods=["POST"])
@reads_up_to(MAX_PHOTO_BYTES + MULTIPART_ROOM)
@anyone
def add_photo(reference: str) -> Response:
    """Take the photo of the form, whose address has the token; else say what is wrong with it."""
    token = request.args.get("token", "")
    holder = tracking.read(services().settings.secret_key, token)
    try:
        report = reading.find(db(), reference, holder=holder)
    except UnknownReport:
        return page("gone.html", 404, text="gone")
    except HiddenReport:
        return page("gone.html", 410, text="hidden")
    if not reading.opens(report, holder):
        return page("gone.html", 404, text="gone")
    try:
        take_in_part(report)
    except (BadInput, UnusablePhoto, StorageError, *gallery.REFUSALS) as error:
        found = problem_of(error)
        take_back(found, error)
        told = found.faults[0].detail if found.faults else found.detail
        complaint = told or say(locale(), found.title)
        return show_report(report, token, mine=True, photo_complaint=complaint, status=found.status)
    return back_to(report, token)
