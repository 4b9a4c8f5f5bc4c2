"""The demo city's past as acts in order of time, and who and what they are played with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.access import Role
from city.models import Person, Team
from city.sessions import staff_of
from city.staff import Staff
from infra.storage import Storage
from reports import work
from reports.models import Report, Ticket
from reports.photos import Rendering

Picture = tuple[str, int]
"""A subject and a seed, of which a picture is drawn."""

Deed = Callable[["Stage", datetime], None]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody does at a time; `pictures` are those that it shows."""

    at: datetime
    deed: Deed
    sends: bool = False
    pictures: tuple[Picture, ...] = ()


class Cast:
    """The city's staff, as they were set up."""

    def __init__(self, session: Session, jurisdiction_id: int) -> None:
        people = session.scalars(
            select(Person)
            .where(Person.jurisdiction_id == jurisdiction_id, Person.retired_at.is_(None))
            .order_by(Person.id)
        )
        staff = [staff_of(session, person) for person in people]
        self.dispatcher = next(one for one in staff if one.role is Role.DISPATCHER)
        teams = session.scalars(select(Team.id).where(Team.jurisdiction_id == jurisdiction_id))
        self._of_team = {
            team_id: sorted(
                (one for one in staff if team_id in one.team_ids),
                key=lambda one: (one.role is not Role.TEAM_LEAD, one.person_id),
            )
            for team_id in teams
        }

    def lead(self, ticket: Ticket) -> Staff:
        """Return who leads the ticket's team, or its first member where nobody does."""
        return self._of_team[ticket.team_id][0]

    def worker(self, ticket: Ticket) -> Staff:
        """Return who of its team works on the ticket: its assignee, or always the same one."""
        team = self._of_team[ticket.team_id]
        assigned = (one for one in team if one.person_id == ticket.assignee_id)
        return next(assigned, team[ticket.id % len(team)])


@dataclass(slots=True)
class Stage:
    """Where the acts are played: reports stand under the keys that the plan gave them."""

    session: Session
    storage: Storage
    cast: Cast
    drawn: Mapping[Picture, Future[tuple[bytes, Rendering]]]
    reports: dict[str, Report] = field(default_factory=dict)

    def ticket(self, key: str) -> Ticket:
        """Return the ticket that the report is in now, held."""
        return work.lock_of(self.session, self.reports[key].id)
