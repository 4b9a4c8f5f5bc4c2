"""Notices: who is told what. Each is a row first, written with the event it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.access import Role
from city.models import Jurisdiction, Person
from infra.queue import Job
from infra.rows import New
from reports import errands, subscriptions
from reports.history import WITHDRAWN, EventKind
from reports.models import (
    Audience,
    Author,
    Contact,
    Event,
    Membership,
    Notice,
    NoticeStatus,
    Report,
)
from reports.status import CLOSED, Status
from reports.subscriptions import Subscription


class NoticeKind(StrEnum):
    """What a notice is about."""

    ARRIVAL = "arrival"
    RECEIPT = "receipt"
    STATUS = "status"
    MESSAGE = "message"
    MENTION = "mention"
    WITHDRAWAL = "withdrawal"
    QUESTION = "question"
    NOT_SOLVED = "not_solved"
    JOINED = "joined"
    PARTED = "parted"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    SUBSCRIPTION = "subscription"
    NEWS = "news"


RELANCE = frozenset({NoticeKind.DUE_SOON, NoticeKind.OVERDUE, NoticeKind.ESCALATED})
"""Those about a ticket's deadline, which are true only as long as it stands."""


_NEWS = frozenset({EventKind.STATUS, EventKind.PLANNED, EventKind.THIRD_PARTY, EventKind.NEWS})
_FOR_ALL = frozenset({NoticeKind.STATUS, NoticeKind.QUESTION})


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may be told of an event: its ticket's team, dispatchers, reporters who left an address.

    `locale` is the team's language. A reporter is a report's id and its language, a dispatcher a
    person's.
    """

    team_id: int
    locale: str
    reporters: Sequence[tuple[int, str]]
    dispatchers: Sequence[tuple[int, str]] = ()


def announce(session: Session, event: Event, team_id: int, now: datetime) -> None:
    """Owe the notices that the event gives rise to, to the team and to the reporters."""
    locale = session.get_one(Jurisdiction, event.jurisdiction_id).locales[0]
    reporters = _reachable(session, event) if _for_reporters(event) else ()
    dispatchers = _on_duty(session, event) if _for_dispatchers(event) else ()
    readers = Readers(team_id, locale, reporters, dispatchers)
    owed = arising(event, readers, now)
    if EventKind(event.kind) in _NEWS:
        followers = subscriptions.of_ticket(session, event.ticket_id)
        owed += [_to_subscriber(event, NoticeKind.NEWS, one, now) for one in followers]
    _write(session, owed)


def _write(session: Session, owed: Iterable[New[Notice]]) -> None:
    written = [notice.as_object() for notice in owed]
    session.add_all(written)
    session.flush()
    promise(session, [notice.id for notice in written])


def ask_to_confirm(
    session: Session, subscription: Subscription, event: Event, now: datetime
) -> None:
    """Owe the mail that asks whether the news is wanted; the event is the ticket's last one."""
    _write(session, [_to_subscriber(event, NoticeKind.SUBSCRIPTION, subscription, now)])


def mention(
    session: Session,
    event: Event,
    report_id: int,
    colleagues: Iterable[tuple[int, str]],
    now: datetime,
) -> None:
    """Owe a mail to each of the colleagues, an id and a language, whom the event's note mentions.

    The report is the one that has been in the ticket for the longest time.
    """
    _write(
        session,
        [
            _notice(event, NoticeKind.MENTION, Audience.COLLEAGUE, report_id, locale, now).having(
                person_id=person_id
            )
            for person_id, locale in colleagues
        ],
    )


def arising(event: Event, readers: Readers, now: datetime) -> list[New[Notice]]:
    """Return the notices that the event gives rise to, to be written with it."""
    owed: list[New[Notice]] = []
    for_team = _for_team(event)
    if for_team is not None:
        notice = _notice(event, for_team, Audience.TEAM, _named(event), readers.locale, now)
        owed.append(notice.having(team_id=readers.team_id))
    for_dispatchers = _for_dispatchers(event)
    if for_dispatchers is not None:
        owed += [
            _notice(event, for_dispatchers, Audience.DISPATCHER, _named(event), locale, now).having(
                person_id=person_id
            )
            for person_id, locale in readers.dispatchers
        ]
    for_reporters = _for_reporters(event)
    if for_reporters is not None:
        owed += [
            _notice(event, for_reporters, Audience.REPORTER, report_id, locale, now)
            for report_id, locale in readers.reporters
            # What becomes of a report within its ticket is only its own sender's business.
            if for_reporters in _FOR_ALL or report_id == event.report_id
        ]
    return owed


def promise(session: Session, notice_ids: Iterable[int]) -> None:
    """Have the sending of each written notice nudged after the commit."""
    for notice_id in notice_ids:
        errands.owe(session, Job.SEND_NOTICE, notice_id)


def _to_subscriber(
    event: Event, kind: NoticeKind, subscription: Subscription, now: datetime
) -> New[Notice]:
    report_id, locale = subscription.report_id, subscription.locale
    notice = _notice(event, kind, Audience.SUBSCRIBER, report_id, locale, now)
    return notice.having(subscription_id=subscription.id)


def _for_team(event: Event) -> NoticeKind | None:
    match EventKind(event.kind):
        case _ if _brings_work(event):
            return NoticeKind.ARRIVAL
        case EventKind.MESSAGE:
            return NoticeKind.MESSAGE
        case EventKind.FEEDBACK if not event.data["satisfied"]:
            return NoticeKind.NOT_SOLVED
        # Thanks are read too, but a mere yes is only counted.
        case EventKind.FEEDBACK if event.message_id is not None:
            return NoticeKind.MESSAGE
        case EventKind.DUE_SOON:
            return NoticeKind.DUE_SOON
        case EventKind.OVERDUE:
            return NoticeKind.OVERDUE
        case EventKind.STATUS if event.data.get("code") == WITHDRAWN:
            return NoticeKind.WITHDRAWAL
        case _:
            return None


def _brings_work(event: Event) -> bool:
    """Tell whether the team has something to do about a report that it knew nothing of.

    Or that it took for done, where others than its reporter open it again.
    """
    if event.kind == EventKind.STATUS:
        return event.data["to"] == Status.REOPENED and event.author == Author.CITY
    if event.kind == EventKind.MOVED_IN:
        return "team" in event.data and event.data["to"] not in CLOSED
    return EventKind(event.kind) in {EventKind.RECEIVED, EventKind.JOINED, EventKind.ROUTED}


def _for_dispatchers(event: Event) -> NoticeKind | None:
    return NoticeKind.ESCALATED if EventKind(event.kind) is EventKind.ESCALATED else None


def _for_reporters(event: Event) -> NoticeKind | None:
    match EventKind(event.kind):
        case EventKind.RECEIVED | EventKind.JOINED:
            return NoticeKind.RECEIPT
        case EventKind.QUESTION:
            return NoticeKind.QUESTION
        case EventKind.MOVED_IN:
            return NoticeKind.JOINED
        case EventKind.PARTED:
            return NoticeKind.PARTED
        case kind if kind in _NEWS:
            return NoticeKind.STATUS
        case _:
            return None


def _named(event: Event) -> int:
    """Return the report by which staff are told, since they are told of nothing else."""
    if event.report_id is None:
        raise ValueError("staff are told of an event of a report")
    return event.report_id


def _on_duty(session: Session, event: Event) -> list[tuple[int, str]]:
    """Return id and language of the jurisdiction's dispatchers."""
    query = (
        select(Person.id, Person.locale)
        .where(
            Person.jurisdiction_id == event.jurisdiction_id,
            Person.role == Role.DISPATCHER.value,
            Person.retired_at.is_(None),
        )
        .order_by(Person.id)
    )
    return [(id_, locale) for id_, locale in session.execute(query)]


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
) -> New[Notice]:
    return New(
        Notice,
        {
            "jurisdiction_id": event.jurisdiction_id,
            "ticket_id": event.ticket_id,
            "report_id": report_id,
            "seq": event.seq,
            "kind": kind.value,
            "audience": audience.value,
            "locale": locale,
            "message_key": uuid4().hex,
            "status": NoticeStatus.PENDING.value,
            "attempt": 0,
            "due_at": now,
        },
    )
