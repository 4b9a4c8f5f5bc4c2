"""Links to photos: what a report's sender did not send along but said where to find."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base, one_of, within_jurisdiction


class LinkStatus(StrEnum):
    """How far a link is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class LinkFailure(StrEnum):
    """Why no photo came of a link."""

    NOT_FETCHED = "not_fetched"
    NO_PHOTO = "no_photo"
    TOO_MANY = "too_many"
    WITHDRAWN = "withdrawn"
    ANONYMISED = "anonymised"
    OTHER_PHOTO = "other_photo"


class PhotoLink(Base):
    """An address at which a report's sender said that a photo of it is.

    The address may tell who they are: it stands here and nowhere else. `attempt` counts every time
    that it was taken in hand, `tries` those that may have had to do with what is there. `error` is
    how the last one ended, in words of ours.
    """

    __tablename__ = "photo_links"
    __table_args__ = (
        within_jurisdiction("report_id", "reports"),
        one_of("status", LinkStatus),
        Index("ix_photo_links_report_id", "report_id"),
        Index(
            "ix_photo_links_pending", "due_at", "id", postgresql_where=text("status = 'pending'")
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger)
    url: Mapped[str]
    status: Mapped[str]
    attempt: Mapped[int]
    tries: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    error: Mapped[str | None]
