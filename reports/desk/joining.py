"""One piece of work, many reports: tickets are merged, parted again, and split.

Reports are moved between tickets, and a membership that has ended stays: so whatever was joined
can be parted, and every reporter goes on following their own report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.access import Act
from city.models import Category, Priority, Team
from city.staff import Staff
from reports import clock, closings, decisions, history, notices, snapshots, work
from reports.desk import handling, triage
from reports.desk.handling import UnknownTicket
from reports.history import EventKind
from reports.models import Author, Event, Message, Report, Ticket
from reports.references import MalformedReference, new_ticket_reference, normalise
from reports.status import CLOSED, Status
from reports.work import Filed

_URGENCY = [priority.value for priority in Priority]

# What a ticket that parts from another takes along of it.
_SHARED = (
    "jurisdiction_id",
    "status",
    "kind",
    "category_id",
    "priority",
    "team_id",
    "assignee_id",
    "district_id",
    "location",
    "address",
    "unrouted",
    "uncertain",
    "withdrawn",
    "close_reason_id",
    "planned_on",
    "planned_at",
    "due_at",
    "due_fixed",
    "relance",
    "closed_at",
    "public_message_id",
)


class UnfitTarget(Exception):
    """The ticket cannot be merged into the one that was named, or there is none."""


class NotMerged(Exception):
    """The ticket stands for itself, or none of its reports could come back to it."""


class UnfitReports(Exception):
    """The reports to split off are not in the ticket, or none would be left in it."""


@dataclass(frozen=True, slots=True)
class Step:
    """When reports are moved, and by whom; None stands for the reporter."""

    now: datetime
    person_id: int | None = None


def merge(
    session: Session, staff: Staff, ticket_id: int, version: int, into: str, now: datetime
) -> Ticket:
    """Move the ticket's reports into another ticket, and return that one.

    Raise NotAllowed, StaleVersion, TicketMerged, UnfitTarget or UnknownTicket.
    """
    step = Step(now, staff.person_id)
    try:
        target = handling.find(session, staff, into)
    except UnknownTicket as error:
        raise UnfitTarget(into) from error
    work.lock_all(session, (ticket_id, target.id))
    ticket = handling.hold(session, staff, Act.JOIN, ticket_id, version)
    if target.id == ticket.id or target.merged_into_id or not _are_alike(session, ticket, target):
        raise UnfitTarget(into)
    moved = work.report_ids(session, ticket)
    before = target.priority
    urgent = max(before, ticket.priority, key=_URGENCY.index)
    changed = _set_priority(session, target, urgent)
    work.transfer(session, moved, target, now, step.person_id)
    ticket.merged_into_id = target.id
    # Nothing is left to do about it, so nothing can be late.
    ticket.closed_at = ticket.closed_at or now
    data = {"ticket": target.reference, "reports": moved, "priority": [before, target.priority]}
    _write(session, ticket, EventKind.MERGED, step, data=data)
    if Status(target.status) in CLOSED:
        closings.ask(session, target)
    data = {"ticket": ticket.reference, **_new_team(session, ticket, target), **changed}
    _tell_each(session, target, EventKind.MOVED_IN, moved, step, data)
    return target


def unmerge(session: Session, staff: Staff, ticket_id: int, version: int, now: datetime) -> Ticket:
    """Give a merged ticket back those of its reports that are still where it was merged into.

    Raise NotAllowed, NotMerged, StaleVersion or UnknownTicket.
    """
    step = Step(now, staff.person_id)
    ticket, survivor = _hold_both(session, ticket_id)
    handling.check(staff, Act.JOIN, ticket, version)
    if ticket.merged_into_id is None:
        raise NotMerged
    merged = _last_merge(session, ticket)
    there = work.report_ids(session, survivor)
    back = [report_id for report_id in merged["reports"] if report_id in there]
    if not back or len(back) == len(there):
        raise NotMerged
    before, raised = merged["priority"]
    changed = _set_priority(session, survivor, before) if survivor.priority == raised else {}
    work.transfer(session, back, ticket, now, step.person_id)
    ticket.merged_into_id = None
    ticket.closed_at = ticket.closed_at if Status(ticket.status) in CLOSED else None
    for report_id in back:
        _write(session, survivor, EventKind.MOVED_OUT, step, report_id, changed)
    _tell_each(session, ticket, EventKind.PARTED, back, step, {"ticket": survivor.reference})
    if ticket.team_id != survivor.team_id and Status(ticket.status) not in CLOSED:
        work.tell_new_team(session, ticket, staff.person_id, now, None)
    return ticket


def split(
    session: Session,
    staff: Staff,
    ticket_id: int,
    version: int,
    references: Sequence[str],
    now: datetime,
) -> Ticket:
    """Move some of the ticket's reports into a new one, which is filed as the oldest of them was.

    Raise NotAllowed, StaleVersion, TicketMerged, UnfitReports or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.JOIN, ticket_id, version)
    there = work.report_ids(session, ticket)
    named = _named(session, there, references)
    if len(named) == len(there):
        raise UnfitReports
    chosen = [report_id for report_id in there if report_id in named]
    own = part(session, ticket, chosen, Step(now, staff.person_id))
    triage.refile(session, staff, own, now)
    return own


def part(session: Session, ticket: Ticket, report_ids: Sequence[int], step: Step) -> Ticket:
    """Move reports out of a held ticket into a new one that stands where the old one does."""
    own = Ticket(
        reference=new_ticket_reference(),
        version=0,
        created_at=step.now,
        updated_at=step.now,
        **{name: getattr(ticket, name) for name in _SHARED},
    )
    _start_clock(own, ticket, session.get_one(Report, report_ids[0]).created_at)
    session.add(own)
    session.flush()
    clock.follow(session, own)
    session.add(decisions.copy(decisions.latest(session, ticket.id), own))
    work.transfer(session, report_ids, own, step.now, step.person_id)
    withdrawn = step.person_id is None
    for report_id in report_ids:
        kind = EventKind.LEFT if withdrawn else EventKind.MOVED_OUT
        _write(session, ticket, kind, step, report_id, {"to": ticket.status})
    state = {"state": snapshots.read(session, own)}
    if withdrawn:
        for report_id in report_ids:
            _write(session, own, EventKind.PARTED, step, report_id, {"to": own.status, **state})
    else:
        data = {"ticket": ticket.reference, **state}
        _tell_each(session, own, EventKind.PARTED, report_ids, step, data)
    return own


def _start_clock(own: Ticket, ticket: Ticket, sent_at: datetime) -> None:
    """Have a parted ticket's clock begin where the old one's did, or when its report was sent."""
    own.clock_from = max(clock.began(ticket), sent_at)
    if ticket.paused_at is not None:
        own.paused_at = max(ticket.paused_at, own.clock_from)


def _set_priority(session: Session, ticket: Ticket, priority: str) -> dict[str, Any]:
    """Give the ticket the priority, and return what history holds of what that has changed."""
    if ticket.priority == priority:
        return {}
    before = snapshots.read(session, ticket)
    ticket.priority = priority
    clock.follow(session, ticket)
    return {"changes": snapshots.difference(before, snapshots.read(session, ticket))}


def _new_team(session: Session, ticket: Ticket, target: Ticket) -> dict[str, Any]:
    """Return what history holds of the team that has the reports now, if another one had them."""
    if target.team_id == ticket.team_id:
        return {}
    team = session.get_one(Team, target.team_id)
    return {"team": snapshots.coded(team.code, team.names)}


def _hold_both(session: Session, ticket_id: int) -> tuple[Ticket, Ticket]:
    """Return the ticket and the one that its reports are in now, both held."""
    while True:
        survivor_id = work.survivor_id(session, ticket_id)
        held = work.lock_all(session, (ticket_id, survivor_id))
        # It may have been merged on while the lock was waited for.
        if work.survivor_id(session, ticket_id) == survivor_id:
            return held[ticket_id], held[survivor_id]


def _last_merge(session: Session, ticket: Ticket) -> dict[str, Any]:
    data: dict[str, Any] = session.scalars(
        select(Event.data)
        .where(Event.ticket_id == ticket.id, Event.kind == EventKind.MERGED.value)
        .order_by(Event.seq.desc())
        .limit(1)
    ).one()
    return data


def _are_alike(session: Session, one: Ticket, other: Ticket) -> bool:
    category = session.get_one(Category, one.category_id)
    return work.go_together(session, Filed(one.kind, category.id, category.public), other)


def _named(session: Session, there: Sequence[int], references: Sequence[str]) -> set[int]:
    """Return the ids of the reports with the references, or raise UnfitReports."""
    try:
        wanted = {normalise(reference) for reference in references}
    except MalformedReference as error:
        raise UnfitReports from error
    found = set(
        session.scalars(select(Report.id).where(Report.id.in_(there), Report.reference.in_(wanted)))
    )
    if len(found) < len(wanted):
        raise UnfitReports
    return found


def _tell_each(
    session: Session,
    ticket: Ticket,
    kind: EventKind,
    report_ids: Sequence[int],
    step: Step,
    data: dict[str, Any],
) -> None:
    """Write into the ticket's history what became of each report, and owe its reporter a word.

    Who comes to what was closed before reads what the others were told.
    """
    answer = session.get(Message, ticket.public_message_id) if ticket.public_message_id else None
    for report_id in report_ids:
        told = data | {"to": ticket.status}
        event = _write(session, ticket, kind, step, report_id, told, answer)
        notices.announce(session, event, ticket.team_id, step.now)


def _write(
    session: Session,
    ticket: Ticket,
    kind: EventKind,
    step: Step,
    report_id: int | None = None,
    data: dict[str, Any] | None = None,
    message: Message | None = None,
) -> Event:
    event = history.append(
        session,
        ticket,
        kind,
        step.now,
        author=Author.CITY if step.person_id else Author.RESIDENT,
        person_id=step.person_id,
        report_id=report_id,
        message=message,
        data=data,
    )
    session.flush()
    return event
