"""Teams: who answers, as the city's administrators set it up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select

from city import working_time
from city.administration import Administration, UnfitPart
from city.changes import assign
from city.models import Jurisdiction, RuleRow, Team, TeamCalendar
from city.parts import UNKNOWN, TeamPart
from city.unfit import Unfit

KIND = "team"


class FallbackTeam(Exception):
    """The team gets what no rule covers, so it cannot be retired."""


class TeamOfRules(Exception):
    """A published rule names the team, so it cannot be retired."""


def values(part: TeamPart, calendar_id: int | None) -> dict[str, Any]:
    """Return what the part says of a team's row."""
    return {"names": part.names, "email": part.email, "calendar_id": calendar_id}


def every(office: Administration) -> list[Team]:
    """Return the city's teams, retired ones too."""
    query = select(Team).where(Team.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Team.code)))


def create(office: Administration, body: dict[str, Any]) -> Team:
    """Add a team, or raise UnfitPart or CodeTaken."""
    city = office.lock()
    part = office.read(TeamPart, body, city)
    office.check_free(Team, part.code)
    wanted = values(part, _calendar_id(office, part.calendar))
    team = Team(jurisdiction_id=city.id, code=part.code, **wanted)
    del wanted["calendar_id"]
    office.add(KIND, team, part.code, {**wanted, "calendar": part.calendar})
    return team


def change(
    office: Administration, team: Team, body: dict[str, Any], *, retired: bool | None
) -> Team:
    """Make the team what the body says.

    Raise UnfitPart, or FallbackTeam or TeamOfRules where it is to be retired and cannot be.
    """
    city = office.lock()
    part = office.read(TeamPart, {**body, "code": team.code}, city)
    if retired:
        _check_unneeded(office, city, team)
    before = calendar_of(office, team)
    wanted = values(part, _calendar_id(office, part.calendar))
    changes = assign(team, {**wanted, "retired_at": office.retirement(team, retired=retired)})
    working_time.have_followed(city, changes)
    if changes.pop("calendar_id", None):
        changes["calendar"] = (before, part.calendar)
    office.note_change(KIND, team.code, changes)
    return team


def calendar_of(office: Administration, team: Team) -> str | None:
    """Return the code of the team's own calendar; None: it has the city's."""
    if team.calendar_id is None:
        return None
    return office.session.get_one(TeamCalendar, team.calendar_id).code


def _calendar_id(office: Administration, code: str | None) -> int | None:
    if code is None:
        return None
    found = working_time.in_use(office, code)
    if found is None:
        raise UnfitPart((("calendar",), Unfit(UNKNOWN, what="calendar", code=code)))
    return found.id


def _check_unneeded(office: Administration, city: Jurisdiction, team: Team) -> None:
    if city.fallback_team_id == team.id:
        raise FallbackTeam
    named = exists().where(RuleRow.ruleset_id == city.ruleset_id, RuleRow.team_id == team.id)
    if office.session.scalar(select(named)):
        raise TeamOfRules
