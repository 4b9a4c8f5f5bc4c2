"""Taking a report in: from what a resident says to a ticket with a team, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from city import categories, deadlines, setup
from city.categories import KindNotOffered, UnknownCategory
from city.models import Channel, Kind
from city.setup import CategorySetup, Setup
from geo import filters
from geo.conditions import Said
from geo.coordinates import Position
from infra import rows
from infra.rows import New, Row
from reports import decisions, history, notices, placing, snapshots, work
from reports.decisions import Routing
from reports.history import EventKind
from reports.models import (
    Author,
    Contact,
    Event,
    Notice,
    Report,
    Ticket,
    Visibility,
)
from reports.references import (
    MalformedReference,
    new_report_reference,
    new_ticket_reference,
    normalise,
)
from reports.status import CLOSED, Status
from reports.work import Filed

# A phone may be wrong about its place, and a street may be long.
SAME_WITHIN_M = 500

# What has to have its number before it is written: a notice each for the team and the reporter.
_NUMBERED = (Report, Ticket, Notice, Notice)


class UnknownSameAs(Exception):
    """The ticket that a report says to be about is none of this jurisdiction's."""


class OutsideOwnCity(Exception):
    """Staff, or a client with a key, recorded a report for a spot in another city than theirs."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who hands in what somebody says: a member of staff on the phone, or a client with a key."""

    jurisdiction_id: int
    person_id: int | None = None
    api_key_id: int | None = None


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """How the reporter may be reached; each part is optional."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """As whom another system knows the reporter: its `subject`, in the words of the `issuer`."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class NewReport:
    """What somebody reports; `answers` by question code, `same_as` a ticket's reference.

    `number` was reserved for it beforehand, so that its photos could be stored.
    """

    kind: Kind
    category: str
    description: str
    position: Position
    accuracy_m: float | None = None
    address: str | None = None
    answers: Mapping[str, object] | None = None
    contact: ContactDetails | None = None
    locale: str = ""
    observed_at: datetime | None = None
    same_as: str | None = None
    channel: Channel = Channel.APP
    external_ref: str | None = None
    recorder: Recorder | None = None
    sender: Sender | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """With what a new ticket begins: the set-up that its report met, and where that led it."""

    setup: Setup
    routed: Routing


@dataclass(frozen=True, slots=True)
class Taken:
    """A report taken in; `opening` is None where its ticket was there before."""

    report: Report
    contact: ContactDetails | None
    ticket: Ticket
    opening: Opening | None


def reserve(session: Session) -> int:
    """Return the number of a report that is yet to be submitted."""
    return session.execute(select(rows.next_number(Report))).scalar_one()


def submit(session: Session, new: NewReport, now: datetime) -> Taken:
    """Write the report, its ticket, decision, history and the notices owed; nothing is committed.

    Raise OutOfArea, OutsideOwnCity, UnknownCategory, KindNotOffered, BadAnswers or UnknownSameAs.
    """
    surveyed = setup.survey(session, new.category, new.position, reserve=_NUMBERED)
    place, found = surveyed.place, surveyed.setup
    if new.recorder and new.recorder.jurisdiction_id != place.jurisdiction_id:
        raise OutsideOwnCity
    if found is None:
        raise UnknownCategory(new.category)
    if new.kind not in found.category.kinds:
        raise KindNotOffered(new.kind)
    answers = categories.check_answers(found.questions, new.answers or {})
    joined = _ticket_to_join(session, place.jurisdiction_id, found.category, new)
    report_id, ticket_id, *notice_ids = surveyed.numbers
    report = _report(new.number or report_id, new, found, answers, now)
    if joined is None:
        said = Said(now, new.kind, answers)
        placed = placing.weigh(session, place, new.accuracy_m)
        opening = Opening(found, decisions.route(found, placed, said))
        taken = Taken(report, new.contact, _ticket(ticket_id, report, opening, now), opening)
    else:
        taken = Taken(report, new.contact, joined, None)
    _write(session, taken, found, notice_ids, now)
    return taken


def _write(
    session: Session, taken: Taken, found: Setup, notice_ids: Sequence[int], now: datetime
) -> None:
    """Write all that the report leads to, together."""
    report, contact, ticket, opening = taken.report, taken.contact, taken.ticket, taken.opening
    lines = _lines(report, ticket, opening, now)
    reachable = contact is not None and contact.email is not None
    readers = notices.Readers(
        team_id=ticket.team_id,
        locale=found.locales[0],
        reporters=[(report.id, report.locale)] if reachable else [],
    )
    owed = notices.arising(lines[0], readers, now)
    numbered = [
        notice.having(id=number)
        for notice, number in zip(owed, notice_ids[: len(owed)], strict=True)
    ]
    opened: list[Row] = []
    if opening is not None:
        opened = [ticket, decisions.as_row(ticket, report, opening.routed, now)]
    session.flush()
    rows.write(
        session,
        [
            report,
            *([_contact(report, contact)] if contact else []),
            *opened,
            work.membership(ticket, report.id, now),
            *lines,
            *numbered,
        ],
    )
    notices.promise(session, notice_ids[: len(owed)])


def _lines(report: Report, ticket: Ticket, opening: Opening | None, now: datetime) -> list[Event]:
    """Return the lines of history, that of the report's arrival first."""
    data: dict[str, Any] = {"to": ticket.status}
    if opening is not None:
        district, team = opening.routed.record["district"], opening.routed.team
        data["state"] = snapshots.codes(
            ticket, opening.setup.category.code, team.code, district and district["code"]
        )
    received = history.next_line(
        ticket,
        EventKind.RECEIVED if opening else EventKind.JOINED,
        now,
        author=Author.RESIDENT,
        report_id=report.id,
        data=data,
    )
    if opening is None:
        return [received]
    return [
        received,
        history.next_line(
            ticket,
            EventKind.ROUTED,
            now,
            author=Author.CITY,
            data={"team": snapshots.coded(team.code, team.names)},
        ),
    ]


def _ticket_to_join(
    session: Session, jurisdiction_id: int, category: CategorySetup, new: NewReport
) -> Ticket | None:
    """Return the open ticket that the reporter named, locked.

    What is closed, of another kind or far away is not joined: the report gets a ticket of its own,
    since nobody would look at it there. Nor is what the public sees joined with what it may not.
    """
    if new.same_as is None:
        return None
    try:
        reference = normalise(new.same_as)
    except MalformedReference as error:
        raise UnknownSameAs(new.same_as) from error
    near = filters.within(Ticket.location, new.position, SAME_WITHIN_M)
    survivor = aliased(Ticket)
    found = session.execute(
        select(func.coalesce(survivor.id, Ticket.id).label("id"), near.label("near"))
        .outerjoin(survivor, survivor.id == Ticket.merged_into_id)
        .where(Ticket.jurisdiction_id == jurisdiction_id, Ticket.reference == reference)
    ).first()
    if found is None:
        raise UnknownSameAs(new.same_as)
    ticket = work.lock(session, found.id)
    fits = (
        Status(ticket.status) not in CLOSED
        and ticket.merged_into_id is None
        and work.go_together(session, Filed(new.kind, category.id, category.public), ticket)
        and found.near
    )
    return ticket if fits else None


def _report(
    id_: int, new: NewReport, found: Setup, answers: dict[str, object], now: datetime
) -> Report:
    return Report(
        id=id_,
        jurisdiction_id=found.jurisdiction_id,
        reference=new_report_reference(),
        kind=new.kind.value,
        category_id=found.category.id,
        description=new.description,
        location=new.position,
        accuracy_m=new.accuracy_m,
        address=new.address or found.nearest_address,
        answers=answers,
        locale=_locale(new.locale, found.locales),
        observed_at=new.observed_at,
        channel=new.channel.value,
        external_ref=new.external_ref,
        recorded_by=new.recorder.person_id if new.recorder else None,
        api_key_id=new.recorder.api_key_id if new.recorder else None,
        issuer=new.sender.issuer if new.sender else None,
        subject=new.sender.subject if new.sender else None,
        visibility=Visibility.SHOWN.value,
        created_at=now,
    )


def _contact(report: Report, given: ContactDetails) -> New[Contact]:
    return New(
        Contact,
        {
            "report_id": report.id,
            "jurisdiction_id": report.jurisdiction_id,
            "name": given.name,
            "email": given.email,
            "phone": given.phone,
        },
    )


def _ticket(id_: int, report: Report, opening: Opening, now: datetime) -> Ticket:
    category, routed = opening.setup.category, opening.routed
    kind = Kind(report.kind)
    # A compliment asks for no work, so its ticket is finished when it begins.
    born_closed = kind is Kind.COMPLIMENT
    target = deadlines.target_hours(
        category.target_hours, category.target_hours_by_priority, category.priority
    )
    return Ticket(
        id=id_,
        jurisdiction_id=report.jurisdiction_id,
        reference=new_ticket_reference(),
        version=0,
        status=(Status.RESOLVED if born_closed else Status.RECEIVED).value,
        kind=kind.value,
        category_id=category.id,
        priority=category.priority,
        team_id=routed.team.id,
        district_id=routed.choice.district_id,
        location=report.location,
        address=report.address,
        unrouted=routed.choice.rule is None,
        uncertain=not routed.certain,
        withdrawn=False,
        due_at=deadlines.due_at(
            now, target, routed.team.calendar, owes_deadline=kind is Kind.PROBLEM
        ),
        due_fixed=False,
        relance=0,
        created_at=now,
        updated_at=now,
        closed_at=now if born_closed else None,
    )


def _locale(wanted: str, offered: Sequence[str]) -> str:
    language = wanted.replace("_", "-").split("-")[0].lower()
    return language if language in offered else offered[0]
