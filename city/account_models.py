"""What hangs on a person's account: the letters with one-time links, and the second factor."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base, one_of, within_jurisdiction


class LetterKind(StrEnum):
    """Why one of the city's people is sent a one-time link."""

    INVITATION = "invitation"
    RESET = "reset"


class LetterStatus(StrEnum):
    """How far a letter has come."""

    PENDING = "pending"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


class Letter(Base):
    """A mail to one of the city's people, and the one-time link in it.

    The link's token is made when the mail is, and only its SHA-256 is kept: a letter that is sent
    again has a new one. Where it leads opens once, until `expires_at`.
    """

    __tablename__ = "letters"
    __table_args__ = (
        within_jurisdiction("person_id", "people"),
        one_of("kind", LetterKind),
        one_of("status", LetterStatus),
        Index("ix_letters_waiting", "due_at", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger, index=True)
    kind: Mapped[str]
    message_key: Mapped[str]
    status: Mapped[str]
    attempt: Mapped[int]
    leased_until: Mapped[datetime | None]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    expires_at: Mapped[datetime | None]


class SecondFactor(Base):
    """What a person proves a login with besides the password, by RFC 6238.

    It counts once it is confirmed. `last_step` is the time step of the last code that was taken, so
    that none is taken twice; of recovery codes only the SHA-256 is kept.
    """

    __tablename__ = "second_factors"
    __table_args__ = (within_jurisdiction("person_id", "people"),)

    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    secret: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)
    recovery_hashes: Mapped[list[str]]
