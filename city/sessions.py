"""Staff sessions: a random token for the person, only its hash for us."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city import second_factor
from city.access import Role
from city.models import Person, StaffSession, Team, TeamMember
from city.passwords import verify_password
from city.staff import Staff

TOKEN_PREFIX = "vgs_"  # noqa: S105 (what staff tokens begin with, itself no secret)


class WrongCredentials(Exception):
    """No such person, a wrong password, or a person who has left; never said which."""


class WrongPassword(Exception):
    """Who is logged in gave another password than theirs."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new login: the token is told this once."""

    token: str
    expires_at: datetime
    staff: Staff


def open_session(
    session: Session,
    email: str,
    password: str,
    now: datetime,
    hours: int,
    code: str | None = None,
) -> OpenedSession:
    """Log in, or raise WrongCredentials; CodeRequired or WrongCode where only that is missing."""
    person = session.scalar(
        select(Person).where(Person.email == email.strip().lower(), Person.retired_at.is_(None))
    )
    if not verify_password(person.password_hash if person else None, password) or person is None:
        raise WrongCredentials
    second_factor.prove(session, person.id, code, now)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=hours)
    session.add(
        StaffSession(
            jurisdiction_id=person.jurisdiction_id,
            person_id=person.id,
            token_hash=_hash(token),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return OpenedSession(token, expires_at, staff_of(session, person))


def check_password(session: Session, person_id: int, password: str) -> Person:
    """Return the person who is logged in and has the password, or raise WrongPassword."""
    person = session.get_one(Person, person_id)
    if not verify_password(person.password_hash, password):
        raise WrongPassword
    return person


def find_staff(session: Session, token: str, now: datetime) -> Staff | None:
    """Return who holds the token, or None where it is unknown, expired or logged out."""
    person = session.scalar(
        select(Person)
        .join(StaffSession, StaffSession.person_id == Person.id)
        .where(
            StaffSession.token_hash == _hash(token),
            StaffSession.expires_at > now,
            Person.retired_at.is_(None),
        )
    )
    return None if person is None else staff_of(session, person)


def close_session(session: Session, token: str) -> None:
    """Log out; the token is worthless from here on."""
    session.execute(delete(StaffSession).where(StaffSession.token_hash == _hash(token)))


def close_all(session: Session, person_id: int) -> None:
    """Log the person out wherever they are logged in."""
    session.execute(delete(StaffSession).where(StaffSession.person_id == person_id))


def drop_expired(session: Session, now: datetime) -> None:
    """Forget the sessions that have run out."""
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= now))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def staff_of(session: Session, person: Person) -> Staff:
    """Return what the person is to the city, as of now."""
    teams = session.execute(
        select(Team.id, Team.code)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.person_id == person.id)
        .order_by(Team.code)
    ).all()
    return Staff(
        person_id=person.id,
        jurisdiction_id=person.jurisdiction_id,
        name=person.name,
        email=person.email,
        role=Role(person.role),
        locale=person.locale,
        team_ids=tuple(team.id for team in teams),
        team_codes=tuple(team.code for team in teams),
    )
