"""Why tickets are closed: the reasons that the city gave, and what reporters are told by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.desk_models import CloseReason
from city.models import Jurisdiction
from infra.words import Reader
from reports import wording
from reports.models import Ticket
from reports.status import CLOSED, Status
from reports.things import Thing


@dataclass(frozen=True, slots=True)
class Choice:
    """A reason as staff choose it; `public_text` is what is told where they write nothing."""

    code: str
    name: str
    statuses: Sequence[str]
    public_text: str | None


def choices(session: Session, jurisdiction_id: int, locale: str) -> list[Choice]:
    """Return the reasons in use, in the city's order."""
    reader = Reader(locale, session.get_one(Jurisdiction, jurisdiction_id).locales)
    query = select(CloseReason).where(
        CloseReason.jurisdiction_id == jurisdiction_id, CloseReason.retired_at.is_(None)
    )
    rows = session.scalars(query.order_by(CloseReason.position, CloseReason.code))
    return [
        Choice(
            row.code, reader.name(row.names), row.statuses, reader.name(row.public_texts) or None
        )
        for row in rows
    ]


def find(session: Session, ticket: Ticket, to: Status, reason: str) -> CloseReason | None:
    """Return the reason in use whose code was given as why the ticket comes to the status.

    Anything else is somebody's own words.
    """
    if to not in CLOSED:
        return None
    found = session.scalar(
        select(CloseReason).where(
            CloseReason.jurisdiction_id == ticket.jurisdiction_id,
            CloseReason.code == reason,
            CloseReason.retired_at.is_(None),
        )
    )
    return found if found and to.value in found.statuses else None


def words(session: Session, ticket: Ticket, reason: CloseReason) -> str | None:
    """Return what the reason tells the ticket's reporters by itself, if anything."""
    if not reason.public_texts:
        return None
    locales = session.get_one(Jurisdiction, ticket.jurisdiction_id).locales
    wanted = wording.languages(session, ticket, locales)[0]
    return reason.public_texts[wording.spoken(reason.public_texts, wanted, locales)]


def of_ticket(session: Session, ticket: Ticket, reader: Reader) -> Thing | None:
    """Return the reason for which the ticket is closed, if it is one of the city's."""
    if ticket.close_reason_id is None:
        return None
    return Thing.of(session.get_one(CloseReason, ticket.close_reason_id), reader)
