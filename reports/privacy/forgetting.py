"""Forgetting: taking from a report what ties it to a person, and on demand what people wrote.

What is left are facts: what was reported, where, when, and what the city did about it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Delete, Update, delete, or_, select, update
from sqlalchemy.orm import Session

from city import addresses
from city.models import KeptText, Question, QuestionType
from reports import gallery, history
from reports.desk.flags import PhotoFlag
from reports.history import EventKind
from reports.idempotency import IdempotencyKey
from reports.link_models import PhotoLink
from reports.models import (
    Audience,
    Author,
    Contact,
    Membership,
    Message,
    Notice,
    NoticeStatus,
    Photo,
    PhotoStatus,
    Report,
    Ticket,
)
from reports.privacy import removals

COUNTED = ("reports", "contacts", "notices", "originals", "photos", "texts")
"""What is counted: reports untied, notices dropped, and contacts, files and texts removed."""


def forget(
    session: Session,
    ticket: Ticket,
    report: Report,
    text: KeptText,
    now: datetime,
    *,
    person_id: int | None = None,
) -> Counter[str]:
    """Untie the report from its reporter and return how many of what went, by COUNTED.

    Contact, links to accounts and to other systems, addresses of photos, the position's accuracy,
    keys of repeated requests and original photos go, and notices still owed are dropped. Where the
    text is blanked, what the reporter wrote and their photos go as well. The caller holds the lock
    of the report's ticket; `person_id` is whoever asked for it. A second time finds nothing and
    writes nothing.
    """
    session.refresh(report, with_for_update={"key_share": True})
    first_time = report.anonymised_at is None
    if first_time:
        _untie(report, now)
    counts = Counter({"reports": int(first_time)})
    counts["contacts"] = _met(session, delete(Contact).where(Contact.report_id == report.id))
    counts["notices"] = _drop_notices(session, report)
    _forget_keys(session, report)
    session.execute(delete(PhotoLink).where(PhotoLink.report_id == report.id))
    of_report = Photo.report_id == report.id
    counts.update(_remove_photos(session, of_report, text, now, originals=first_time))
    if text is KeptText.BLANK:
        counts["texts"] = _blank(session, report)
    if counts.total():
        history.append(
            session,
            ticket,
            EventKind.ANONYMISED,
            now,
            author=Author.CITY,
            person_id=person_id,
            report_id=report.id,
            data={"text": text.value},
        )
    session.flush()
    return counts


def blank_the_citys_words(session: Session, ticket: Ticket) -> int:
    """Blank what staff wrote on the ticket, to residents and in notes; return how many texts."""
    written = (Message.ticket_id == ticket.id) & Message.report_id.is_(None)
    return _met(session, _blanking().where(written))


def remove_photos_of_work(
    session: Session, ticket: Ticket, text: KeptText, now: datetime
) -> Counter[str]:
    """Remove what the team put up: the originals, and with the city's words the photos as well.

    The caller holds the ticket. A resident's erasure leaves these alone, as it does those words.
    """
    of_work = Photo.ticket_id == ticket.id
    return _remove_photos(session, of_work, text, now, originals=ticket.retained_text is None)


def _untie(report: Report, now: datetime) -> None:
    report.anonymised_at = now
    report.person_id = None
    report.issuer = None
    report.subject = None
    # By its reference another system may still know who called.
    report.external_ref = None
    report.accuracy_m = None


def _drop_notices(session: Session, report: Report) -> int:
    return _met(
        session,
        update(Notice)
        .where(
            Notice.report_id == report.id,
            Notice.audience == Audience.REPORTER.value,
            Notice.status == NoticeStatus.PENDING.value,
        )
        .values(status=NoticeStatus.DROPPED.value, leased_until=None),
    )


def _forget_keys(session: Session, report: Report) -> None:
    """Forget the keys that came with the report's requests: each has a fingerprint of its body."""
    messages = select(Message.id).where(Message.report_id == report.id)
    for condition in (
        IdempotencyKey.report_id == report.id,
        IdempotencyKey.message_id.in_(messages),
    ):
        session.execute(delete(IdempotencyKey).where(condition))


def _remove_photos(
    session: Session,
    owned: ColumnElement[bool],
    text: KeptText,
    now: datetime,
    *,
    originals: bool,
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for photo in session.scalars(select(Photo).where(owned).with_for_update()):
        original, *derivatives = gallery.keys_of(photo)
        keys = [original] if originals else []
        counts["originals"] += len(keys)
        # Without its original a photo that has no derivatives yet will never have any.
        if text is KeptText.BLANK or photo.status != PhotoStatus.READY.value:
            keys += derivatives
            counts["photos"] += 1
            session.execute(delete(PhotoFlag).where(PhotoFlag.photo_id == photo.id))
            session.delete(photo)
        if keys:
            # A job that has the photo in hand may still write; once its lease is over, none does.
            due_at = max(now, photo.leased_until or now)
            removals.owe(session, photo.jurisdiction_id, keys, due_at)
    return counts


def _blank(session: Session, report: Report) -> int:
    """Blank what the reporter wrote and return how many texts went."""
    texts = _met(session, _blanking().where(Message.report_id == report.id))
    texts += bool(report.description)
    report.description = ""
    texts += _blank_answers(session, report)
    texts += _replace_address(session, report)
    return texts


def _blanking() -> Update:
    return (
        update(Message)
        .where(or_(Message.body.is_not(None), Message.reason.is_not(None)))
        .values(body=None, reason=None)
    )


def _blank_answers(session: Session, report: Report) -> int:
    """Keep the answers that were chosen or counted; what was written in words goes."""
    if not report.answers:
        return 0
    query = select(Question.code, Question.type).where(Question.category_id == report.category_id)
    types = dict(session.execute(query).all())
    worded = {None, QuestionType.TEXT.value}
    kept = {code: value for code, value in report.answers.items() if types.get(code) not in worded}
    gone = len(report.answers) - len(kept)
    if gone:
        report.answers = kept
    return gone


def _replace_address(session: Session, report: Report) -> int:
    """Put the city's own address in the place of what the reporter may have written."""
    written = report.address
    report.address = addresses.nearest_label(session, report.jurisdiction_id, report.location)
    if written is None or report.address == written:
        return 0
    session.execute(
        update(Ticket)
        .where(Ticket.id.in_(_tickets_around(session, report)), Ticket.address == written)
        .values(address=report.address)
    )
    return 1


def _tickets_around(session: Session, report: Report) -> set[int]:
    """Return the tickets that the report's address may have come to: a parted one takes it on."""
    tickets: set[int] = set()
    reports = fresh = {report.id}
    while fresh:
        entered = select(Membership.ticket_id).where(Membership.report_id.in_(fresh))
        tickets |= set(session.scalars(entered))
        beside = select(Membership.report_id).where(Membership.ticket_id.in_(tickets))
        fresh = set(session.scalars(beside)) - reports
        reports = reports | fresh
    return tickets


def _met(session: Session, statement: Update | Delete) -> int:
    """Run a statement and return how many rows it met."""
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)
