"""The mails that a report's readers are owed, as they would be written now."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from infra.mail import Mail
from reports.mail import writing
from reports.models import Notice, Ticket
from tests.api import help as h


def mails_about(app: Flask, ticket: str, audience: str) -> list[Mail]:
    """Return the mails about the ticket to such readers whom somebody can still reach."""
    parts = h.parts_of(app)
    with parts.sessions() as session:
        owed = session.scalars(
            select(Notice)
            .join(Ticket, Ticket.id == Notice.ticket_id)
            .where(Ticket.reference == ticket, Notice.audience == audience)
            .order_by(Notice.id)
        ).all()
        return [
            writing.compose(session, notice, to, h.PUBLIC_URL, parts.settings.secret_key)
            for notice in owed
            if (to := writing.recipient(session, notice)) is not None
        ]
