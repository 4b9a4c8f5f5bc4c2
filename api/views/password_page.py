"""The page that a one-time link opens: to choose a password, without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs

from flask import Blueprint, Response, request

from api.bodies import MalformedBody, UnsupportedBody, read_bytes
from api.callers import anyone
from api.schemas.accounts import NewPasswordSchema
from api.services import commit, db, locale, roll_back
from api.setup_errors import NO_LINK
from api.views.pages import page
from city.parts import MIN_PASSWORD
from infra.clock import now
from infra.words import say
from reports.mail import accounts
from reports.mail.letters import UnknownLink

blueprint = Blueprint("password_page", "api.views.password_page", template_folder="../templates")

FORM = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 20_000
_SCHEMA = NewPasswordSchema()


@blueprint.route("/password")
@anyone
def ask_for_password() -> Response:
    """Show the form; whether the link works is said when it is used."""
    return _form(request.args.get("token", ""))


@blueprint.route("/password", methods=["POST"])
@anyone
def set_password() -> Response:
    """Set the password, or show the form again and say what is wrong."""
    given = _read_form()
    if _SCHEMA.validate(given):
        return _form(given["token"], 422)
    try:
        accounts.set_password(db(), given["token"], given["password"], now())
    except UnknownLink:
        roll_back()
        return _form(given["token"], 422, complaint=say(locale(), NO_LINK))
    commit()
    return page("password.html", done=True)


def _read_form() -> dict[str, str]:
    if request.mimetype != FORM:
        raise UnsupportedBody(FORM)
    text = read_bytes(request, MAX_FORM_BYTES).decode("utf-8", "replace")
    try:
        sent = parse_qs(text, keep_blank_values=True, max_num_fields=len(_SCHEMA.fields))
    except ValueError as error:
        raise MalformedBody from error
    return {name: sent.get(name, [""])[0] for name in _SCHEMA.fields}


def _form(token: str, status: int = 200, complaint: str | None = None) -> Response:
    return page(
        "password.html", status, form=True, token=token, least=MIN_PASSWORD, complaint=complaint
    )
