"""What a city gives its desk to work with: reasons to close, third parties, answer templates."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from city.statuses import Status
from infra.database import Base, Names, one_of, within_jurisdiction


class CloseReason(Base):
    """Why tickets are closed, with which of the closed statuses; told to staff by its name.

    `public_texts` is what reporters are told where nobody writes anything else; it may be empty.
    """

    __tablename__ = "close_reasons"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    statuses: Mapped[list[str]]
    public_texts: Mapped[Names] = mapped_column(server_default=text("'{}'::jsonb"))
    position: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class ThirdParty(Base):
    """Somebody outside the city's teams to whom work is handed; residents read the name."""

    __tablename__ = "third_parties"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    position: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class AnswerTemplate(Base):
    """Words to answer reporters with, and places in them that `city/placeholders.py` fills.

    Without a category it is for all of them, and without a status for every step.
    """

    __tablename__ = "answer_templates"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
        within_jurisdiction("category_id", "categories"),
        one_of("status", Status),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    category_id: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str | None]
    texts: Mapped[Names]
    position: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]
