"""Those who say "me too" without a report of their own: counted, and nobody known.

A support belongs to a report, so it goes wherever the report goes when tickets are joined or
parted. Of who gave it, a few bits of a keyed digest are kept, which thousands of addresses share:
enough that one and the same counts once, too few to tell who it was.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, PrimaryKeyConstraint, ScalarSelect, cast, func, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from infra.database import Base, within_jurisdiction
from reports.models import Membership, Report, Ticket


class Support(Base):
    """Somebody's support of what a report says."""

    __tablename__ = "supports"
    __table_args__ = (
        PrimaryKeyConstraint("report_id", "digest"),
        within_jurisdiction("report_id", "reports"),
    )

    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    digest: Mapped[int] = mapped_column(Integer, autoincrement=False)


_together = aliased(Membership)

_of_each = select(func.count()).where(Support.report_id == _together.report_id).scalar_subquery()

OF_TICKET: ScalarSelect[int] = (
    select(cast(func.sum(1 + _of_each), Integer) - 1)
    .where(_together.ticket_id == Ticket.id, _together.left_at.is_(None))
    .scalar_subquery()
)
"""How many say the same as a ticket's first report: by reports of their own, or without."""

OF_REPORT: ScalarSelect[int] = (
    select(func.count()).where(Support.report_id == Report.id).scalar_subquery()
)
"""How many supports a report has."""
