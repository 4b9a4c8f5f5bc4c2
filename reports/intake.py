"""Taking a report in: from what a resident says to a ticket with a team, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import addresses, categories, deadlines, jurisdictions
from city.categories import KindNotOffered
from city.jurisdictions import Spot
from city.models import Category, Jurisdiction, Kind
from geo import filters
from geo.coordinates import Position
from reports import decisions, history, notices, work
from reports.decisions import Routing
from reports.history import EventKind
from reports.models import (
    Author,
    Channel,
    Contact,
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

# A phone may be wrong about its place, and a street may be long.
SAME_WITHIN_M = 500


class UnknownSameAs(Exception):
    """The ticket that a report says to be about is none of this jurisdiction's."""


class OutsideOwnCity(Exception):
    """Staff recorded a report for a spot in another city than their own."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """The member of staff who writes down what a resident says on the phone or at the counter."""

    person_id: int
    jurisdiction_id: int


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """How the reporter may be reached; each part is optional."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class NewReport:
    """What somebody reports; `answers` by question code, `same_as` a ticket's reference."""

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


def submit(session: Session, new: NewReport, now: datetime) -> Report:
    """Write the report, its ticket, decision, history and the notices owed; nothing is committed.

    Raise OutOfArea, OutsideOwnCity, UnknownCategory, KindNotOffered, BadAnswers or UnknownSameAs.
    """
    spot = jurisdictions.locate(session, new.position)
    if new.recorder and new.recorder.jurisdiction_id != spot.jurisdiction.id:
        raise OutsideOwnCity
    category = categories.find(session, spot.jurisdiction.id, new.category)
    if new.kind not in category.kinds:
        raise KindNotOffered(new.kind)
    questions = categories.questions_of(session, category.id)
    answers = categories.check_answers(questions, new.answers or {})
    joined = _ticket_to_join(session, spot.jurisdiction, category, new)
    report = _write_report(session, new, spot, category, answers, now)
    if joined is None:
        routed = decisions.route(session, spot, category, new.accuracy_m)
        ticket = _open_ticket(session, report, category, routed, now)
        decisions.keep(session, ticket, report, routed, now)
    else:
        ticket = joined
    work.enter(session, ticket, report.id, now)
    kind = EventKind.RECEIVED if joined is None else EventKind.JOINED
    received = history.append(
        session,
        ticket,
        kind,
        now,
        author=Author.RESIDENT,
        report_id=report.id,
        data={"to": ticket.status},
    )
    if joined is None:
        team = {"team": routed.team.names}
        history.append(session, ticket, EventKind.ROUTED, now, author=Author.CITY, data=team)
    session.flush()
    notices.announce(session, received, ticket.team_id, now)
    return report


def _ticket_to_join(
    session: Session, jurisdiction: Jurisdiction, category: Category, new: NewReport
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
    found = session.execute(
        select(Ticket.id, near.label("near")).where(
            Ticket.jurisdiction_id == jurisdiction.id, Ticket.reference == reference
        )
    ).first()
    if found is None:
        raise UnknownSameAs(new.same_as)
    ticket = work.lock(session, found.id)
    its_category = session.get_one(Category, ticket.category_id)
    fits = (
        Status(ticket.status) not in CLOSED
        and ticket.kind == new.kind
        and (its_category.id == category.id or (its_category.public and category.public))
        and found.near
    )
    return ticket if fits else None


def _write_report(
    session: Session,
    new: NewReport,
    spot: Spot,
    category: Category,
    answers: dict[str, object],
    now: datetime,
) -> Report:
    jurisdiction = spot.jurisdiction
    report = Report(
        jurisdiction_id=jurisdiction.id,
        reference=new_report_reference(),
        kind=new.kind.value,
        category_id=category.id,
        description=new.description,
        location=new.position,
        accuracy_m=new.accuracy_m,
        address=new.address or addresses.nearest_label(session, jurisdiction.id, new.position),
        answers=answers,
        locale=_locale(new.locale, jurisdiction),
        observed_at=new.observed_at,
        channel=new.channel.value,
        external_ref=new.external_ref,
        recorded_by=new.recorder.person_id if new.recorder else None,
        visibility=Visibility.SHOWN.value,
        created_at=now,
    )
    session.add(report)
    session.flush()
    if new.contact is not None:
        session.add(
            Contact(
                report_id=report.id,
                jurisdiction_id=jurisdiction.id,
                name=new.contact.name,
                email=new.contact.email,
                phone=new.contact.phone,
            )
        )
    return report


def _open_ticket(
    session: Session, report: Report, category: Category, routed: Routing, now: datetime
) -> Ticket:
    kind = Kind(report.kind)
    # A compliment asks for no work, so its ticket is finished when it begins.
    born_closed = kind is Kind.COMPLIMENT
    ticket = Ticket(
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
        due_at=deadlines.due_at(now, category.target_hours, owes_deadline=kind is Kind.PROBLEM),
        created_at=now,
        updated_at=now,
        closed_at=now if born_closed else None,
    )
    session.add(ticket)
    session.flush()
    return ticket


def _locale(wanted: str, jurisdiction: Jurisdiction) -> str:
    language = wanted.replace("_", "-").split("-")[0].lower()
    return language if language in jurisdiction.locales else jurisdiction.locales[0]
