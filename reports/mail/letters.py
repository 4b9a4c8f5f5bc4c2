"""Letters: mails to the city's people that hold a one-time link, each a row first.

The link's token is made for each attempt at sending, in the process that writes the mail, and is
nowhere else: neither in the queue nor, but for its hash, in the database.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from city.account_models import Letter, LetterKind, LetterStatus
from city.models import Jurisdiction, Person
from infra.mail import Mail
from infra.queue import Job
from infra.words import Reader, mark, say, say_moment
from reports import errands, leases
from reports.leases import Lease
from reports.mail import layout
from reports.mail.delivery import LONGEST_WAIT_S, MAX_ATTEMPTS, Outcome

# A new one is not sent to somebody who just got one, however often one is asked for.
APART = timedelta(minutes=5)
VALID = {LetterKind.INVITATION: timedelta(days=7), LetterKind.RESET: timedelta(hours=2)}
KEPT = timedelta(days=30)

_SUBJECTS = {
    LetterKind.INVITATION: mark("You are invited to work on the reports of {city}"),
    LetterKind.RESET: mark("A new password for the reports of {city}"),
}
_OPENINGS = {
    LetterKind.INVITATION: mark(
        "An account was made for you. Choose your password to begin: the link works once."
    ),
    LetterKind.RESET: mark(
        "Somebody, most likely you, asked for a new password. The link works once. If it was not"
        " you, there is nothing to do: your password stays as it is."
    ),
}
_UNTIL = mark("The link works until")
_CHOOSE = mark("Choose your password")
_ACCOUNT = mark("E-mail address to log in with")
_WHY = mark("You get this mail because you work on the reports of your city.")


class UnknownLink(Exception):
    """The link was used, has run out, was replaced by a newer one, or never was."""


def owe(session: Session, person: Person, kind: LetterKind, now: datetime) -> Letter:
    """Write down that the person is owed a letter; links from before stop working."""
    withdraw(session, person.id)
    letter = Letter(
        jurisdiction_id=person.jurisdiction_id,
        person_id=person.id,
        kind=kind.value,
        message_key=uuid4().hex,
        status=LetterStatus.PENDING.value,
        attempt=0,
        due_at=now,
        created_at=now,
    )
    session.add(letter)
    session.flush()
    errands.owe(session, Job.SEND_LETTER, letter.id)
    return letter


def has_recent(session: Session, person_id: int, now: datetime) -> bool:
    """Tell whether the person was owed a letter only just now."""
    recent = exists().where(Letter.person_id == person_id, Letter.created_at > now - APART)
    return bool(session.scalar(select(recent)))


def withdraw(session: Session, person_id: int) -> None:
    """Let no letter to the person open anything any more, sent or not."""
    mine = update(Letter).where(Letter.person_id == person_id)
    session.execute(mine.where(Letter.token_hash.is_not(None)).values(token_hash=None))
    session.execute(
        mine.where(Letter.status == LetterStatus.PENDING.value).values(
            status=LetterStatus.DROPPED.value, leased_until=None
        )
    )


def redeem(session: Session, token: str, now: datetime) -> Person:
    """Return whose password may be set by the link, which works no more; or raise UnknownLink."""
    person_id = session.scalar(
        update(Letter)
        .where(Letter.token_hash == _hash(token), Letter.expires_at > now)
        .values(token_hash=None)
        .returning(Letter.person_id)
    )
    person = session.get(Person, person_id) if person_id is not None else None
    if person is None or person.retired_at is not None:
        raise UnknownLink
    return person


def claim(session: Session, letter_id: int, now: datetime, lease_s: int) -> Lease[Letter] | None:
    """Take the letter in hand; None where it is done, not due yet, or in other hands."""
    return leases.take(session, Letter, letter_id, now, lease_s, Letter.due_at <= now)


def compose(session: Session, lease: Lease[Letter], now: datetime, public_url: str) -> Mail | None:
    """Write the mail, with a new link; None where the person has left or another attempt has it."""
    letter, token = lease.row, secrets.token_urlsafe(32)
    person, city = session.execute(
        select(Person, Jurisdiction)
        .join(Jurisdiction, Jurisdiction.id == Person.jurisdiction_id)
        .where(Person.id == letter.person_id)
    ).one()
    expires_at = now + VALID[LetterKind(letter.kind)]
    kept = {"token_hash": _hash(token), "expires_at": expires_at}
    if person.retired_at is not None:
        return None
    if not leases.write(session, lease, leased_until=letter.leased_until, **kept):
        return None
    link = f"{public_url}/password?token={token}"
    return layout.lay_out(
        _write(letter, person, city, link, expires_at),
        person.email,
        f"<{letter.message_key}@{urlsplit(public_url).hostname}>",
    )


def record_sent(session: Session, lease: Lease[Letter], now: datetime) -> Outcome | None:
    """Write down that the letter was handed over; None where a later attempt has taken over."""
    values = {"status": LetterStatus.SENT.value, "sent_at": now, "error": None}
    return Outcome.SENT if leases.write(session, lease, **values) else None


def record_dropped(session: Session, lease: Lease[Letter]) -> Outcome | None:
    """Write down that nobody is left to write to."""
    dropped = leases.write(session, lease, status=LetterStatus.DROPPED.value)
    return Outcome.DROPPED if dropped else None


def record_failure(
    session: Session, lease: Lease[Letter], error: str, retry_s: int, now: datetime, *, final: bool
) -> Outcome | None:
    """Put the letter off, longer each time, or give it up: its person can be invited anew."""
    if final or lease.attempt >= MAX_ATTEMPTS:
        given_up = leases.write(session, lease, status=LetterStatus.FAILED.value, error=error)
        return Outcome.FAILED if given_up else None
    wait_s = min(retry_s * 2 ** (lease.attempt - 1), LONGEST_WAIT_S)
    put_off = leases.write(session, lease, due_at=now + timedelta(seconds=wait_s), error=error)
    return Outcome.PUT_OFF if put_off else None


def drop_expired(session: Session, now: datetime) -> None:
    """Forget the letters that are long done."""
    done = Letter.status != LetterStatus.PENDING.value
    session.execute(delete(Letter).where(done, Letter.created_at < now - KEPT))


def _write(
    letter: Letter, person: Person, city: Jurisdiction, link: str, expires_at: datetime
) -> layout.Letter:
    kind, locale = LetterKind(letter.kind), person.locale
    name = Reader(locale, city.locales).name(city.names)
    return layout.Letter(
        locale=locale,
        city=name,
        subject=say(locale, _SUBJECTS[kind], city=name),
        paragraphs=(say(locale, _OPENINGS[kind]),),
        quotes=(),
        facts=(
            (say(locale, _ACCOUNT), person.email),
            (say(locale, _UNTIL), say_moment(locale, expires_at, city.time_zone)),
        ),
        link=link,
        link_label=say(locale, _CHOOSE),
        footer=say(locale, _WHY),
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
