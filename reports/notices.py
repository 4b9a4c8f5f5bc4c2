"""Notices: who is told what. Each is a row first, written with the event it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Jurisdiction
from infra.queue import Job
from reports import errands, subscriptions
from reports.history import EventKind
from reports.models import Audience, Contact, Event, Membership, Notice, NoticeStatus, Report
from reports.subscriptions import Subscription


class NoticeKind(StrEnum):
    """What a notice is about."""

    ARRIVAL = "arrival"
    RECEIPT = "receipt"
    STATUS = "status"
    MESSAGE = "message"
    WITHDRAWAL = "withdrawal"
    JOINED = "joined"
    PARTED = "parted"
    SUBSCRIPTION = "subscription"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may be told of an event: its ticket's team, and the reporters who left an address.

    `locale` is the team's language. A reporter is a report's id and its language.
    """

    team_id: int
    locale: str
    reporters: Sequence[tuple[int, str]]


def announce(session: Session, event: Event, team_id: int, now: datetime) -> None:
    """Owe the notices that the event gives rise to, to the team and to the reporters."""
    locale = session.get_one(Jurisdiction, event.jurisdiction_id).locales[0]
    reporters = _reachable(session, event) if _for_reporters(event) else ()
    readers = Readers(team_id, locale, reporters)
    owed = arising(event, readers, now)
    if EventKind(event.kind) is EventKind.STATUS:
        followers = subscriptions.of_ticket(session, event.ticket_id)
        owed += [_to_subscriber(event, NoticeKind.NEWS, one, now) for one in followers]
    session.add_all(owed)
    session.flush()
    promise(session, owed)


def ask_to_confirm(
    session: Session, subscription: Subscription, event: Event, now: datetime
) -> None:
    """Owe the mail that asks whether the news is wanted; the event is the ticket's last one."""
    owed = _to_subscriber(event, NoticeKind.SUBSCRIPTION, subscription, now)
    session.add(owed)
    session.flush()
    promise(session, [owed])


def arising(event: Event, readers: Readers, now: datetime) -> list[Notice]:
    """Return the notices that the event gives rise to, to be written with it."""
    owed: list[Notice] = []
    for_team = _for_team(event)
    if for_team is not None:
        if event.report_id is None:
            raise ValueError("a team is told of what a report's sender did")
        notice = _notice(event, for_team, Audience.TEAM, event.report_id, readers.locale, now)
        notice.team_id = readers.team_id
        owed.append(notice)
    for_reporters = _for_reporters(event)
    if for_reporters is not None:
        owed += [
            _notice(event, for_reporters, Audience.REPORTER, report_id, locale, now)
            for report_id, locale in readers.reporters
            # What becomes of a report within its ticket is only its own sender's business.
            if for_reporters is NoticeKind.STATUS or report_id == event.report_id
        ]
    return owed


def promise(session: Session, owed: Iterable[Notice]) -> None:
    """Have each written notice's sending nudged after the commit."""
    for notice in owed:
        errands.owe(session, Job.SEND_NOTICE, notice.id)


def _to_subscriber(
    event: Event, kind: NoticeKind, subscription: Subscription, now: datetime
) -> Notice:
    report_id, locale = subscription.report_id, subscription.locale
    notice = _notice(event, kind, Audience.SUBSCRIBER, report_id, locale, now)
    notice.subscription_id = subscription.id
    return notice


def _for_team(event: Event) -> NoticeKind | None:
    match EventKind(event.kind):
        case EventKind.RECEIVED | EventKind.JOINED | EventKind.ROUTED:
            return NoticeKind.ARRIVAL
        case EventKind.MESSAGE:
            return NoticeKind.MESSAGE
        case EventKind.STATUS if event.person_id is None:
            return NoticeKind.WITHDRAWAL
        case _:
            return None


def _for_reporters(event: Event) -> NoticeKind | None:
    match EventKind(event.kind):
        case EventKind.RECEIVED | EventKind.JOINED:
            return NoticeKind.RECEIPT
        case EventKind.MOVED_IN:
            return NoticeKind.JOINED
        case EventKind.PARTED:
            return NoticeKind.PARTED
        case EventKind.STATUS:
            return NoticeKind.STATUS
        case _:
            return None


def _reachable(session: Session, event: Event) -> list[tuple[int, str]]:
    """Return id and locale of the ticket's reports whose reporters left an address."""
    query = (
        select(Report.id, Report.locale)
        .join(Membership, Membership.report_id == Report.id)
        .join(Contact, Contact.report_id == Report.id)
        .where(
            Membership.ticket_id == event.ticket_id,
            Membership.left_at.is_(None),
            Contact.email.is_not(None),
        )
        .order_by(Report.id)
    )
    return [(id_, locale) for id_, locale in session.execute(query)]


def _notice(
    event: Event, kind: NoticeKind, audience: Audience, report_id: int, locale: str, now: datetime
) -> Notice:
    return Notice(
        jurisdiction_id=event.jurisdiction_id,
        ticket_id=event.ticket_id,
        report_id=report_id,
        seq=event.seq,
        kind=kind.value,
        audience=audience.value,
        locale=locale,
        message_key=uuid4().hex,
        status=NoticeStatus.PENDING.value,
        attempt=0,
        due_at=now,
    )
