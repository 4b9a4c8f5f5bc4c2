"""What the desk works with, for the city's administrators: reasons, third parties, templates."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.desk_settings import (
    CloseReasonChangeSchema,
    CloseReasonSettingSchema,
    CloseReasonSettingsSchema,
    TemplateChangeSchema,
    TemplateSchema,
    TemplatesSchema,
    ThirdPartyChangeSchema,
    ThirdPartySchema,
    ThirdPartySettingsSchema,
)
from api.services import commit
from city import desk_settings
from city.access import Act
from city.administration import Administration, CodeTaken, UnfitPart
from city.desk_models import AnswerTemplate, CloseReason, ThirdParty
from city.desk_settings import CLOSE_REASONS, TEMPLATES, THIRD_PARTIES, Row, Setting
from city.models import Category
from city.staff import Staff

blueprint = resource("desk_settings", "What the desk works with, for the city's administrators.")

REASON = {
    "code": "fait",
    "names": {"fr": "Travaux faits", "en": "Work done"},
    "statuses": ["resolved"],
    "public_texts": {"fr": "C'est réparé.", "en": "It has been repaired."},
}
PARTY = {"code": "departement", "names": {"fr": "Département", "en": "County"}}
TEMPLATE = {
    "code": "repare",
    "names": {"fr": "Réparé", "en": "Repaired"},
    "status": "resolved",
    "texts": {"fr": "{category} : c'est réparé, merci !", "en": "{category}: repaired. Thank you!"},
}


def _find_reason(office: Administration, code: str) -> CloseReason:
    return office.find(CloseReason, code)


def _find_party(office: Administration, code: str) -> ThirdParty:
    return office.find(ThirdParty, code)


def _find_template(office: Administration, code: str) -> AnswerTemplate:
    return office.find(AnswerTemplate, code)


def _add(office: Administration, setting: Setting[Row], body: dict[str, Any]) -> Row:
    _retired, position = body.pop("retired"), body.pop("position", None)
    row = desk_settings.create(office, setting, body, position)
    commit()
    return row


def _change(office: Administration, setting: Setting[Row], row: Row, body: dict[str, Any]) -> Row:
    offices.keep_code(body, row.code)
    retired, position = body.pop("retired"), body.pop("position", None)
    changed = desk_settings.change(office, setting, row, body, position, retired=retired)
    commit()
    return changed


@blueprint.route("/admin/close-reasons")
@staff(Act.SET_UP)
@blueprint.response(200, CloseReasonSettingsSchema)
def list_reasons(staff: Staff) -> Response:
    """List the reasons to close tickets in the city's order, retired ones too."""
    office = offices.of(staff)
    rows = desk_settings.every(office, CLOSE_REASONS)
    return offices.listed(_reason(row) for row in rows)


@blueprint.route("/admin/close-reasons", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(CloseReasonSettingSchema, example=REASON)
@blueprint.response(201, CloseReasonSettingSchema)
def add_reason(body: dict[str, Any], staff: Staff) -> Response:
    """Add a reason to close tickets; a code that was used once stays taken."""
    office = offices.of(staff)
    row = _add(office, CLOSE_REASONS, body)
    return offices.answer(_reason(row), row, 201)


@blueprint.route("/admin/close-reasons/<key>")
@staff(Act.SET_UP)
@offices.found(_find_reason)
@blueprint.response(200, CloseReasonSettingSchema)
def get_reason(row: CloseReason, **_office: Any) -> Response:
    """Read a reason to close tickets."""
    return offices.answer(_reason(row), row)


@blueprint.route("/admin/close-reasons/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(_find_reason)
@offices.unchanged
@raises(UnfitPart)
@blueprint.arguments(CloseReasonChangeSchema, example=REASON)
@blueprint.response(200, CloseReasonSettingSchema)
def change_reason(body: dict[str, Any], row: CloseReason, office: Administration) -> Response:
    """Make a reason what the body says; tickets closed with one that is `retired` keep it."""
    changed = _change(office, CLOSE_REASONS, row, body)
    return offices.answer(_reason(changed), changed)


@blueprint.route("/admin/third-parties")
@staff(Act.SET_UP)
@blueprint.response(200, ThirdPartySettingsSchema)
def list_parties(staff: Staff) -> Response:
    """List the third parties in the city's order, retired ones too."""
    office = offices.of(staff)
    rows = desk_settings.every(office, THIRD_PARTIES)
    return offices.listed(_setting(row) for row in rows)


@blueprint.route("/admin/third-parties", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(ThirdPartySchema, example=PARTY)
@blueprint.response(201, ThirdPartySchema)
def add_party(body: dict[str, Any], staff: Staff) -> Response:
    """Add a third party; a code that was used once stays taken."""
    office = offices.of(staff)
    row = _add(office, THIRD_PARTIES, body)
    return offices.answer(_setting(row), row, 201)


@blueprint.route("/admin/third-parties/<key>")
@staff(Act.SET_UP)
@offices.found(_find_party)
@blueprint.response(200, ThirdPartySchema)
def get_party(row: ThirdParty, **_office: Any) -> Response:
    """Read a third party."""
    return offices.answer(_setting(row), row)


@blueprint.route("/admin/third-parties/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(_find_party)
@offices.unchanged
@raises(UnfitPart)
@blueprint.arguments(ThirdPartyChangeSchema, example=PARTY)
@blueprint.response(200, ThirdPartySchema)
def change_party(body: dict[str, Any], row: ThirdParty, office: Administration) -> Response:
    """Make a third party what the body says; to one that is `retired` nothing more is handed."""
    changed = _change(office, THIRD_PARTIES, row, body)
    return offices.answer(_setting(changed), changed)


@blueprint.route("/admin/templates")
@staff(Act.SET_UP)
@blueprint.response(200, TemplatesSchema)
def list_templates(staff: Staff) -> Response:
    """List the answer templates in the city's order, retired ones too."""
    office = offices.of(staff)
    rows = desk_settings.every(office, TEMPLATES)
    return offices.listed(_template(office, row) for row in rows)


@blueprint.route("/admin/templates", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(TemplateSchema, example=TEMPLATE)
@blueprint.response(201, TemplateSchema)
def add_template(body: dict[str, Any], staff: Staff) -> Response:
    """Add an answer template; a code that was used once stays taken."""
    office = offices.of(staff)
    row = _add(office, TEMPLATES, body)
    return offices.answer(_template(office, row), row, 201)


@blueprint.route("/admin/templates/<key>")
@staff(Act.SET_UP)
@offices.found(_find_template)
@blueprint.response(200, TemplateSchema)
def get_template(row: AnswerTemplate, office: Administration) -> Response:
    """Read an answer template."""
    return offices.answer(_template(office, row), row)


@blueprint.route("/admin/templates/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(_find_template)
@offices.unchanged
@raises(UnfitPart)
@blueprint.arguments(TemplateChangeSchema, example=TEMPLATE)
@blueprint.response(200, TemplateSchema)
def change_template(body: dict[str, Any], row: AnswerTemplate, office: Administration) -> Response:
    """Make a template what the body says; one that is `retired` is offered no more."""
    changed = _change(office, TEMPLATES, row, body)
    return offices.answer(_template(office, changed), changed)


def _setting(row: CloseReason | ThirdParty | AnswerTemplate) -> dict[str, Any]:
    return {
        "code": row.code,
        "names": row.names,
        "position": row.position,
        "retired": row.retired_at is not None,
        "etag": offices.etag(row),
    }


def _reason(row: CloseReason) -> dict[str, Any]:
    texts = row.public_texts or None
    return {**_setting(row), "statuses": row.statuses, "public_texts": texts}


def _template(office: Administration, row: AnswerTemplate) -> dict[str, Any]:
    category = office.session.get_one(Category, row.category_id) if row.category_id else None
    return {
        **_setting(row),
        "category": category.code if category else None,
        "status": row.status,
        "texts": row.texts,
    }
