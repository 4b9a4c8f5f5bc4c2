"""Answers that several views give: a reporter's view, a ticket with its tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from api import documents, preconditions
from api.callers import NothingHere, current_staff
from api.schemas.decisions import DecisionSchema
from api.schemas.reports import MessageSchema
from api.schemas.tickets import TicketSchema
from api.services import db, locale, public_url, services
from city.staff import Staff
from infra.clock import now
from infra.words import say
from reports import tracking
from reports.desk.triage import WHY_TEXTS, Why
from reports.inbox import tickets
from reports.inbox.candidates import Considered
from reports.inbox.listing import TicketItem
from reports.inbox.tickets import TicketView
from reports.models import Ticket
from reports.resident.reporters import ReporterView

DECISION = DecisionSchema()
MESSAGES = MessageSchema(many=True)
TICKET = TicketSchema()


def reporter_view(view: ReporterView, *, with_token: bool = False) -> dict[str, Any]:
    """Return the reporter's own view; `with_token` only where the caller proved to be them."""
    told = documents.report(view.public)
    reference, contact = view.public.reference, view.contact
    told["contact"] = contact and {
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
    }
    told["messages"] = MESSAGES.dump(view.messages)
    told["can"] = view.can
    told["photo_upload"] = {
        "template": public_url(f"/api/v1/reports/{reference}/photos/{{uuid}}"),
        "remaining": view.photos_remaining,
    }
    if with_token:
        told["tracking_token"] = tracking.issue(services().settings.secret_key, reference)
    return told


def ticket(row: Ticket, status: int = 200) -> Response:
    """Return the ticket as staff see it, with its entity tag."""
    found = tickets.view(db(), _reader(), row, locale(), now())
    answer = documents.answer(_ticket_document(found))
    answer.status_code = status
    return preconditions.tag(answer, found.item.version)


def changed_ticket(before: TicketItem, row: Ticket, reasons: Mapping[str, Why]) -> Response:
    """Return the ticket as it is now, its entity tag, and what changed and why."""
    found = tickets.view(db(), _reader(), row, locale(), now())
    was, document = documents.ticket(before), _ticket_document(found)
    document["changes"] = [
        {
            "field": field,
            "from": was[field],
            "to": document[field],
            "why": say(locale(), WHY_TEXTS[why]) if why in WHY_TEXTS else found.decision.text,
        }
        for field, why in reasons.items()
    ]
    return preconditions.tag(documents.answer(document), found.item.version)


def ticket_decision(found: Considered) -> Response:
    """Return the decision about a ticket as staff read it."""
    told: dict[str, Any] = DECISION.dump(found.decision)
    return documents.answer({**told, "rules_considered": found.rules})


def _reader() -> Staff:
    """Return who gets the answer: tickets are told to staff alone."""
    staff = current_staff()
    if staff is None:
        raise NothingHere
    return staff


def _ticket_document(found: TicketView) -> dict[str, Any]:
    more: dict[str, Any] = TICKET.dump(
        {
            "reports": found.reports,
            "decision": found.decision,
            "events": found.events,
            "next": [status.value for status in found.next],
            "merged_into": found.merged_into,
            "feedback": found.feedback,
            "close_reason": found.close_reason,
            "third_party": found.third_party,
            "hidden_photos": found.hidden_photos,
            "flags": found.flags,
        }
    )
    return documents.ticket(found.item) | more
