"""A desk whose days pass as a test says, in a city of its own or in what is rolled back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.access import Role
from city.models import Kind, Person
from city.staff import Staff
from geo.coordinates import Position
from reports import intake, work
from reports.desk import handing_back, joining, triage
from reports.intake import NewReport
from reports.models import Report, Ticket
from reports.status import Status
from reports.work import Move
from tests.resident import DISPATCHER, INSIDE


def paris(written: str) -> datetime:
    """Return what clocks in the demo city show, as a moment in UTC."""
    local = datetime.fromisoformat(written).replace(tzinfo=ZoneInfo("Europe/Paris"))
    return local.astimezone(UTC)


class DeskDays:
    """What residents and a dispatcher do, each time at a moment that the test names."""

    def __init__(self, session: Session) -> None:
        self.session = session
        person = session.scalars(select(Person).where(Person.email == DISPATCHER)).one()
        self.staff = Staff(
            person.id, person.jurisdiction_id, "", DISPATCHER, Role(person.role), "fr", (), ()
        )

    def report(self, at: str, category: str = "nid-de-poule", **members: Any) -> Ticket:
        """Send a report of the category and return its ticket."""
        new = NewReport(
            **{
                "kind": Kind.PROBLEM,
                "category": category,
                "description": "Un trou.",
                "position": Position(**INSIDE),
                **members,
            }
        )
        taken = intake.submit(self.session, new, paris(at))
        return self.session.get_one(Ticket, taken.ticket.id, populate_existing=True)

    def move(self, ticket: Ticket, to: Status, at: str) -> None:
        """Bring the ticket to another status."""
        step = Move(to, self.staff.person_id, "test", "Un mot.")
        work.move(self.session, work.lock(self.session, ticket.id), step, paris(at))

    def change(self, ticket: Ticket, at: str, **wanted: Any) -> set[str]:
        """Change the ticket and return which fields are others now."""
        _, changes = triage.change(
            self.session,
            self.staff,
            ticket.id,
            ticket.version,
            triage.Wanted(**wanted),  # type: ignore[typeddict-item]
            None,
            paris(at),
        )
        return set(changes)

    def hand_back(self, ticket: Ticket, at: str) -> None:
        """Give the ticket back for its team."""
        handing_back.hand_back(
            self.session, self.staff, ticket.id, ticket.version, "Pas nous", paris(at)
        )

    def merge(self, ticket: Ticket, into: Ticket, at: str) -> None:
        """Merge the ticket into another one."""
        joining.merge(
            self.session, self.staff, ticket.id, ticket.version, into.reference, paris(at)
        )

    def unmerge(self, ticket: Ticket, at: str) -> None:
        """Part a merged ticket again."""
        joining.unmerge(self.session, self.staff, ticket.id, ticket.version, paris(at))

    def split(self, ticket: Ticket, at: str) -> Ticket:
        """Split the youngest report off, and return its ticket."""
        youngest = self.session.get_one(Report, work.report_ids(self.session, ticket)[-1])
        references = [youngest.reference]
        return joining.split(
            self.session, self.staff, ticket.id, ticket.version, references, paris(at)
        )
