"""The decisions about reports as they are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base, within_jurisdiction


class DecisionRow(Base):
    """Why a report went where it went; `record` holds the names as they were that day.

    The record's `group` is the id of the group that the category was in. `report_id` is the report
    that it was made for, which stays behind where a ticket is split off.

    Where a dispatcher chose another team than the rules, `team_id` is theirs, and the override says
    who, when, and in which message why.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("ruleset_id", "rulesets"),
        within_jurisdiction("rule_id", "rules"),
        within_jurisdiction("team_id", "teams"),
        within_jurisdiction("district_id", "districts"),
        within_jurisdiction("overridden_by", "people"),
        within_jurisdiction("override_message_id", "messages"),
        Index("ix_decisions_ticket_id", "ticket_id", "id"),
        Index("ix_decisions_report_id", "report_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger)
    decided_at: Mapped[datetime]
    ruleset_id: Mapped[int | None] = mapped_column(BigInteger)
    rule_id: Mapped[int | None] = mapped_column(BigInteger)
    team_id: Mapped[int] = mapped_column(BigInteger)
    district_id: Mapped[int | None] = mapped_column(BigInteger)
    certain: Mapped[bool]
    border_distance_m: Mapped[float | None]
    record: Mapped[dict[str, Any]]
    overridden_by: Mapped[int | None] = mapped_column(BigInteger)
    overridden_at: Mapped[datetime | None]
    override_message_id: Mapped[int | None] = mapped_column(BigInteger)
