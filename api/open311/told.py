"""A report as Open311 tells of it, and statuses as its extensions call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from api.open311.formats import moment
from api.services import public_url
from city.models import Jurisdiction
from reports.exchange import next_steps, window
from reports.models import PhotoStatus
from reports.resident.reading import ReportView
from reports.status import CLOSED, Status

SIZE = "800"
LONGEST_TITLE = 80


class Detailed(StrEnum):
    """Statuses as CitySDK has them."""

    RECEIVED = "RECEIVED"
    IN_PROCESS = "IN_PROCESS"
    PROCESSED = "PROCESSED"
    ARCHIVED = "ARCHIVED"
    REJECTED = "REJECTED"


DETAILED = {
    Status.RECEIVED: Detailed.RECEIVED,
    Status.ACCEPTED: Detailed.IN_PROCESS,
    Status.IN_PROGRESS: Detailed.IN_PROCESS,
    Status.WAITING: Detailed.IN_PROCESS,
    Status.REOPENED: Detailed.IN_PROCESS,
    Status.RESOLVED: Detailed.PROCESSED,
    Status.DECLINED: Detailed.REJECTED,
}
"""What is PROCESSED is ARCHIVED once nobody is asked any more whether it is solved."""


@dataclass(frozen=True, slots=True)
class Telling:
    """For whom, when and how fully reports of a city are told."""

    city: Jurisdiction
    language: str
    extended: bool
    now: datetime

    def request(self, view: ReportView) -> dict[str, Any]:
        """Return a report as a service request; what extends it comes last."""
        pictures = _pictures(view)
        told: dict[str, Any] = {
            "service_request_id": view.reference,
            "status": "closed" if view.status in CLOSED else "open",
            "status_notes": view.public_message or view.status_text,
            "service_name": view.category.name,
            "service_code": view.category.code,
            "description": view.description or None,
            "agency_responsible": view.team.name,
            "service_notice": next_steps.tell(view, self.city.time_zone, self.language),
            "requested_datetime": moment(view.created_at),
            "updated_datetime": moment(window.changed_at(view)),
            "expected_datetime": moment(view.due_at),
            "address": view.address or "",
            "address_id": None,
            "zipcode": None,
            "lat": view.location.latitude,
            "long": view.location.longitude,
            "media_url": pictures[0] if pictures else None,
        }
        if self.extended:
            told["extended_attributes"] = {
                "title": _title(view),
                "detailed_status": self._detailed(view).value,
                "media_urls": pictures,
            }
        return told

    def _detailed(self, view: ReportView) -> Detailed:
        detailed = DETAILED[Status(view.status)]
        if detailed is Detailed.PROCESSED and window.changed_at(view) < archived_before(
            self.city, self.now
        ):
            return Detailed.ARCHIVED
        return detailed


def archived_before(city: Jurisdiction, now: datetime) -> datetime:
    """Return before when what was closed is archived: nobody is asked about it any more."""
    return now - timedelta(days=city.feedback_days)


def photo_url(public_id: str) -> str:
    """Return where everybody finds a photo, at the size that Open311 tells of."""
    return public_url(f"/api/v1/photos/{public_id}/{SIZE}.jpg")


def _pictures(view: ReportView) -> list[str]:
    return [photo_url(photo.id) for photo in view.photos if photo.status == PhotoStatus.READY]


def _title(view: ReportView) -> str:
    lines: Sequence[str] = view.description.strip().splitlines()
    title = lines[0] if lines else view.category.name
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
