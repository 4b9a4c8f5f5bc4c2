"""Staff sessions: logging in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, after_this_request, request

from api import addresses, devices
from api.blueprint import resource
from api.callers import anyone, staff
from api.declarations import raises
from api.schemas.city import LoginSchema, SessionSchema
from api.services import commit, db, services
from api.throttle import TooManyLogins
from api.tokens import bearer
from city import sessions
from city.models import Jurisdiction
from city.second_factor import CodeRequired, WrongCode
from city.sessions import WrongCredentials
from city.staff import Staff
from infra.clock import now

blueprint = resource("sessions", "Logging in, for the city's staff.")


@blueprint.route("/sessions", methods=["POST"])
@anyone
@raises(WrongCredentials, CodeRequired, WrongCode, TooManyLogins)
@blueprint.arguments(
    LoginSchema, example={"email": "dispatcher@example.org", "password": "correct horse"}
)
@blueprint.response(201, SessionSchema)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Log in, with a `code` where there is a second factor; failed attempts are throttled.

    The answer sets a cookie. A client that sends it back with its next login is not held back for
    what others try.
    """
    email, address = body["email"], addresses.of_caller()
    device = devices.known(email)
    logins = services().logins
    logins.begin(email, address, device)
    hours = services().settings.session_hours
    try:
        opened = sessions.open_session(
            db(), email, body["password"], now(), hours, body.get("code")
        )
    except CodeRequired:
        # Whoever knows the password comes back with the code, and only then may have failed.
        logins.succeed(email, address, device)
        raise
    logins.succeed(email, address, device)
    commit()
    after_this_request(_remembering(email))
    person = opened.staff
    return {
        "token": opened.token,
        "expires_at": opened.expires_at,
        "person": {
            "name": person.name,
            "role": person.role.value,
            "jurisdiction": db().get_one(Jurisdiction, person.jurisdiction_id).code,
            "teams": list(person.team_codes),
        },
    }


@blueprint.route("/sessions/current", methods=["DELETE"])
@staff()
@blueprint.response(204)
def log_out(**_caller: Staff) -> None:
    """Log out; the token is worthless from then on."""
    sessions.close_session(db(), bearer() or "")
    commit()


def _remembering(email: str) -> Callable[[Response], Response]:
    def remember(answer: Response) -> Response:
        devices.remember(answer, email, request.path)
        return answer

    return remember
