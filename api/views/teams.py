"""The city's teams, for its administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.setup import TeamChangeSchema, TeamSchema, TeamsSchema
from api.services import commit
from city import teams
from city.access import Act
from city.administration import Administration, CodeTaken, UnfitPart
from city.models import Team
from city.staff import Staff
from city.teams import FallbackTeam, TeamOfRules

blueprint = resource("teams", "The city's teams, for its administrators.")

EXAMPLE = {"code": "voirie", "names": {"fr": "Voirie"}, "email": "voirie@example.org"}


def _find(office: Administration, code: str) -> Team:
    return office.find(Team, code)


@blueprint.route("/admin/teams")
@staff(Act.SET_UP)
@blueprint.response(200, TeamsSchema)
def list_teams(staff: Staff) -> Response:
    """List the teams, retired ones too."""
    office = offices.of(staff)
    return offices.listed(_told(office, team) for team in teams.every(office))


@blueprint.route("/admin/teams", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(TeamSchema, example=EXAMPLE)
@blueprint.response(201, TeamSchema)
def add_team(body: dict[str, Any], staff: Staff) -> Response:
    """Add a team; a code that was used once stays taken."""
    office = offices.of(staff)
    body.pop("retired")
    team = teams.create(office, body)
    commit()
    return offices.answer(_told(office, team), team, 201)


@blueprint.route("/admin/teams/<key>")
@staff(Act.SET_UP)
@offices.found(_find)
@blueprint.response(200, TeamSchema)
def get_team(row: Team, office: Administration) -> Response:
    """Read a team."""
    return offices.answer(_told(office, row), row)


@blueprint.route("/admin/teams/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(_find)
@offices.unchanged
@raises(UnfitPart, FallbackTeam, TeamOfRules)
@blueprint.arguments(TeamChangeSchema, example=EXAMPLE)
@blueprint.response(200, TeamSchema)
def change_team(body: dict[str, Any], row: Team, office: Administration) -> Response:
    """Make a team what the body says; it is never deleted, but may be `retired`.

    The fallback team, and one that a published rule names, cannot be retired. With another
    `calendar` the deadlines of its open tickets follow within minutes.
    """
    offices.keep_code(body, row.code)
    retired = body.pop("retired")
    team = teams.change(office, row, body, retired=retired)
    commit()
    return offices.answer(_told(office, team), team)


def _told(office: Administration, team: Team) -> dict[str, Any]:
    return {
        "code": team.code,
        "names": team.names,
        "email": team.email,
        "calendar": teams.calendar_of(office, team),
        "retired": team.retired_at is not None,
        "etag": offices.etag(team),
    }
