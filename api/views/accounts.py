"""The accounts of the city's people: choosing a password, and the second factor."""

from __future__ import annotations

from typing import Any

from api import addresses, devices, offices
from api.blueprint import resource
from api.callers import anyone, staff
from api.declarations import raises
from api.schemas.accounts import (
    CodeSchema,
    EnrolmentSchema,
    NewPasswordSchema,
    PasswordSchema,
    RecoveryCodesSchema,
    ResetSchema,
)
from api.services import commit, db, services
from api.throttle import TooManyLogins
from city import second_factor, sessions
from city.models import Person
from city.second_factor import Enrolment, NoSecondFactor, SecondFactorOn, UnfitCode
from city.sessions import WrongPassword
from city.staff import Staff
from infra.clock import now
from reports.mail import accounts
from reports.mail.letters import UnknownLink

blueprint = resource("accounts", "Passwords and second factors, for the city's staff.")


@blueprint.route("/password-resets", methods=["POST"])
@anyone
@raises(TooManyLogins)
@blueprint.arguments(ResetSchema, example={"email": "dispatcher@example.org"})
@blueprint.response(204)
def ask_for_reset(body: dict[str, Any]) -> None:
    """Ask for a link to choose a new password with; the answer never tells who has an account."""
    services().logins.ask_for_reset(body["email"], addresses.of_caller())
    accounts.ask_for_reset(db(), body["email"], now())
    commit()


@blueprint.route("/passwords", methods=["POST"])
@anyone
@raises(UnknownLink)
@blueprint.arguments(
    NewPasswordSchema, example={"token": "of-the-link", "password": "correct horse"}
)
@blueprint.response(204)
def set_password(body: dict[str, Any]) -> None:
    """Choose a password by the link of a mail; whoever was logged in by the old one is out."""
    accounts.set_password(db(), body["token"], body["password"], now())
    commit()


@blueprint.route("/account/second-factor", methods=["POST"])
@staff()
@raises(WrongPassword, SecondFactorOn, TooManyLogins)
@blueprint.arguments(PasswordSchema, example={"password": "correct horse"})
@blueprint.response(201, EnrolmentSchema)
def begin_second_factor(body: dict[str, Any], staff: Staff) -> Enrolment:
    """Get a secret for an authenticator; it counts once a first code has confirmed it."""
    enrolment = second_factor.begin(db(), _proven(staff, body["password"]))
    commit()
    return enrolment


@blueprint.route("/account/second-factor/confirmation", methods=["POST"])
@staff()
@raises(NoSecondFactor, SecondFactorOn, UnfitCode)
@blueprint.arguments(CodeSchema, example={"code": "492039"})
@blueprint.response(200, RecoveryCodesSchema)
def confirm_second_factor(body: dict[str, Any], staff: Staff) -> dict[str, Any]:
    """Confirm the second factor by a code; from then on every login asks for one."""
    codes = second_factor.confirm(offices.of(staff), body["code"])
    commit()
    return {"recovery_codes": codes}


@blueprint.route("/account/second-factor/end", methods=["POST"])
@staff()
@raises(WrongPassword, NoSecondFactor, TooManyLogins)
@blueprint.arguments(PasswordSchema, example={"password": "correct horse"})
@blueprint.response(204)
def end_second_factor(body: dict[str, Any], staff: Staff) -> None:
    """Log in by password alone from now on."""
    _proven(staff, body["password"])
    second_factor.end(offices.of(staff))
    commit()


def _proven(staff: Staff, password: str) -> Person:
    """Return the person once the password was theirs; guesses count as failed logins."""
    address, device = addresses.of_caller(), devices.known(staff.email)
    logins = services().logins
    logins.begin(staff.email, address, device)
    person = sessions.check_password(db(), staff.person_id, password)
    logins.succeed(staff.email, address, device)
    return person
