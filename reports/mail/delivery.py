"""Delivering notices: take one in hand, send it, record what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session, aliased

from reports import history, leases, work
from reports.history import EventKind
from reports.leases import Lease
from reports.models import Audience, Author, Notice, NoticeStatus

MAX_ATTEMPTS = 10
LONGEST_WAIT_S = 3_600

_earlier = aliased(Notice)


class Outcome(StrEnum):
    """What became of one attempt at a notice."""

    SENT = "sent"
    DROPPED = "dropped"
    PUT_OFF = "put_off"
    FAILED = "failed"


def claim(session: Session, notice_id: int, now: datetime, lease_s: int) -> Lease[Notice] | None:
    """Take the notice in hand; None where it is done, not its turn yet, or in other hands."""
    return leases.take(session, Notice, notice_id, now, lease_s, its_turn(now))


def its_turn(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a notice is due, and nothing earlier waits for the same reader.

    Nobody is to read of the end before the beginning, only because that had to be sent again.
    """
    overtakes = exists().where(
        _same_reader(_earlier, Notice),
        _earlier.id < Notice.id,
        _earlier.status == NoticeStatus.PENDING.value,
    )
    return (Notice.due_at <= now) & ~overtakes


def next_of_reader(session: Session, notice: Notice, now: datetime) -> int | None:
    """Return the notice whose turn it is now that this one has ended, if one has waited for it."""
    return session.scalar(
        select(Notice.id)
        .where(
            _same_reader(Notice, notice),
            Notice.id > notice.id,
            leases.waiting(Notice, now),
            its_turn(now),
        )
        .limit(1)
    )


def is_exhausted(lease: Lease[Notice]) -> bool:
    """Tell whether too many attempts have ended, with an answer or without a word."""
    return lease.attempt > MAX_ATTEMPTS


def record_sent(session: Session, lease: Lease[Notice], now: datetime) -> Outcome | None:
    """Write down that the message was handed over.

    As of the others here, the outcome is None where a later attempt has taken over.
    """
    values = {"status": NoticeStatus.SENT.value, "sent_at": now, "error": None}
    return Outcome.SENT if leases.write(session, lease, **values) else None


def record_dropped(session: Session, lease: Lease[Notice]) -> Outcome | None:
    """Write down that nobody is left to tell."""
    dropped = leases.write(session, lease, status=NoticeStatus.DROPPED.value)
    return Outcome.DROPPED if dropped else None


def record_failure(
    session: Session,
    lease: Lease[Notice],
    error: str,
    retry_s: int,
    now: datetime,
    *,
    final: bool,
) -> Outcome | None:
    """Put the notice off, longer each time, or give it up and tell the dispatchers."""
    if not final and lease.attempt < MAX_ATTEMPTS:
        wait_s = min(retry_s * 2 ** (lease.attempt - 1), LONGEST_WAIT_S)
        due_at = now + timedelta(seconds=wait_s)
        put_off = leases.write(session, lease, due_at=due_at, error=error)
        return Outcome.PUT_OFF if put_off else None
    if lease.row.audience == Audience.SUBSCRIBER.value:
        # Anybody may give any address: that it takes no mail is nothing for the desk to see to.
        return record_dropped(session, lease)
    ticket = work.lock(session, lease.row.ticket_id)
    if not leases.write(session, lease, status=NoticeStatus.FAILED.value, error=error):
        return None
    history.append(
        session,
        ticket,
        EventKind.NOTICE_FAILED,
        now,
        author=Author.CITY,
        report_id=lease.row.report_id,
        data={"notice": lease.row.kind, "audience": lease.row.audience, "error": error},
    )
    return Outcome.FAILED


def _same_reader(one: type[Notice], other: type[Notice] | Notice) -> ColumnElement[bool]:
    # Not by its ticket: a report may have left the one that an earlier notice came from.
    return and_(
        one.report_id == other.report_id,
        one.audience == other.audience,
        one.team_id.is_not_distinct_from(other.team_id),
        one.person_id.is_not_distinct_from(other.person_id),
        one.subscription_id.is_not_distinct_from(other.subscription_id),
    )
