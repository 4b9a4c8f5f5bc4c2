"""What people write, as a row beside the event that it belongs to."""

from __future__ import annotations

from datetime import datetime

from reports.models import Author, Message, Ticket


def by_city(
    ticket: Ticket,
    person_id: int | None,
    now: datetime,
    *,
    body: str | None = None,
    reason: str | None = None,
) -> Message:
    """Return what staff wrote about the ticket: to its reader, and as the ground of an act."""
    return Message(
        jurisdiction_id=ticket.jurisdiction_id,
        ticket_id=ticket.id,
        person_id=person_id,
        author=Author.CITY.value,
        body=body,
        reason=reason,
        created_at=now,
    )


def by_reporter(ticket: Ticket, report_id: int, body: str, now: datetime) -> Message:
    """Return what the reporter of a report in the ticket wrote."""
    return Message(
        jurisdiction_id=ticket.jurisdiction_id,
        ticket_id=ticket.id,
        report_id=report_id,
        author=Author.RESIDENT.value,
        body=body,
        created_at=now,
    )
