"""What another system tells of a report: its words, and where the work on it stands there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from city.keys import Client
from city.models import ApiKey
from reports import history, messages, notices, work
from reports.exchange_models import OutsideUpdate
from reports.history import EventKind
from reports.models import Author, Report, Ticket
from reports.resident import conversation, reading
from reports.resident.reading import UnknownReport
from reports.status import CLOSED, GRAPH, Status, TransitionRefused
from reports.work import Move


class NotYourReport(Exception):
    """The client neither works for the city nor has handed the report in itself."""


class UpdateReused(Exception):
    """The client told something of another report by this name before."""


@dataclass(frozen=True, slots=True)
class Update:
    """What a client tells: by what name it knows it, of which report, its words, the new status.

    REOPENED stands for any status that is open; None for one that says nothing about the work.
    `unless_told` is said to who reported it where it is declined without a word. It happened there
    `at` some time, and may be `withdrawn`, if its sender says so.
    """

    id: str
    reference: str
    at: datetime
    to: Status | None
    text: str | None
    unless_told: str
    withdrawn: bool


def take_in(session: Session, client: Client, update: Update, now: datetime) -> OutsideUpdate:
    """Do what the update says, once, and return what is kept of it.

    A client that works for the city moves the work on and tells all who reported it; the words of
    any other are those of its own report's sender. What the graph of statuses has no step for is
    only told, and so is what comes after something later. Raise UnknownReport, NotYourReport,
    UpdateReused or ReportAnonymised.
    """
    report = _find(session, client, update.reference)
    _wait_for_same(session, client, update)
    earlier = session.get(OutsideUpdate, (client.key_id, update.id))
    if earlier is not None:
        if earlier.report_id != report.id:
            raise UpdateReused
        return earlier
    ticket = work.lock_of(session, report.id)
    before = (ticket.id, ticket.version)
    if client.moves_tickets:
        _tell(session, client, ticket, _unless_overtaken(session, client, report, update), now)
    else:
        ticket = _speak(session, report, update, now)
    kept = OutsideUpdate(
        api_key_id=client.key_id,
        update_id=update.id,
        jurisdiction_id=report.jurisdiction_id,
        report_id=report.id,
        ticket_id=ticket.id,
        seq=None if (ticket.id, ticket.version) == before else ticket.version,
        told_at=update.at,
        created_at=now,
    )
    session.add(kept)
    return kept


def path(current: Status, wanted: Status | None) -> list[Status]:
    """Return the steps from one status to another; none where there is no way, or no need."""
    if wanted is None or wanted is current:
        return []
    if current in CLOSED and wanted not in CLOSED:
        return [Status.REOPENED, *path(Status.REOPENED, wanted)]
    return [wanted] if wanted in GRAPH[current] else []


def _find(session: Session, client: Client, reference: str) -> Report:
    report = reading.find_in(session, client.jurisdiction_id, reference)
    if not client.moves_tickets and report.api_key_id != client.key_id:
        raise NotYourReport if reading.is_public(session, report) else UnknownReport(reference)
    return report


def _wait_for_same(session: Session, client: Client, update: Update) -> None:
    """Have two runs of one update come one after the other."""
    name = f"update {client.key_id} {update.id}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _unless_overtaken(session: Session, client: Client, report: Report, update: Update) -> Update:
    """Return the update without its status, where the client told something later before."""
    latest = session.scalar(
        select(func.max(OutsideUpdate.told_at)).where(
            OutsideUpdate.api_key_id == client.key_id, OutsideUpdate.report_id == report.id
        )
    )
    return replace(update, to=None) if latest is not None and latest > update.at else update


def _speak(session: Session, report: Report, update: Update, now: datetime) -> Ticket:
    """Do what the report's sender says, and return the ticket that it is in then."""
    if update.text is not None:
        conversation.write_message(session, report, update.text, now)
    if update.withdrawn:
        with suppress(TransitionRefused):
            conversation.withdraw(session, report, now)
    return work.lock_of(session, report.id)


def _tell(session: Session, client: Client, ticket: Ticket, update: Update, now: datetime) -> None:
    name = session.get_one(ApiKey, client.key_id).name
    steps = path(Status(ticket.status), update.to)
    for step in steps:
        is_last = step is steps[-1]
        told = update.text if is_last else None
        if is_last and told is None and step is Status.DECLINED:
            told = update.unless_told
        work.move(session, ticket, Move(step, None, public_message=told, client=name), now)
    if steps or update.text is None:
        return
    message = messages.by_city(ticket, None, now, body=update.text)
    event = history.append(
        session,
        ticket,
        EventKind.NEWS,
        now,
        author=Author.CITY,
        message=message,
        data={"client": name},
    )
    ticket.public_message_id = message.id
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
