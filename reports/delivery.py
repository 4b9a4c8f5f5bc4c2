"""Delivering notices: claim one with a lease, send it, record what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from reports import history, work
from reports.history import EventKind
from reports.models import Author, Notice, NoticeStatus

MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one notice."""

    notice: Notice
    attempt: int

    @property
    def exhausted(self) -> bool:
        """Tell whether too many attempts have ended, with an answer or without a word."""
        return self.attempt > MAX_ATTEMPTS


def claim(session: Session, notice_id: int, now: datetime, lease_s: int) -> Claim | None:
    """Take the notice for `lease_s` seconds; None where it is done, not due, or in other hands."""
    attempt = session.scalar(
        update(Notice)
        .where(
            Notice.id == notice_id,
            Notice.status == NoticeStatus.PENDING.value,
            Notice.due_at <= now,
            or_(Notice.leased_until.is_(None), Notice.leased_until < now),
        )
        .values(attempt=Notice.attempt + 1, leased_until=now + timedelta(seconds=lease_s))
        .returning(Notice.attempt)
    )
    if attempt is None:
        return None
    return Claim(session.get_one(Notice, notice_id, populate_existing=True), attempt)


def record_sent(session: Session, claimed: Claim, now: datetime) -> None:
    """Write down that the message was handed over."""
    _record(session, claimed, status=NoticeStatus.SENT.value, sent_at=now, error=None)


def record_dropped(session: Session, claimed: Claim) -> None:
    """Write down that nobody is left to tell."""
    _record(session, claimed, status=NoticeStatus.DROPPED.value)


def record_failure(
    session: Session, claimed: Claim, error: str, retry_s: int, now: datetime, *, final: bool
) -> None:
    """Put the notice off, twice as long each time, or give it up and tell the dispatchers."""
    if not final and claimed.attempt < MAX_ATTEMPTS:
        wait_s = retry_s * 2 ** (claimed.attempt - 1)
        _record(session, claimed, due_at=now + timedelta(seconds=wait_s), error=error)
        return
    if _record(session, claimed, status=NoticeStatus.FAILED.value, error=error):
        ticket = work.lock(session, claimed.notice.ticket_id)
        history.append(
            session,
            ticket,
            EventKind.NOTICE_FAILED,
            now,
            author=Author.CITY,
            report_id=claimed.notice.report_id,
            data={"notice": claimed.notice.kind, "error": error},
        )


def _record(session: Session, claimed: Claim, **values: object) -> bool:
    """Write only if no later attempt has taken the notice over."""
    written = session.scalar(
        update(Notice)
        .where(
            Notice.id == claimed.notice.id,
            Notice.attempt == claimed.attempt,
            Notice.status == NoticeStatus.PENDING.value,
        )
        .values(leased_until=None, **values)
        .returning(Notice.id)
    )
    return written is not None
