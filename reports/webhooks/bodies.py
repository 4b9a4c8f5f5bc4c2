"""What webhooks are sent: an event, its ticket in codes, and what everybody may see of its report.

It is read when it is sent, so nothing of a person has to be kept for it, and what was hidden or
forgotten in the meantime is not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from city.models import Category, Jurisdiction, Team
from geo.models import District
from infra.words import Reader
from reports import snapshots
from reports.models import Event, Membership, PhotoStatus, Report, Ticket
from reports.photos import SIZES
from reports.resident import reading
from reports.things import Thing
from reports.webhook_models import WebhookDelivery
from reports.webhooks.kinds import PING, type_of

# Of an event's data what are codes and references of ours; ids say nothing to outsiders.
_TOLD = (
    *("from", "to", "code", "ticket", "photo", "due_at"),
    *("planned", "expected", "purpose", "satisfied"),
)
_REPORTS = (
    select(Report)
    .join(Membership, Membership.report_id == Report.id)
    .where(Membership.ticket_id == bindparam("ticket_id"), Membership.left_at.is_(None))
    .order_by(Membership.joined_at, Membership.id)
)


def compose(session: Session, delivery: WebhookDelivery, public_url: str) -> bytes:
    """Return the body of the message as it is true now."""
    city = session.get_one(Jurisdiction, delivery.jurisdiction_id)
    document: dict[str, Any] = {"type": type_of(delivery.kind), "timestamp": delivery.created_at}
    data: dict[str, Any] = {"jurisdiction": city.code}
    if delivery.kind != PING:
        event = session.get_one(Event, (delivery.ticket_id, delivery.seq))
        ticket = session.get_one(Ticket, event.ticket_id)
        reports = session.scalars(_REPORTS, {"ticket_id": ticket.id}).all()
        document["timestamp"] = event.at
        data["event"] = _event(event)
        data["ticket"] = _ticket(session, ticket, Reader(city.locales[0], city.locales))
        data["ticket"]["reports"] = [report.reference for report in reports]
        concerned = _concerned(session, event, reports)
        data["report"] = concerned and concerned.reference
        data["public"] = _public(session, concerned, city.locales[0], public_url)
    return msgspec.json.encode({**document, "data": data})


def _event(event: Event) -> dict[str, Any]:
    data = snapshots.told(event.data)
    told = {name: data[name] for name in _TOLD if data.get(name) is not None}
    if "changes" in event.data:
        told["fields"] = sorted(event.data["changes"])
    return {"seq": event.seq, "by": event.author, "public": event.public, **told}


def _ticket(session: Session, ticket: Ticket, reader: Reader) -> dict[str, Any]:
    district = session.get_one(District, ticket.district_id) if ticket.district_id else None
    merged = session.get_one(Ticket, ticket.merged_into_id) if ticket.merged_into_id else None
    category = session.get_one(Category, ticket.category_id)
    return {
        "reference": ticket.reference,
        "version": ticket.version,
        "status": ticket.status,
        "kind": ticket.kind,
        "priority": ticket.priority,
        "category": _thing(Thing.of(category, reader)),
        "team": _thing(Thing.of(session.get_one(Team, ticket.team_id), reader)),
        "district": _thing(Thing.of(district, reader)) if district else None,
        "merged_into": merged and merged.reference,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "due_at": ticket.due_at,
        "closed_at": ticket.closed_at,
    }


def _concerned(session: Session, event: Event, reports: Sequence[Report]) -> Report | None:
    """Return the report that the event is about, or the one that its ticket began with."""
    if event.report_id is not None:
        return session.get_one(Report, event.report_id)
    return reports[0] if reports else None


def _public(
    session: Session, report: Report | None, locale: str, public_url: str
) -> dict[str, Any] | None:
    """Return what everybody may see of the report, None where that is nothing."""
    if report is None or not reading.is_public(session, report):
        return None
    view = reading.view(session, report, locale)
    return {
        "reference": view.reference,
        "url": f"{public_url}/r/{view.reference}",
        "kind": view.kind,
        "category": _thing(view.category),
        "description": view.description,
        "location": view.location,
        "address": view.address,
        "district": view.district and _thing(view.district),
        "team": _thing(view.team),
        "status": view.status,
        "public_message": view.public_message,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "due_at": view.due_at,
        "closed_at": view.closed_at,
        "photos": [
            f"{public_url}/api/v1/photos/{photo.id}/{max(SIZES)}.jpg"
            for photo in view.photos
            if photo.status == PhotoStatus.READY.value
        ],
        "supports": view.supports,
    }


def _thing(thing: Thing) -> dict[str, str]:
    return {"code": thing.code, "name": thing.name}
