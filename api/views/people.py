"""The people who work for the city, for its administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.setup import StaffListSchema, StaffSchema
from api.services import commit
from city import people, second_factor
from city.access import Act
from city.administration import Administration, UnfitPart
from city.models import Person
from city.people import EmailTaken, LastAdministrator
from city.staff import Staff
from reports.mail import accounts
from reports.mail.accounts import NotInUse

blueprint = resource("people", "Who works for the city, for its administrators.")

EXAMPLE = {
    "email": "agent@example.org",
    "name": "Lou Martin",
    "role": "team_member",
    "locale": "fr",
    "teams": ["voirie"],
}


@blueprint.route("/admin/people")
@staff(Act.SET_UP)
@blueprint.response(200, StaffListSchema)
def list_people(staff: Staff) -> Response:
    """List who works for the city, and who has."""
    office = offices.of(staff)
    return offices.listed(_told(office, *people.every(office)))


@blueprint.route("/admin/people", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, EmailTaken)
@blueprint.arguments(StaffSchema, example=EXAMPLE)
@blueprint.response(201, StaffSchema)
def add_person(body: dict[str, Any], staff: Staff) -> Response:
    """Add somebody; a mail invites them to choose a password, by a link that works once."""
    office = offices.of(staff)
    body.pop("retired")
    person = accounts.create(office, body)
    commit()
    return offices.answer(_told(office, person)[0], person, 201)


@blueprint.route("/admin/people/<int:key>")
@staff(Act.SET_UP)
@offices.found(people.find)
@blueprint.response(200, StaffSchema)
def get_person(row: Person, office: Administration) -> Response:
    """Read about somebody who works for the city."""
    return offices.answer(_told(office, row)[0], row)


@blueprint.route("/admin/people/<int:key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(people.find)
@offices.unchanged
@raises(UnfitPart, EmailTaken, LastAdministrator)
@blueprint.arguments(StaffSchema, example=EXAMPLE)
@blueprint.response(200, StaffSchema)
def change_person(body: dict[str, Any], row: Person, office: Administration) -> Response:
    """Make somebody's role, teams and details what the body says; who is `retired` is out at once.

    The last administrator who can log in stays one.
    """
    retired = body.pop("retired")
    accounts.change(office, row, body, retired=retired)
    commit()
    return offices.answer(_told(office, row)[0], row)


@blueprint.route("/admin/people/<int:key>/invitation", methods=["POST"])
@staff(Act.SET_UP)
@offices.found(people.find)
@raises(NotInUse)
@blueprint.response(204)
def invite_person(row: Person, office: Administration) -> None:
    """Send somebody another link to choose a password with; the links before it work no more."""
    accounts.invite(office, row)
    commit()


@blueprint.route("/admin/people/<int:key>/second-factor", methods=["DELETE"])
@staff(Act.SET_UP)
@offices.found(people.find)
@blueprint.response(204)
def reset_second_factor(row: Person, office: Administration) -> None:
    """Let somebody who lost their device log in by password alone."""
    second_factor.reset(office, row)
    commit()


def _told(office: Administration, *found: Person) -> list[dict[str, Any]]:
    ids = [person.id for person in found]
    teams = people.teams_of(office.session, *ids)
    confirmed = second_factor.confirmed_by(office.session, *ids)
    return [
        {
            "id": person.id,
            "email": person.email,
            "name": person.name,
            "role": person.role,
            "locale": person.locale,
            "teams": teams[person.id],
            "retired": person.retired_at is not None,
            "password_set": person.password_hash is not None,
            "second_factor": person.id in confirmed,
            "etag": offices.etag(person),
        }
        for person in found
    ]
