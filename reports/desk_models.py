"""What the desk keeps beside its tickets: words, people's own filters, and indexes to find them by.

They stand apart, since all that takes tickets in and moves them on can do without.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from infra.database import Base, within_jurisdiction
from reports.models import Ticket


class TicketWords(Base):
    """The words of a ticket and of all that is in it, which triggers of the database keep."""

    __tablename__ = "ticket_words"
    __table_args__ = (
        within_jurisdiction("ticket_id", "tickets"),
        Index("ix_ticket_words_words", "words", postgresql_using="gin"),
    )

    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    words: Mapped[str] = mapped_column(TSVECTOR)


class SavedFilter(Base):
    """A way of looking at the inbox that a person gave a name; `query` is what its address says."""

    __tablename__ = "saved_filters"
    __table_args__ = (
        within_jurisdiction("person_id", "people"),
        UniqueConstraint("person_id", "name"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    public_id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    query: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


def _narrowed(
    name: str, *columns: InstrumentedAttribute[Any], few: ColumnElement[bool] | None = None
) -> Index:
    """Declare the index of tickets that have something in common, in order of time."""
    return Index(f"ix_tickets_{name}", *columns, Ticket.created_at, Ticket.id, postgresql_where=few)


_narrowed("category", Ticket.jurisdiction_id, Ticket.category_id)
_narrowed("district", Ticket.jurisdiction_id, Ticket.district_id)
_narrowed("assignee", Ticket.assignee_id, few=Ticket.assignee_id.is_not(None))
_narrowed("close_reason", Ticket.close_reason_id, few=Ticket.close_reason_id.is_not(None))
_narrowed("priority", Ticket.jurisdiction_id, Ticket.priority, few=Ticket.priority != "normal")
_narrowed("unrouted", Ticket.jurisdiction_id, few=Ticket.unrouted.is_(True))
_narrowed("uncertain", Ticket.jurisdiction_id, few=Ticket.uncertain.is_(True))

Index(
    "ix_tickets_team_closed",
    *(Ticket.jurisdiction_id, Ticket.team_id, Ticket.status, Ticket.created_at, Ticket.id),
    postgresql_where=Ticket.closed_at.is_not(None),
)
Index(
    "ix_tickets_merged_into",
    Ticket.merged_into_id,
    postgresql_where=Ticket.merged_into_id.is_not(None),
)

Index(
    "ix_tickets_late",
    *(Ticket.jurisdiction_id, Ticket.due_at),
    postgresql_where=Ticket.closed_at.is_(None),
)
Index(
    "ix_tickets_relance",
    *(Ticket.jurisdiction_id, Ticket.due_at),
    postgresql_where=Ticket.closed_at.is_(None) & Ticket.paused_at.is_(None) & (Ticket.relance < 3),
)
