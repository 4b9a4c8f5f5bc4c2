"""Answers that several views give: a reporter's view, a ticket with its tag."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from api import documents, preconditions
from api.schemas.reports import MessageSchema
from api.schemas.tickets import TicketSchema
from api.services import db, locale, public_url, services
from infra.clock import now
from reports import inbox, tracking
from reports.decisions import Decision
from reports.inbox import TicketView
from reports.models import Ticket
from reports.reporters import ReporterView

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


def decision(found: Decision) -> dict[str, Any]:
    """Return a decision as its schema takes it; no act of staff overrides one yet."""
    members = {name: getattr(found, name) for name in found.__slots__}
    return {**members, "overridden": None}


def ticket(row: Ticket) -> Response:
    """Return the ticket as staff see it, with its entity tag."""
    found = inbox.view(db(), row, locale(), now())
    return preconditions.tag(jsonify(_ticket_document(found)), found.item.version)


def _ticket_document(found: TicketView) -> dict[str, Any]:
    item = found.item
    document = {name: getattr(item, name) for name in item.__slots__}
    document |= {
        "reports": found.reports,
        "decision": decision(found.decision),
        "events": found.events,
        "next": [status.value for status in found.next],
        "merged_into": None,
    }
    told: dict[str, Any] = TICKET.dump(document)
    return told
