"""People: who works for the city, as its administrators set it up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city import sessions
from city.access import Role
from city.administration import Administration, UnfitPart, UnknownSetting
from city.changes import Changes, assign, touch
from city.models import Person, Team, TeamMember
from city.parts import UNKNOWN, PersonPart
from city.unfit import Unfit

KIND = "person"
_MAX_ID = 2**63 - 1


class EmailTaken(Exception):
    """Somebody on this installation has the address already."""


class LastAdministrator(Exception):
    """Nobody else could administer the city then."""


def values(part: PersonPart) -> dict[str, Any]:
    """Return what the part says of a person's row, but for the address, by which one is known."""
    return {"name": part.name, "role": part.role.value, "locale": part.locale}


def set_teams(session: Session, person: Person, wanted: set[int]) -> bool:
    """Make the person a member of just these teams; tell whether that changed anything."""
    query = select(TeamMember.team_id).where(TeamMember.person_id == person.id)
    current = set(session.scalars(query))
    if current == wanted:
        return False
    session.execute(
        delete(TeamMember).where(
            TeamMember.person_id == person.id, TeamMember.team_id.in_(current - wanted)
        )
    )
    session.add_all(
        TeamMember(jurisdiction_id=person.jurisdiction_id, person_id=person.id, team_id=team_id)
        for team_id in wanted - current
    )
    session.flush()
    return True


def every(office: Administration) -> list[Person]:
    """Return the city's people, those who have left too."""
    query = select(Person).where(Person.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Person.name, Person.id)))


def find(office: Administration, id_: int) -> Person:
    """Return the city's person, or raise UnknownSetting."""
    query = select(Person).where(
        Person.jurisdiction_id == office.jurisdiction_id, Person.id == min(id_, _MAX_ID)
    )
    person = office.session.scalar(query.execution_options(populate_existing=True))
    if person is None:
        raise UnknownSetting
    return person


def teams_of(session: Session, *person_ids: int) -> dict[int, list[str]]:
    """Return the codes of the teams that people are in, by the person's id."""
    found: dict[int, list[str]] = {id_: [] for id_ in person_ids}
    rows = session.execute(
        select(TeamMember.person_id, Team.code)
        .join(Team, Team.id == TeamMember.team_id)
        .where(TeamMember.person_id.in_(person_ids))
        .order_by(Team.code)
    )
    for person_id, code in rows:
        found[person_id].append(code)
    return found


def create(office: Administration, body: dict[str, Any]) -> Person:
    """Add a person without a password, or raise UnfitPart or EmailTaken."""
    city = office.lock()
    part = office.read(PersonPart, body, city)
    team_ids = _team_ids(office, part.teams, [])
    person = Person(jurisdiction_id=city.id, email=part.email, **values(part))
    try:
        with office.session.begin_nested():
            office.session.add(person)
    except IntegrityError as error:
        raise EmailTaken from error
    set_teams(office.session, person, team_ids)
    told = {"email": part.email, **values(part), "teams": sorted(part.teams)}
    office.add(KIND, person, None, told)
    return person


def change(
    office: Administration, person: Person, body: dict[str, Any], *, retired: bool | None
) -> Changes:
    """Make the person what the body says, and return what changed.

    Who leaves is logged out. Raise UnfitPart, EmailTaken or LastAdministrator.
    """
    city = office.lock()
    part = office.read(PersonPart, body, city)
    before = teams_of(office.session, person.id)[person.id]
    team_ids = _team_ids(office, part.teams, before)
    retired_at = office.retirement(person, retired=retired)
    if retired or part.role is not Role.ADMINISTRATOR:
        _check_another_administers(office, person)
    wanted = {"email": part.email, **values(part), "retired_at": retired_at}
    try:
        with office.session.begin_nested():
            changes = assign(person, wanted)
    except IntegrityError as error:
        raise EmailTaken from error
    if set_teams(office.session, person, team_ids):
        if not changes:
            touch(person)
        changes["teams"] = (before, sorted(part.teams))
    if retired:
        sessions.close_all(office.session, person.id)
    office.note_change(KIND, str(person.id), changes)
    return changes


def _check_another_administers(office: Administration, person: Person) -> None:
    """Raise LastAdministrator where the person is the only one who can log in to administer."""
    if person.role != Role.ADMINISTRATOR.value or person.retired_at is not None:
        return
    another = exists().where(
        Person.jurisdiction_id == person.jurisdiction_id,
        Person.id != person.id,
        Person.role == Role.ADMINISTRATOR.value,
        Person.retired_at.is_(None),
        Person.password_hash.is_not(None),
    )
    if not office.session.scalar(select(another)):
        raise LastAdministrator


def _team_ids(office: Administration, codes: list[str], current: list[str]) -> set[int]:
    """Return the ids of the teams; one that is retired may be kept by who is in it already."""
    known = {
        code: id_
        for id_, code in office.session.execute(
            select(Team.id, Team.code).where(
                Team.jurisdiction_id == office.jurisdiction_id,
                Team.code.in_(codes),
                or_(Team.retired_at.is_(None), Team.code.in_(current)),
            )
        )
    }
    unknown = [
        (("teams", index), Unfit(UNKNOWN, what="team", code=code))
        for index, code in enumerate(codes)
        if code not in known
    ]
    if unknown:
        raise UnfitPart(*unknown)
    return set(known.values())
