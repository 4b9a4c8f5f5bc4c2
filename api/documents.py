"""Reports, tickets and photos as they are answered, in the caller's language.

Lists hold hundreds of them, so they are written down directly; the schemas describe them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from api.errors import PHOTO_REASONS
from api.services import locale, public_url
from geo.coordinates import Position
from infra.words import say
from reports.inbox.listing import TicketItem
from reports.photos import FORMATS, SIZES
from reports.resident.reading import PhotoView, ReportView
from reports.things import Thing

# Of each size the ends of its addresses by format.
_ENDS = {str(size): {extension: f"/{size}.{extension}" for extension in FORMATS} for size in SIZES}


GEOJSON = "application/geo+json"


def answer(document: dict[str, Any], mimetype: str = "application/json") -> Response:
    """Return the answer that holds the document, whose times are in UTC and are told with a Z.

    Flask's own way would take as long to write a list of a hundred as the database to find it.
    """
    return Response(msgspec.json.encode(document), mimetype=mimetype)


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as `answer` writes it, of nothing but what JSON has."""
    written: dict[str, Any] = msgspec.to_builtins(document)
    return written


def report(view: ReportView) -> dict[str, Any]:
    """Return what everybody may see of a report, as ReportSchema describes it, for `answer`."""
    return {
        "reference": view.reference,
        "ticket": view.ticket,
        "kind": view.kind,
        "category": thing(view.category),
        "description": view.description,
        "location": _position(view.location),
        "address": view.address,
        "district": thing(view.district),
        "team": thing(view.team),
        "status": view.status,
        "status_text": view.status_text,
        "public_message": view.public_message,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "planned_at": view.planned_at,
        "due_at": view.due_at,
        "closed_at": view.closed_at,
        "photos": [photo(one) for one in view.photos],
        "supports": view.supports,
    }


def feature(view: ReportView) -> dict[str, Any]:
    """Return the report as a GeoJSON feature."""
    properties = report(view)
    del properties["location"]
    place = view.location
    return {
        "type": "Feature",
        "id": view.reference,
        "geometry": {"type": "Point", "coordinates": [place.longitude, place.latitude]},
        "properties": properties,
    }


def ticket(item: TicketItem) -> dict[str, Any]:
    """Return what is told of a ticket everywhere, as TicketItemSchema describes it."""
    return {
        "reference": item.reference,
        "status": item.status,
        "kind": item.kind,
        "category": thing(item.category),
        "priority": item.priority,
        "team": thing(item.team),
        "assignee": item.assignee,
        "district": thing(item.district),
        "location": _position(item.location),
        "address": item.address,
        "planned_at": item.planned_at,
        "description": item.description,
        "due_at": item.due_at,
        "late": item.late,
        "unrouted": item.unrouted,
        "uncertain": item.uncertain,
        "undelivered": item.undelivered,
        "supports": item.supports,
        "report_count": item.report_count,
        "photos": [photo(one) for one in item.photos],
        "last_event": item.last_event and item.last_event._asdict(),
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "closed_at": item.closed_at,
    }


def line(item: TicketItem) -> dict[str, Any]:
    """Return a line of the inbox, as TicketLineSchema describes it, for `answer`."""
    return ticket(item) | {"age_s": item.age_s, "time_left_s": item.time_left_s}


def photo(view: PhotoView) -> dict[str, Any]:
    """Return a photo, why it was rejected, and where its derivatives are by size and format."""
    base = public_url(f"/api/v1/photos/{view.id}")
    return {
        "id": view.id,
        "status": view.status,
        "reason": say(locale(), PHOTO_REASONS[view.reason]) if view.reason else None,
        "placeholder": view.placeholder,
        "purpose": view.purpose,
        "urls": {
            size: {extension: base + end for extension, end in ends.items()}
            for size, ends in _ENDS.items()
        },
    }


def thing(named: Thing | None) -> dict[str, str] | None:
    """Return a code and its name, as ThingSchema describes them."""
    return {"code": named.code, "name": named.name} if named else None


def _position(position: Position) -> dict[str, float]:
    return {"latitude": position.latitude, "longitude": position.longitude}
