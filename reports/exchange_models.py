"""What other systems told of reports, so that nothing is done twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base, within_jurisdiction


class OutsideUpdate(Base):
    """One update that came from a client, by the name that it has there, and the event it became.

    `seq` is None where nothing was to be done; `told_at` is when it happened there.
    """

    __tablename__ = "outside_updates"
    __table_args__ = (
        PrimaryKeyConstraint("api_key_id", "update_id"),
        within_jurisdiction("api_key_id", "api_keys"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("ticket_id", "tickets"),
    )

    api_key_id: Mapped[int] = mapped_column(BigInteger)
    update_id: Mapped[str]
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int | None]
    told_at: Mapped[datetime]
    created_at: Mapped[datetime]
