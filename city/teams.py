"""Teams: who answers, as the city's administrators set it up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select

from city.administration import Administration
from city.changes import assign
from city.models import Jurisdiction, RuleRow, Team
from city.parts import TeamPart

KIND = "team"


class FallbackTeam(Exception):
    """The team gets what no rule covers, so it cannot be retired."""


class TeamOfRules(Exception):
    """A published rule names the team, so it cannot be retired."""


def values(part: TeamPart) -> dict[str, Any]:
    """Return what the part says of a team's row."""
    return {"names": part.names, "email": part.email}


def every(office: Administration) -> list[Team]:
    """Return the city's teams, retired ones too."""
    query = select(Team).where(Team.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Team.code)))


def create(office: Administration, body: dict[str, Any]) -> Team:
    """Add a team, or raise UnfitPart or CodeTaken."""
    city = office.lock()
    part = office.read(TeamPart, body, city)
    office.check_free(Team, part.code)
    team = Team(jurisdiction_id=city.id, code=part.code, **values(part))
    office.add(KIND, team, part.code, values(part))
    return team


def change(office: Administration, team: Team, body: dict[str, Any], *, retired: bool) -> Team:
    """Make the team what the body says.

    Raise UnfitPart, or FallbackTeam or TeamOfRules where it is to be retired and cannot be.
    """
    city = office.lock()
    part = office.read(TeamPart, {**body, "code": team.code}, city)
    if retired:
        _check_unneeded(office, city, team)
    wanted = {**values(part), "retired_at": office.retirement(team, retired=retired)}
    office.note_change(KIND, team.code, assign(team, wanted))
    return team


def _check_unneeded(office: Administration, city: Jurisdiction, team: Team) -> None:
    if city.fallback_team_id == team.id:
        raise FallbackTeam
    named = exists().where(RuleRow.ruleset_id == city.ruleset_id, RuleRow.team_id == team.id)
    if office.session.scalar(select(named)):
        raise TeamOfRules
