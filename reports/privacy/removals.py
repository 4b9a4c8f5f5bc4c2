"""Removals: files that have to leave the storage.

Each is owed by a row that is written with what makes the file superfluous, and the file goes after
the commit: whoever is killed in between leaves the row, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from infra.database import Base


class Removal(Base):
    """A file that is to be removed from the storage once `due_at` has come."""

    __tablename__ = "removals"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    key: Mapped[str] = mapped_column(unique=True)
    due_at: Mapped[datetime] = mapped_column(index=True)


def owe(session: Session, jurisdiction_id: int, keys: Iterable[str], due_at: datetime) -> None:
    """Owe the removal of the files under the keys; one that is owed already stays as it is."""
    rows = [{"jurisdiction_id": jurisdiction_id, "key": key, "due_at": due_at} for key in keys]
    session.execute(insert(Removal).values(rows).on_conflict_do_nothing())


def due(session: Session, now: datetime, limit: int) -> list[Removal]:
    """Return removals whose time has come, the oldest first."""
    return list(
        session.scalars(
            select(Removal)
            .where(Removal.due_at <= now)
            .order_by(Removal.due_at, Removal.id)
            .limit(limit)
        )
    )


def settle(session: Session, removed: Sequence[Removal]) -> None:
    """Forget the removals whose files are gone."""
    session.execute(delete(Removal).where(Removal.id.in_([removal.id for removal in removed])))
