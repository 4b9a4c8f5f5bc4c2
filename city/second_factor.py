"""The second factor: codes by RFC 6238 that a login asks for besides the password."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from pyotp import TOTP, random_base32
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from city.account_models import SecondFactor
from city.administration import Administration
from city.audit import AuditAct
from city.models import Person

KIND = "person"
ISSUER = "Vigie"
RECOVERY_CODES = 10
# A clock may be off by so many steps of 30 seconds, either way.
DRIFT = (-1, 0, 1)
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class CodeRequired(Exception):
    """The password is right, and a code is asked for besides."""


class WrongCode(Exception):
    """The code is wrong, has run out or was used already."""


class UnfitCode(Exception):
    """The first code does not fit the secret, so the second factor is not confirmed by it."""


class SecondFactorOn(Exception):
    """There is a second factor already; it has to be ended before another can begin."""


class NoSecondFactor(Exception):
    """There is no second factor to confirm or to end."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is given: the secret, and an address that holds it for a picture."""

    secret: str
    uri: str


def begin(session: Session, person: Person) -> Enrolment:
    """Offer the person a secret, which counts once it is confirmed, or raise SecondFactorOn."""
    factor = _hold(session, person.id)
    if factor is not None and factor.confirmed_at is not None:
        raise SecondFactorOn
    if factor is None:
        factor = SecondFactor(person_id=person.id, jurisdiction_id=person.jurisdiction_id)
        session.add(factor)
    factor.secret, factor.last_step, factor.recovery_hashes = random_base32(), 0, []
    uri = TOTP(factor.secret).provisioning_uri(name=person.email, issuer_name=ISSUER)
    return Enrolment(factor.secret, uri)


def confirm(office: Administration, code: str) -> list[str]:
    """Have logins ask for codes from here on, and return the recovery codes, told this once.

    Raise NoSecondFactor, SecondFactorOn or UnfitCode.
    """
    factor = _hold(office.session, _own(office))
    if factor is None:
        raise NoSecondFactor
    if factor.confirmed_at is not None:
        raise SecondFactorOn
    try:
        _use_step(factor, code, office.now)
    except WrongCode as error:
        raise UnfitCode from error
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    factor.recovery_hashes = [_hash(one) for one in codes]
    factor.confirmed_at = office.now
    office.note(AuditAct.SECOND_FACTOR_ON, KIND, str(_own(office)), {})
    return codes


def prove(session: Session, person_id: int, code: str | None, now: datetime) -> None:
    """Take the code, if one is asked for; raise CodeRequired or WrongCode."""
    factor = _hold(session, person_id)
    if factor is None or factor.confirmed_at is None:
        return
    if not code or not code.strip():
        raise CodeRequired
    hashed = _hash(code)
    if hashed in factor.recovery_hashes:
        factor.recovery_hashes = [one for one in factor.recovery_hashes if one != hashed]
    else:
        _use_step(factor, code, now)


def end(office: Administration) -> None:
    """Let the acting person log in by password alone, or raise NoSecondFactor."""
    if _hold(office.session, _own(office)) is None:
        raise NoSecondFactor
    _drop(office, _own(office))


def reset(office: Administration, person: Person) -> None:
    """Let somebody who lost their device log in by password alone."""
    if _hold(office.session, person.id) is not None:
        _drop(office, person.id)


def confirmed_by(session: Session, *person_ids: int) -> set[int]:
    """Return which of the people have a second factor."""
    query = select(SecondFactor.person_id).where(
        SecondFactor.person_id.in_(person_ids), SecondFactor.confirmed_at.is_not(None)
    )
    return set(session.scalars(query))


def _drop(office: Administration, person_id: int) -> None:
    office.session.execute(delete(SecondFactor).where(SecondFactor.person_id == person_id))
    office.note(AuditAct.SECOND_FACTOR_OFF, KIND, str(person_id), {})


def _own(office: Administration) -> int:
    """Return whose second factor it is: nobody has one at the command line."""
    if office.person_id is None:
        raise ValueError("a second factor is somebody's own")
    return office.person_id


def _hold(session: Session, person_id: int) -> SecondFactor | None:
    """Return the person's factor, locked, so that no code is taken twice at once."""
    query = select(SecondFactor).where(SecondFactor.person_id == person_id)
    return session.scalar(query.with_for_update())


def _use_step(factor: SecondFactor, code: str, now: datetime) -> None:
    totp, given = TOTP(factor.secret), code.strip().encode()
    current = totp.timecode(now)
    for drift in DRIFT:
        right = compare_digest(totp.generate_otp(current + drift).encode(), given)
        if right and current + drift > factor.last_step:
            factor.last_step = current + drift
            return
    raise WrongCode


def _recovery_code() -> str:
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(drawn[start : start + 4] for start in range(0, 16, 4))


def _hash(code: str) -> str:
    plain = code.strip().upper().replace("-", "")
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
