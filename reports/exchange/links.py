"""Photos that another system says where to find: owed with the report, and fetched afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.unfit import Unfit
from infra import outgoing
from infra.outgoing import NoAnswer, Reply, RequestRefused
from infra.words import mark
from reports import gallery, history, leases, work
from reports.gallery import OtherPhoto, PhotosClosed, TooManyPhotos, Upload
from reports.history import EventKind
from reports.leases import Lease
from reports.link_models import LinkFailure, LinkStatus, PhotoLink
from reports.models import Author, Report
from reports.photos import UnusablePhoto
from reports.webhooks.endpoints import REFUSED, Reachable
from reports.work import ReportAnonymised

MAX_URL_CHARACTERS = 2_000
MAX_TRIES = 5
TOO_LONG = mark("this address is too long: {most} characters are taken")

_PHOTOS_OF_LINKS = UUID("b6a9a1f8-5d0e-4f0e-9f0b-3c1a6f1d7c52")
_OK = 200
# What a server says that is overloaded or in trouble; anything else it would say again.
_PASSING = frozenset({408, 425, 429, *range(500, 600)})
_REFUSALS: dict[type[Exception], LinkFailure] = {
    TooManyPhotos: LinkFailure.TOO_MANY,
    PhotosClosed: LinkFailure.WITHDRAWN,
    ReportAnonymised: LinkFailure.ANONYMISED,
    OtherPhoto: LinkFailure.OTHER_PHOTO,
}

EXPECTED: tuple[type[Exception], ...] = (NoAnswer, RequestRefused, UnusablePhoto, *_REFUSALS)
"""What an attempt may end with for a reason that lies with the address or the report."""


class Outcome(StrEnum):
    """What became of one attempt at a link."""

    DONE = "done"
    PUT_OFF = "put_off"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed; `passing` says that a later one may do better."""

    reason: LinkFailure
    error: str
    passing: bool = False


EXHAUSTED = Failure(LinkFailure.NOT_FETCHED, "attempts exhausted")


def check(url: str, reachable: Reachable) -> None:
    """Raise Unfit for an address that can never be asked, wherever its name may lead."""
    if len(url) > MAX_URL_CHARACTERS:
        raise Unfit(TOO_LONG, most=f"{MAX_URL_CHARACTERS:,}")
    try:
        outgoing.check(url, allowed=reachable.networks, ports=reachable.ports)
    except RequestRefused as error:
        raise Unfit(REFUSED) from error


def owe(session: Session, report: Report, urls: Iterable[str], now: datetime) -> None:
    """Owe the fetching of the photos at these addresses, which have passed `check`.

    Each is owed once, and no more than a report may have photos. The report is written already; a
    worker finds the rows once they are committed.
    """
    for url in list(dict.fromkeys(urls))[: gallery.MAX_PHOTOS]:
        session.add(
            PhotoLink(
                jurisdiction_id=report.jurisdiction_id,
                report_id=report.id,
                url=url,
                status=LinkStatus.PENDING.value,
                attempt=0,
                tries=0,
                created_at=now,
                due_at=now,
            )
        )


def claim_due(
    session: Session, now: datetime, lease_s: int, at_most: int
) -> list[Lease[PhotoLink]]:
    """Take in hand what is due, the longest first."""
    due = session.scalars(
        select(PhotoLink.id)
        .where(leases.waiting(PhotoLink, now), PhotoLink.due_at <= now)
        .order_by(PhotoLink.due_at, PhotoLink.id)
        .limit(at_most)
    ).all()
    taken = [
        leases.take(session, PhotoLink, id_, now, lease_s, tries=PhotoLink.tries + 1) for id_ in due
    ]
    return [lease for lease in taken if lease is not None]


def is_exhausted(lease: Lease[PhotoLink]) -> bool:
    """Tell whether too many attempts have ended, with an answer or without a word."""
    return lease.row.tries > MAX_TRIES


def photo_uuid(link: PhotoLink) -> UUID:
    """Return the identifier of the link's photo, the same at each attempt."""
    return uuid5(_PHOTOS_OF_LINKS, str(link.id))


def content(reply: Reply) -> bytes:
    """Return what was answered; raise NoAnswer for trouble that may pass, or RequestRefused."""
    if reply.status in _PASSING:
        raise NoAnswer(f"HTTP {reply.status}")
    if reply.status != _OK:
        raise RequestRefused(f"HTTP {reply.status}")
    return reply.body


def record_done(
    session: Session, lease: Lease[PhotoLink], upload: Upload, now: datetime
) -> bool | None:
    """Note the photo whose original is in the storage, end the link, and tell whether it is new.

    None where a later attempt has taken over, or the link is gone with its reporter.
    Raise what `gallery.add` raises.
    """
    work.lock_of(session, lease.row.report_id)
    if not leases.write(session, lease, status=LinkStatus.DONE.value, error=None):
        return None
    report = session.get_one(Report, lease.row.report_id)
    _, is_new = gallery.add(session, report, upload, now)
    return is_new


def judge(error: Exception) -> Failure:
    """Return what an attempt that ended with this error says of the link."""
    match error:
        case UnusablePhoto():
            return Failure(LinkFailure.NO_PHOTO, error.code)
        case RequestRefused():
            return Failure(LinkFailure.NOT_FETCHED, str(error))
        case NoAnswer():
            return Failure(LinkFailure.NOT_FETCHED, str(error), passing=True)
    reason = _REFUSALS.get(type(error))
    if reason is not None:
        return Failure(reason, reason.value)
    return Failure(LinkFailure.NOT_FETCHED, type(error).__name__, passing=True)


def record_failure(
    session: Session, lease: Lease[PhotoLink], failure: Failure, retry_s: int, now: datetime
) -> Outcome | None:
    """Put the link off, longer each time, or give it up and tell the dispatchers.

    None where a later attempt has taken over.
    """
    if failure.passing and lease.row.tries < MAX_TRIES:
        due_at = now + timedelta(seconds=retry_s * 4 ** (lease.row.tries - 1))
        kept = leases.write(session, lease, due_at=due_at, error=failure.error)
        return Outcome.PUT_OFF if kept else None
    ticket = work.lock_of(session, lease.row.report_id)
    if not leases.write(session, lease, status=LinkStatus.FAILED.value, error=failure.error):
        return None
    history.append(
        session,
        ticket,
        EventKind.PHOTO_FAILED,
        now,
        author=Author.CITY,
        report_id=lease.row.report_id,
        data={"link": lease.row.id, "reason": failure.reason.value},
    )
    return Outcome.FAILED


def put_off(
    session: Session, lease: Lease[PhotoLink], retry_s: int, now: datetime
) -> Outcome | None:
    """Come back to the link later: the storage failed, which says nothing about what is there."""
    due_at = now + timedelta(seconds=retry_s)
    kept = leases.write(session, lease, tries=PhotoLink.tries - 1, due_at=due_at)
    return Outcome.PUT_OFF if kept else None
