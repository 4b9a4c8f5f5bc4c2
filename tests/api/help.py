"""What the tests of the API share: places, people, and how an answer is judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import or_, select, update
from werkzeug.test import TestResponse

from api.services import Services
from infra.clock import now
from reports import gallery, photos
from reports.desk import flags
from reports.models import Photo, PhotoStatus, Report, Ticket, Visibility
from tests.resident import BASE, DISPATCHER, body_of

PUBLIC_URL = "http://city.example"

CENTRE = {"latitude": 48.813734, "longitude": 2.237843}
DOCKS = {"latitude": 48.821162, "longitude": 2.269106}
PORT = {"latitude": 48.827062, "longitude": 2.242463}
ISLAND = {"latitude": 48.830762, "longitude": 2.251052}
ON_A_BORDER = {"latitude": 48.812660, "longitude": 2.218800}
IN_THE_HOLE = {"latitude": 48.803245, "longitude": 2.224380}
OUTSIDE = {"latitude": 48.782000, "longitude": 2.190000}
FAR_AWAY = {"latitude": 45.764000, "longitude": 4.835700}

ADMINISTRATOR = "administration@beaurive.example"
AUDITOR = "audit@beaurive.example"
LEAD_OF_ROADS = "chef.voirie@beaurive.example"
MEMBER_OF_ROADS = "agent.terrain@beaurive.example"
MEMBER_OF_PARKS = "agent.renfort@beaurive.example"
EVERYBODY = (
    ADMINISTRATOR,
    AUDITOR,
    DISPATCHER,
    LEAD_OF_ROADS,
    MEMBER_OF_ROADS,
    MEMBER_OF_PARKS,
)

PRIVATE = {
    "category": "personne-en-difficulte",
    "answers": {"situation": "perdue"},
}

PUBLIC_VIEW = {
    "reference",
    "ticket",
    "kind",
    "category",
    "description",
    "location",
    "address",
    "district",
    "team",
    "status",
    "status_text",
    "public_message",
    "created_at",
    "updated_at",
    "planned_at",
    "due_at",
    "closed_at",
    "photos",
    "supports",
}

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
REFERENCE = r"[0-9A-HJKMNP-TV-Z]{3}(-[0-9A-HJKMNP-TV-Z]{3}){2}"


def a_word() -> str:
    """Return a word that no other report holds."""
    return f"mot{uuid4().hex}"


def refused(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem document that was answered with the status."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = body_of(answer)
    assert problem["status"] == status
    for name in ("type", "title", "detail"):
        assert isinstance(problem[name], str)
        assert problem[name]
    for fault in problem.get("errors", []):
        assert fault["detail"]
        assert ("pointer" in fault) != ("parameter" in fault)
    return problem


def blamed(answer: TestResponse, status: int = 422) -> list[str]:
    """Return the pointers and parameters that the problem names, in order of the alphabet."""
    problem = refused(answer, status)
    return sorted(fault.get("pointer", fault.get("parameter")) for fault in problem["errors"])


def read(client: FlaskClient, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON object at a path below the base."""
    answer = client.get(f"{BASE}{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return body_of(answer)


def pages(
    client: FlaskClient, path: str, headers: dict[str, str] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Go through a list from page to page."""
    page = read(client, path, headers)
    yield page["items"]
    while page["next"] is not None:
        assert page["next"].startswith(f"{PUBLIC_URL}{BASE}/")
        address = urlsplit(page["next"])
        page = read(client, f"{address.path.removeprefix(BASE)}?{address.query}", headers)
        yield page["items"]


def references(items: list[dict[str, Any]]) -> list[str]:
    """Return the references of a list's items."""
    return [item["reference"] for item in items]


def parts_of(app: Flask) -> Services:
    """Return the application's parts."""
    parts: Services = app.extensions["vigie"]
    return parts


def render_photos(app: Flask, reference: str) -> None:
    """Do the photo job for every photo of the report, or of the work on the ticket."""
    parts = parts_of(app)
    with parts.sessions.begin() as session:
        waiting = session.scalars(
            select(Photo.id)
            .outerjoin(Report, Report.id == Photo.report_id)
            .outerjoin(Ticket, Ticket.id == Photo.ticket_id)
            .where(
                or_(Report.reference == reference, Ticket.reference == reference),
                Photo.status == PhotoStatus.PENDING.value,
            )
            .order_by(Photo.id)
        ).all()
        for id_ in waiting:
            claimed = gallery.claim(session, id_, now(), lease_s=60)
            assert claimed is not None
            photo = claimed.row
            rendering = photos.render(parts.storage.get(photo.original))
            gallery.publish(parts.storage, photo, rendering)
            flags.record_ready(session, claimed, rendering, now())


def hide_report(app: Flask, reference: str) -> None:
    """Hide a report as moderation does."""
    with parts_of(app).sessions.begin() as session:
        session.execute(
            update(Report)
            .where(Report.reference == reference)
            .values(visibility=Visibility.HIDDEN.value)
        )
