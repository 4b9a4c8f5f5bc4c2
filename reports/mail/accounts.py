"""Accounts of the city's people: invited by mail, opened by a link, and reset the same way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import people, sessions
from city.account_models import LetterKind
from city.administration import Administration
from city.audit import AuditAct
from city.models import Person
from city.passwords import hash_password
from reports.mail import letters


class NotInUse(Exception):
    """The person has left, so there is nothing to invite them to."""


def create(office: Administration, body: dict[str, Any]) -> Person:
    """Add a person and owe them an invitation, or raise UnfitPart or EmailTaken."""
    person = people.create(office, body)
    letters.owe(office.session, person, LetterKind.INVITATION, office.now)
    return person


def change(
    office: Administration, person: Person, body: dict[str, Any], *, retired: bool | None
) -> None:
    """Make the person what the body says.

    Links that went to an old address, or to somebody who leaves, open nothing any more. Raise
    UnfitPart, EmailTaken or LastAdministrator.
    """
    changes = people.change(office, person, body, retired=retired)
    if retired or "email" in changes:
        letters.withdraw(office.session, person.id)


def invite(office: Administration, person: Person) -> None:
    """Owe the person a link to choose a password with, or raise NotInUse."""
    if person.retired_at is not None:
        raise NotInUse
    letters.owe(office.session, person, LetterKind.INVITATION, office.now)
    office.note(AuditAct.INVITED, people.KIND, str(person.id), {})


def ask_for_reset(session: Session, email: str, now: datetime) -> None:
    """Owe a link to whoever has the address, unless they got one just now; say nothing of it."""
    person = session.scalar(
        select(Person).where(Person.email == email.strip().lower(), Person.retired_at.is_(None))
    )
    if person is not None and not letters.has_recent(session, person.id, now):
        letters.owe(session, person, LetterKind.RESET, now)


def set_password(session: Session, token: str, password: str, now: datetime) -> None:
    """Give the link's person the password and log them out everywhere, or raise UnknownLink."""
    person = letters.redeem(session, token, now)
    person.password_hash = hash_password(password)
    letters.withdraw(session, person.id)
    sessions.close_all(session, person.id)
    acting = Administration(session, person.id, person.jurisdiction_id, now)
    acting.note(AuditAct.PASSWORD_SET, people.KIND, str(person.id), {})
