"""The work on a ticket: its status changes here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, bindparam, select, update
from sqlalchemy.orm import Session, aliased

from city.desk_models import CloseReason
from city.models import Category, Team
from infra.rows import New
from reports import clock, closings, history, messages, notices, snapshots, status
from reports.history import WITHDRAWN, EventKind
from reports.models import Author, Membership, Message, Report, Ticket
from reports.status import CLOSED, Status

_before = aliased(Ticket)

LOCKED: Select[*tuple[Any, ...]] = (
    select(
        Ticket,
        Report.anonymised_at,
        select(_before.version)
        .where(_before.id == Ticket.id)
        .scalar_subquery()
        .label("version_before"),
    )
    .join(Membership, Membership.ticket_id == Ticket.id)
    .join(Report, Report.id == Membership.report_id)
    .where(Membership.report_id == bindparam("report_id"), Membership.left_at.is_(None))
    .with_for_update(key_share=True, of=Ticket)
    .execution_options(populate_existing=True)
)
"""The ticket that a report is in, locked, for `lock_and_read`."""


class ReportAnonymised(Exception):
    """Nothing ties the report to a person any more, so nobody can act as its reporter."""


@dataclass(frozen=True, slots=True)
class Move:
    """A change of status: where to, by whom, and why.

    It is by a person of the staff, or by the client that is called `client` and works for the city;
    without either a resident's own act leads to it.

    One that is not `told` is part of something that its readers are told of anyway. A reason of the
    city's list stands in `close_reason`; `code` says why where nobody was asked for a reason.
    """

    to: Status
    person_id: int | None
    reason: str | None = None
    public_message: str | None = None
    report_id: int | None = None
    told: bool = True
    code: str | None = None
    close_reason: CloseReason | None = None
    client: str | None = None

    @property
    def by_city(self) -> bool:
        """Tell whether somebody who works for the city takes it."""
        return self.person_id is not None or self.client is not None


class Filed(NamedTuple):
    """As what something was reported; `public` says whether everybody may see its category."""

    kind: str
    category_id: int
    public: bool


def go_together(session: Session, filed: Filed, ticket: Ticket) -> bool:
    """Tell whether it could be the same work as the ticket.

    What the public sees is not joined with what it may not see.
    """
    category = session.get_one(Category, ticket.category_id)
    seen_alike = category.id == filed.category_id or (category.public and filed.public)
    return ticket.kind == filed.kind and seen_alike


def going_with(filed: Filed) -> list[ColumnElement[bool]]:
    """Return the conditions on tickets that `go_together` with what was filed."""
    seen_alike = Ticket.category_id == filed.category_id
    if filed.public:
        seen_alike = Ticket.category_id.in_(select(Category.id).where(Category.public))
    return [Ticket.kind == filed.kind, seen_alike]


def lock(session: Session, ticket_id: int) -> Ticket:
    """Return the ticket as it is now, held until the end of the transaction."""
    return session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def lock_all(session: Session, ticket_ids: Iterable[int]) -> dict[int, Ticket]:
    """Return several tickets by id, held; always in the same order, so that nobody waits in a ring.

    No other ticket may be held before.
    """
    return {id_: lock(session, id_) for id_ in sorted(set(ticket_ids))}


def lock_as_reporter(session: Session, report: Report) -> Ticket:
    """Return the ticket that the report is in, held for what its reporter wants to do.

    Raise ReportAnonymised when nobody is its reporter any more.
    """
    ticket, _ = lock_and_read(session, report.id, LOCKED)
    return ticket


def lock_and_read(
    session: Session, report_id: int, query: Select[*tuple[Any, ...]], **values: Any
) -> tuple[Ticket, Row[*tuple[Any, ...]]]:
    """Return the ticket held as by `lock_as_reporter`, and what the query finds under the lock.

    The query is `LOCKED` with columns added, `values` are its further parameters.
    """
    ticket, row = _lock_of(session, query, {"report_id": report_id, **values})
    if row.anonymised_at is not None:
        raise ReportAnonymised
    return ticket, row


def lock_of(session: Session, report_id: int) -> Ticket:
    """Return the ticket that the report is in, held until the end of the transaction."""
    ticket, _ = _lock_of(session, LOCKED, {"report_id": report_id})
    return ticket


def _lock_of(
    session: Session, query: Select[*tuple[Any, ...]], values: dict[str, Any]
) -> tuple[Ticket, Row[*tuple[Any, ...]]]:
    while True:
        row = session.execute(query, values).one()
        ticket: Ticket = row.Ticket
        # Whoever held the lock before may have moved the report or added to it, which only the
        # next question sees. Whatever they did, it has given the ticket another version.
        if row.version_before == ticket.version:
            return ticket, row


def survivor_id(session: Session, ticket_id: int) -> int:
    """Return the ticket in which the work on this one goes on: itself, unless it was merged."""
    following: int | None = ticket_id
    while following is not None:
        ticket_id = following
        following = session.scalar(select(Ticket.merged_into_id).where(Ticket.id == ticket_id))
    return ticket_id


def oldest_report(session: Session, ticket: Ticket) -> Report:
    """Return the report that has been in the ticket for the longest time."""
    return session.get_one(Report, report_ids(session, ticket)[0])


def report_ids(session: Session, ticket: Ticket) -> list[int]:
    """Return the reports that are in the ticket now, the one that came first at the front."""
    return list(
        session.scalars(
            select(Membership.report_id)
            .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
            .order_by(Membership.joined_at, Membership.id)
        )
    )


def transfer(
    session: Session,
    report_ids: Sequence[int],
    ticket: Ticket,
    now: datetime,
    person_id: int | None = None,
) -> None:
    """Take the reports out of the tickets that they are in, all held, and put them into this one.

    `person_id` is None where the reporter did what led to it.
    """
    session.execute(
        update(Membership)
        .where(Membership.report_id.in_(report_ids), Membership.left_at.is_(None))
        .values(left_at=now)
    )
    for report_id in report_ids:
        session.add(membership(ticket, report_id, now).having(moved_by=person_id).as_object())
    session.flush()


def membership(ticket: Ticket, report_id: int, now: datetime) -> New[Membership]:
    """Return the row that puts the report into the ticket."""
    return New(
        Membership,
        {
            "jurisdiction_id": ticket.jurisdiction_id,
            "ticket_id": ticket.id,
            "report_id": report_id,
            "joined_at": now,
        },
    )


def move(session: Session, ticket: Ticket, step: Move, now: datetime) -> None:
    """Bring a locked ticket to another status, write it down and owe the notices.

    Raise TransitionRefused when the graph has no such step.
    """
    before = Status(ticket.status)
    status.check(before, step.to)
    message = _words(ticket, step, now)
    ticket.status = step.to.value
    ticket.closed_at = now if step.to in CLOSED else None
    ticket.withdrawn = not step.by_city and step.to is Status.DECLINED
    ticket.close_reason_id = step.close_reason.id if step.close_reason else None
    if step.to in CLOSED:
        ticket.planned_on = ticket.planned_at = None
    due_at = ticket.due_at
    clock.turn(session, ticket, before, now)
    event = history.append(
        session,
        ticket,
        EventKind.STATUS,
        now,
        author=Author.CITY if step.by_city else Author.RESIDENT,
        person_id=step.person_id,
        report_id=_concerned(session, ticket, step),
        message=message,
        data={
            "from": before.value,
            "to": step.to.value,
            "kind": ticket.kind,
            "code": WITHDRAWN if ticket.withdrawn else step.code,
            **_ground(step.close_reason),
            **({"client": step.client} if step.client else {}),
            **clock.difference(due_at, ticket.due_at),
        },
    )
    ticket.public_message_id = message.id if message and message.body else None
    session.flush()
    if step.to in CLOSED:
        closings.ask(session, ticket)
    if step.told:
        notices.announce(session, event, ticket.team_id, now)


def tell_new_team(
    session: Session, ticket: Ticket, person_id: int, now: datetime, ground: Message | None
) -> None:
    """Write down that a held ticket went to the team that it has now, and tell that team why.

    Of what is closed a team is told once it is opened again.
    """
    team = session.get_one(Team, ticket.team_id)
    event = history.append(
        session,
        ticket,
        EventKind.ROUTED,
        now,
        author=Author.CITY,
        person_id=person_id,
        report_id=oldest_report(session, ticket).id,
        message=ground,
        data={"team": snapshots.coded(team.code, team.names)},
    )
    session.flush()
    if Status(ticket.status) not in CLOSED:
        notices.announce(session, event, ticket.team_id, now)


def _concerned(session: Session, ticket: Ticket, step: Move) -> int | None:
    """Return the report that the step is about: staff are told of an opening by one."""
    if step.report_id is None and step.to is Status.REOPENED:
        return oldest_report(session, ticket).id
    return step.report_id


def _ground(reason: CloseReason | None) -> dict[str, Any]:
    return {"close_reason": snapshots.coded(reason.code, reason.names)} if reason else {}


def _words(ticket: Ticket, step: Move, now: datetime) -> Message | None:
    if not step.reason and not step.public_message:
        return None
    return messages.by_city(
        ticket, step.person_id, now, body=step.public_message or None, reason=step.reason
    )
