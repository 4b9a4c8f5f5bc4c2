"""Notices: who is told what. Each is a row first, written with the event it tells of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Jurisdiction
from infra.queue import Job
from reports import errands
from reports.history import EventKind
from reports.models import Audience, Contact, Event, Membership, Notice, NoticeStatus, Report


class NoticeKind(StrEnum):
    """What a notice is about."""

    ARRIVAL = "arrival"
    RECEIPT = "receipt"
    STATUS = "status"
    MESSAGE = "message"
    WITHDRAWAL = "withdrawal"


def announce(session: Session, event: Event, team_id: int, now: datetime) -> None:
    """Owe the notices that the event gives rise to, to the team and to the reporters."""
    owed: list[Notice] = []
    for_team = _for_team(event)
    if for_team is not None:
        locale = session.get_one(Jurisdiction, event.jurisdiction_id).locales[0]
        report_id = event.report_id or _oldest_report(session, event.ticket_id)
        notice = _notice(event, for_team, Audience.TEAM, report_id, locale, now)
        notice.team_id = team_id
        owed.append(notice)
    owed += [
        _notice(event, kind, Audience.REPORTER, report_id, locale, now)
        for kind, report_id, locale in _for_reporters(session, event)
    ]
    session.add_all(owed)
    session.flush()
    for notice in owed:
        errands.owe(session, Job.SEND_NOTICE, notice.id)


def _for_team(event: Event) -> NoticeKind | None:
    match EventKind(event.kind):
        case EventKind.RECEIVED | EventKind.JOINED:
            return NoticeKind.ARRIVAL
        case EventKind.MESSAGE:
            return NoticeKind.MESSAGE
        case EventKind.STATUS if event.person_id is None:
            return NoticeKind.WITHDRAWAL
        case _:
            return None


def _for_reporters(session: Session, event: Event) -> Iterable[tuple[NoticeKind, int, str]]:
    match EventKind(event.kind):
        case EventKind.RECEIVED | EventKind.JOINED:
            reachable = _reachable(session, event)
            return [(NoticeKind.RECEIPT, *one) for one in reachable if one[0] == event.report_id]
        case EventKind.STATUS:
            return [(NoticeKind.STATUS, *one) for one in _reachable(session, event)]
        case _:
            return []


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


def _oldest_report(session: Session, ticket_id: int) -> int:
    return session.scalars(
        select(Membership.report_id)
        .where(Membership.ticket_id == ticket_id, Membership.left_at.is_(None))
        .order_by(Membership.id)
        .limit(1)
    ).one()


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
