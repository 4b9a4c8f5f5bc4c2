"""Handing work to somebody outside the city's teams: it waits until a team takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.access import Act
from city.desk_models import ThirdParty
from city.models import Jurisdiction
from city.staff import Staff
from infra.words import Reader
from reports import chronicle, history, messages, notices, snapshots, wording, work
from reports.desk import handling
from reports.history import EventKind
from reports.models import Author, Event, Message, Ticket
from reports.status import Status
from reports.things import Thing
from reports.work import Move


class UnknownThirdParty(Exception):
    """The city has no such third party in use."""


class ExpectedGone(Exception):
    """The time by which it is expected has passed."""


@dataclass(frozen=True, slots=True)
class Handing:
    """To whom work is handed and why: a `code` of the city's list, or else any `name`."""

    reason: str
    code: str | None = None
    name: str | None = None
    expected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Who has the work: the code in the city's list, if they are in it, and the words for it."""

    code: str | None
    text: str
    since: datetime
    expected_at: datetime | None


def choices(session: Session, jurisdiction_id: int, locale: str) -> list[Thing]:
    """Return the third parties in use, in the city's order."""
    reader = Reader(locale, session.get_one(Jurisdiction, jurisdiction_id).locales)
    query = select(ThirdParty).where(
        ThirdParty.jurisdiction_id == jurisdiction_id, ThirdParty.retired_at.is_(None)
    )
    rows = session.scalars(query.order_by(ThirdParty.position, ThirdParty.code))
    return [Thing.of(row, reader) for row in rows]


def hand_over(
    session: Session,
    staff: Staff,
    ticket_id: int,
    version: int,
    handing: Handing,
    now: datetime,
) -> Ticket:
    """Hand the ticket over and tell its reporters to whom; its clock stands still meanwhile.

    Raise ExpectedGone, NotAllowed, StaleVersion, TicketMerged, TransitionRefused, UnknownThirdParty
    or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.CHANGE_STATUS, ticket_id, version)
    if handing.expected_at is not None and handing.expected_at < now:
        raise ExpectedGone
    city = session.get_one(Jurisdiction, ticket.jurisdiction_id)
    data = _data(session, city, handing)
    if ticket.status != Status.WAITING:
        work.move(session, ticket, Move(Status.WAITING, staff.person_id, told=False), now)
    body = None
    if handing.name is not None:
        # What the city has not published itself is kept where it can be forgotten.
        language = wording.languages(session, ticket, city.locales)[0]
        body = history.handed_to(language, handing.name, data.get("expected"))
    event = history.append(
        session,
        ticket,
        EventKind.THIRD_PARTY,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        message=messages.by_city(ticket, staff.person_id, now, body=body, reason=handing.reason),
        data=data,
    )
    session.flush()
    notices.announce(session, event, ticket.team_id, now)
    return ticket


def _data(session: Session, city: Jurisdiction, handing: Handing) -> dict[str, Any]:
    data: dict[str, Any] = {"to": Status.WAITING.value}
    if handing.expected_at is not None:
        data["expected"] = handing.expected_at.astimezone(ZoneInfo(city.time_zone)).isoformat()
    if handing.name is None:
        party = session.scalar(
            select(ThirdParty).where(
                ThirdParty.jurisdiction_id == city.id,
                ThirdParty.code == handing.code,
                ThirdParty.retired_at.is_(None),
            )
        )
        if party is None:
            raise UnknownThirdParty(handing.code)
        data["third_party"] = snapshots.coded(party.code, party.names)
    return data


def has(session: Session, ticket: Ticket) -> bool:
    """Tell whether a third party has the ticket now."""
    return _handing_of(session, ticket) is not None


def holding(session: Session, ticket: Ticket, reader: Reader) -> Held | None:
    """Return who has the ticket now, if it was handed to somebody and not taken back."""
    event = _handing_of(session, ticket)
    if event is None:
        return None
    data: Mapping[str, Any] = event.data
    message = session.get(Message, event.message_id) if event.message_id else None
    expected = data.get("expected")
    return Held(
        code=data["third_party"]["code"] if "third_party" in data else None,
        text=history.tell(event.kind, data, message.body if message else None, reader),
        since=event.at,
        expected_at=datetime.fromisoformat(expected) if expected else None,
    )


def _handing_of(session: Session, ticket: Ticket) -> Event | None:
    if ticket.status != Status.WAITING:
        return None
    kinds = (EventKind.STATUS.value, EventKind.THIRD_PARTY.value)
    latest = session.scalar(
        select(Event)
        .where(chronicle.of_wait(ticket), Event.kind.in_(kinds))
        .order_by(Event.at.desc(), Event.seq.desc())
        .limit(1)
    )
    return latest if latest and latest.kind == EventKind.THIRD_PARTY.value else None
