"""Who may see a photo: everybody, those whose report it goes with, or the city's staff alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from city.access import Act
from city.models import Category
from city.staff import Staff
from reports import work
from reports.models import Membership, Photo, PhotoStatus, Report, Ticket, Visibility


@dataclass(frozen=True, slots=True)
class Showing:
    """A photo that has its derivatives, and for whose eyes it is.

    `public` says that what it goes with is of categories that everybody may see; `hidden` that it
    was hidden, or all that it goes with. `references` are those of the reports whose reporters may
    see it in any case.
    """

    photo: Photo
    public: bool
    hidden: bool
    references: frozenset[str]
    jurisdiction_id: int
    team_id: int

    def is_for(self, staff: Staff) -> bool:
        """Tell whether the person may read the ticket that the photo is shown with."""
        same_city = staff.jurisdiction_id == self.jurisdiction_id
        return same_city and staff.may(Act.READ_TICKETS, self.team_id)


def find(session: Session, public_id: object) -> Showing | None:
    """Return the photo, or None where there is none that has its derivatives.

    One of a report goes with that report, one of the work with every report of the ticket.
    """
    photo = session.scalar(
        select(Photo).where(Photo.public_id == public_id, Photo.status == PhotoStatus.READY.value)
    )
    if photo is None:
        return None
    filed, current = aliased(Category), aliased(Category)
    rows = session.execute(
        select(
            Report.reference,
            Report.visibility,
            Report.anonymised_at,
            (filed.public & current.public).label("public"),
            Ticket.team_id,
        )
        .select_from(Membership)
        .join(Report, Report.id == Membership.report_id)
        .join(Ticket, Ticket.id == Membership.ticket_id)
        .join(filed, filed.id == Report.category_id)
        .join(current, current.id == Ticket.category_id)
        .where(_goes_with(session, photo), Membership.left_at.is_(None))
    ).all()
    public = [row for row in rows if row.public]
    seen = Visibility.SHOWN.value
    return Showing(
        photo=photo,
        public=bool(public),
        hidden=photo.visibility != seen or all(row.visibility != seen for row in public or rows),
        # As its token opens nothing any more, an anonymised report has no reporter.
        references=frozenset(row.reference for row in rows if row.anonymised_at is None),
        jurisdiction_id=photo.jurisdiction_id,
        team_id=rows[0].team_id,
    )


def _goes_with(session: Session, photo: Photo) -> ColumnElement[bool]:
    if photo.ticket_id is None:
        return Membership.report_id == photo.report_id
    return Membership.ticket_id == work.survivor_id(session, photo.ticket_id)
