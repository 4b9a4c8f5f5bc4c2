"""Logging in and out: a token for the person, only its hash for the city."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from city.access import Role
from city.models import Person, StaffSession
from city.passwords import hash_password, verify_password
from city.sessions import (
    TOKEN_PREFIX,
    OpenedSession,
    WrongCredentials,
    close_session,
    drop_expired,
    find_staff,
    open_session,
)
from tests.city.towns import NOW
from tests.resident import DISPATCHER, PASSWORD

HOURS = 12
END = NOW + timedelta(hours=HOURS)
MOMENT = timedelta(microseconds=1)


def open_one(session: Session, email: str = DISPATCHER) -> OpenedSession:
    opened = open_session(session, email, PASSWORD, NOW, HOURS)
    session.flush()
    return opened


def person(session: Session, email: str = DISPATCHER) -> Person:
    return session.scalars(select(Person).where(Person.email == email)).one()


def test_a_login_tells_who_is_there_and_until_when(session: Session) -> None:
    opened = open_one(session)
    assert opened.token.startswith(TOKEN_PREFIX)
    assert opened.expires_at == END
    assert opened.staff.email == DISPATCHER
    assert opened.staff.role is Role.DISPATCHER
    assert find_staff(session, opened.token, NOW) == opened.staff


def test_a_team_lead_comes_with_the_teams(session: Session) -> None:
    lead = session.scalars(
        select(Person.email).where(Person.role == Role.TEAM_LEAD).order_by(Person.email).limit(1)
    ).one()
    opened = open_one(session, lead)
    assert opened.staff.team_codes
    assert len(opened.staff.team_ids) == len(opened.staff.team_codes)


def test_capitals_and_blanks_around_the_address_do_not_matter(session: Session) -> None:
    assert open_one(session, f"  {DISPATCHER.upper()} ").staff.email == DISPATCHER


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (DISPATCHER, PASSWORD + "x"),
        (DISPATCHER, PASSWORD.upper()),
        (DISPATCHER, ""),
        ("nobody@beaurive.example", PASSWORD),
        ("", ""),
        ("%@beaurive.example", PASSWORD),
    ],
)
def test_wrong_credentials_open_nothing(session: Session, email: str, password: str) -> None:
    before = session.scalar(select(func.count()).select_from(StaffSession))
    with pytest.raises(WrongCredentials):
        open_session(session, email, password, NOW, HOURS)
    assert session.scalar(select(func.count()).select_from(StaffSession)) == before


def test_a_person_without_a_password_cannot_log_in(session: Session) -> None:
    person(session).password_hash = None
    for guess in (PASSWORD, "", "nobody has this password"):
        with pytest.raises(WrongCredentials):
            open_session(session, DISPATCHER, guess, NOW, HOURS)


def test_a_session_ends_when_its_time_is_over(session: Session) -> None:
    opened = open_one(session)
    assert find_staff(session, opened.token, END - MOMENT) == opened.staff
    assert find_staff(session, opened.token, END) is None
    assert find_staff(session, opened.token, END + MOMENT) is None


def test_logging_out_ends_this_session_and_no_other(session: Session) -> None:
    here, elsewhere = open_one(session), open_one(session)
    assert here.token != elsewhere.token
    close_session(session, here.token)
    assert find_staff(session, here.token, NOW) is None
    assert find_staff(session, elsewhere.token, NOW) == elsewhere.staff
    close_session(session, here.token)


def test_who_has_left_neither_logs_in_nor_stays_in(session: Session) -> None:
    opened = open_one(session)
    person(session).retired_at = NOW
    session.flush()
    assert find_staff(session, opened.token, NOW) is None
    with pytest.raises(WrongCredentials):
        open_session(session, DISPATCHER, PASSWORD, NOW, HOURS)


@pytest.mark.parametrize("token", ["", TOKEN_PREFIX, "vgs_x", "vgs_\0", "vgs_\ud800", "é" * 9_000])
def test_a_token_that_was_never_given_is_nobodys(session: Session, token: str) -> None:
    open_one(session)
    assert find_staff(session, token, NOW) is None
    close_session(session, token)


def test_neither_tokens_nor_passwords_are_kept(session: Session) -> None:
    opened = open_one(session)
    for table in ("staff_sessions", "people"):
        rows = str(session.execute(text(f"SELECT {table}::text FROM {table}")).all())
        assert opened.token not in rows
        assert opened.token.encode().hex() not in rows
        assert PASSWORD not in rows
    assert str(person(session).password_hash).startswith("$argon2id$")


def test_sessions_that_ran_out_are_forgotten(session: Session) -> None:
    old = open_one(session)
    new = open_session(session, DISPATCHER, PASSWORD, NOW + timedelta(hours=1), HOURS)
    session.flush()
    drop_expired(session, END)
    assert find_staff(session, old.token, NOW) is None
    assert find_staff(session, new.token, NOW) == new.staff


def test_a_password_fits_its_own_hash_alone() -> None:
    kept = hash_password("une phrase à retenir")
    assert verify_password(kept, "une phrase à retenir")
    assert not verify_password(kept, "une phrase a retenir")
    assert not verify_password(kept, "")


def test_equal_passwords_have_different_hashes() -> None:
    first, second = hash_password("the same words"), hash_password("the same words")
    assert first != second
    assert verify_password(second, "the same words")


@pytest.mark.parametrize("broken", ["", "plain text", "$argon2id$v=19$m=1", "$2b$12$abcdefghij"])
def test_a_hash_that_is_none_fits_nothing(broken: str) -> None:
    assert not verify_password(broken, broken)
    assert not verify_password(broken, "nobody has this password")


def test_a_hash_made_with_other_costs_still_fits() -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("older words")
    assert verify_password(cheap, "older words")
    assert not verify_password(cheap, "other words")
