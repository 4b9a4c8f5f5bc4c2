"""Moderation: what the public no longer sees, and sees again."""

from __future__ import annotations

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
from city.sessions import Staff
from infra.clock import now
from reports import moderation
from reports.models import Photo, Report, Visibility
from reports.moderation import UnknownPhoto
from reports.reading import UnknownReport

blueprint = resource("moderation", "What the public no longer sees, and sees again.")


@blueprint.route("/reports/<reference>/hide", methods=["POST"])
@staff(Act.MODERATE)
@raises(UnknownReport)
@blueprint.arguments(HideSchema, example={"reason": "Le texte nomme une voisine."})
@blueprint.response(200, ModeratedReportSchema)
def hide_report(body: dict[str, Any], reference: str, staff: Staff) -> Report:
    """Hide a report with its photos from the public; the work on it goes on."""
    return _set_report(staff, reference, Visibility.HIDDEN, body)


@blueprint.route("/reports/<reference>/show", methods=["POST"])
@staff(Act.MODERATE)
@raises(UnknownReport)
@blueprint.arguments(ShowSchema, required=False, example={"reason": "Rien n'y est privé."})
@blueprint.response(200, ModeratedReportSchema)
def show_report(body: dict[str, Any], reference: str, staff: Staff) -> Report:
    """Show a report that was hidden."""
    return _set_report(staff, reference, Visibility.SHOWN, body)


@blueprint.route("/photos/<uuid:public_id>/hide", methods=["POST"])
@staff(Act.MODERATE)
@raises(UnknownPhoto)
@blueprint.arguments(HideSchema, example={"reason": "On reconnaît un visage."})
@blueprint.response(200, ModeratedPhotoSchema)
def hide_photo(body: dict[str, Any], public_id: UUID, staff: Staff) -> Photo:
    """Hide a photo from the public."""
    return _set_photo(staff, public_id, Visibility.HIDDEN, body)


@blueprint.route("/photos/<uuid:public_id>/show", methods=["POST"])
@staff(Act.MODERATE)
@raises(UnknownPhoto)
@blueprint.arguments(ShowSchema, required=False, example={"reason": "Rien n'y est privé."})
@blueprint.response(200, ModeratedPhotoSchema)
def show_photo(body: dict[str, Any], public_id: UUID, staff: Staff) -> Photo:
    """Show a photo that was hidden."""
    return _set_photo(staff, public_id, Visibility.SHOWN, body)


def _set_report(
    staff: Staff, reference: str, visibility: Visibility, body: dict[str, Any]
) -> Report:
    found = moderation.set_report(db(), staff, reference, visibility, body.get("reason"), now())
    commit()
    return found


def _set_photo(
    staff: Staff, public_id: UUID, visibility: Visibility, body: dict[str, Any]
) -> Photo:
    found = moderation.set_photo(db(), staff, public_id, visibility, body.get("reason"), now())
    commit()
    return found
