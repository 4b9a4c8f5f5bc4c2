"""Moderation: what the public no longer sees, and sees again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.moderation import (
    HideSchema,
    ModeratedPhotoSchema,
    ModeratedReportSchema,
    ShowSchema,
)
from api.services import commit, db
from city.access import Act
from city.staff import Staff
from infra.clock import now
from reports import moderation
from reports.models import Photo, Report, Visibility
from reports.moderation import UnknownPhoto
from reports.resident.reading import UnknownReport

blueprint = resource("moderation", "What the public no longer sees, and sees again.")


def _report(view: Callable[..., Any]) -> Callable[..., Any]:
    """Give the view the report, before anything is said about the body."""

    @raises(UnknownReport)
    @wraps(view)
    def wrapper(reference: str, staff: Staff, **arguments: Any) -> Any:
        report = moderation.find_report(db(), staff, reference)
        return view(report=report, staff=staff, **arguments)

    return wrapper


def of_photo(view: Callable[..., Any]) -> Callable[..., Any]:
    """Give the view the photo, before anything is said about the body."""

    @raises(UnknownPhoto)
    @wraps(view)
    def wrapper(public_id: UUID, staff: Staff, **arguments: Any) -> Any:
        photo = moderation.find_photo(db(), staff, public_id)
        return view(photo=photo, staff=staff, **arguments)

    return wrapper


@blueprint.route("/reports/<reference>/hide", methods=["POST"])
@staff(Act.MODERATE)
@_report
@blueprint.arguments(HideSchema, example={"reason": "Le texte nomme une voisine."})
@blueprint.response(200, ModeratedReportSchema)
def hide_report(body: dict[str, Any], report: Report, staff: Staff) -> Report:
    """Hide a report with its photos from the public; the work on it goes on."""
    moderation.set_report(db(), staff, report, Visibility.HIDDEN, body["reason"], now())
    commit()
    return report


@blueprint.route("/reports/<reference>/show", methods=["POST"])
@staff(Act.MODERATE)
@_report
@blueprint.arguments(ShowSchema, required=False, example={"reason": "Rien n'y est privé."})
@blueprint.response(200, ModeratedReportSchema)
def show_report(body: dict[str, Any], report: Report, staff: Staff) -> Report:
    """Show a report that was hidden."""
    moderation.set_report(db(), staff, report, Visibility.SHOWN, body.get("reason"), now())
    commit()
    return report


@blueprint.route("/photos/<uuid:public_id>/hide", methods=["POST"])
@staff(Act.MODERATE)
@of_photo
@blueprint.arguments(HideSchema, example={"reason": "On reconnaît un visage."})
@blueprint.response(200, ModeratedPhotoSchema)
def hide_photo(body: dict[str, Any], photo: Photo, staff: Staff) -> Photo:
    """Hide a photo from the public."""
    moderation.set_photo(db(), staff, photo, Visibility.HIDDEN, body["reason"], now())
    commit()
    return photo


@blueprint.route("/photos/<uuid:public_id>/show", methods=["POST"])
@staff(Act.MODERATE)
@of_photo
@blueprint.arguments(ShowSchema, required=False, example={"reason": "Rien n'y est privé."})
@blueprint.response(200, ModeratedPhotoSchema)
def show_photo(body: dict[str, Any], photo: Photo, staff: Staff) -> Photo:
    """Show a photo that was hidden."""
    moderation.set_photo(db(), staff, photo, Visibility.SHOWN, body.get("reason"), now())
    commit()
    return photo
