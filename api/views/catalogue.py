"""The city's groups and categories, for its administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.setup import (
    CategoryChangeSchema,
    CategorySettingSchema,
    CategorySettingsSchema,
    GroupChangeSchema,
    GroupSchema,
    GroupsSchema,
)
from api.services import commit
from city import catalogue
from city.access import Act
from city.administration import Administration, CodeTaken, UnfitPart
from city.catalogue import GroupInUse
from city.models import Category, CategoryGroup, Question
from city.staff import Staff

blueprint = resource("catalogue", "What can be reported in the city, for its administrators.")

GROUP = {"code": "rue", "names": {"fr": "Dans la rue", "en": "In the street"}}
CATEGORY = {
    "code": "nid-de-poule",
    "group": "rue",
    "names": {"fr": "Nid-de-poule", "en": "Pothole"},
    "descriptions": {"fr": "Un trou dans la chaussée", "en": "A hole in the road"},
    "kinds": ["problem"],
    "target_hours": 72,
}


def _find_group(office: Administration, code: str) -> CategoryGroup:
    return office.find(CategoryGroup, code)


def _find_category(office: Administration, code: str) -> Category:
    return office.find(Category, code)


@blueprint.route("/admin/groups")
@staff(Act.SET_UP)
@blueprint.response(200, GroupsSchema)
def list_groups(staff: Staff) -> Response:
    """List the groups of categories in the city's order, retired ones too."""
    return offices.listed(_group(group) for group in catalogue.every_group(offices.of(staff)))


@blueprint.route("/admin/groups", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(GroupSchema, example=GROUP)
@blueprint.response(201, GroupSchema)
def add_group(body: dict[str, Any], staff: Staff) -> Response:
    """Add a group of categories; a code that was used once stays taken."""
    _retired, position = body.pop("retired"), body.pop("position", None)
    group = catalogue.create_group(offices.of(staff), body, position)
    commit()
    return offices.answer(_group(group), group, 201)


@blueprint.route("/admin/groups/<key>")
@staff(Act.SET_UP)
@offices.found(_find_group)
@blueprint.response(200, GroupSchema)
def get_group(row: CategoryGroup, **_office: Any) -> Response:
    """Read a group of categories."""
    return offices.answer(_group(row), row)


@blueprint.route("/admin/groups/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(_find_group)
@offices.unchanged
@raises(UnfitPart, GroupInUse)
@blueprint.arguments(GroupChangeSchema, example=GROUP)
@blueprint.response(200, GroupSchema)
def change_group(body: dict[str, Any], row: CategoryGroup, office: Administration) -> Response:
    """Make a group what the body says; one without categories in use may be `retired`."""
    offices.keep_code(body, row.code)
    retired, position = body.pop("retired"), body.pop("position", None)
    group = catalogue.change_group(office, row, body, position, retired=retired)
    commit()
    return offices.answer(_group(group), group)


@blueprint.route("/admin/categories")
@staff(Act.SET_UP)
@blueprint.response(200, CategorySettingsSchema)
def list_categories(staff: Staff) -> Response:
    """List the categories in the city's order, retired ones too."""
    office = offices.of(staff)
    return offices.listed(_categories(office, *catalogue.every_category(office)))


@blueprint.route("/admin/categories", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart, CodeTaken)
@blueprint.arguments(CategorySettingSchema, example=CATEGORY)
@blueprint.response(201, CategorySettingSchema)
def add_category(body: dict[str, Any], staff: Staff) -> Response:
    """Add a category with its questions; a code that was used once stays taken."""
    office = offices.of(staff)
    _retired, position = body.pop("retired"), body.pop("position", None)
    category = catalogue.create_category(office, body, position)
    commit()
    return offices.answer(_categories(office, category)[0], category, 201)


@blueprint.route("/admin/categories/<key>")
@staff(Act.SET_UP)
@offices.found(_find_category)
@blueprint.response(200, CategorySettingSchema)
def get_category(row: Category, office: Administration) -> Response:
    """Read a category."""
    return offices.answer(_categories(office, row)[0], row)


@blueprint.route("/admin/categories/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(_find_category)
@offices.unchanged
@raises(UnfitPart)
@blueprint.arguments(CategoryChangeSchema, example=CATEGORY)
@blueprint.response(200, CategorySettingSchema)
def change_category(body: dict[str, Any], row: Category, office: Administration) -> Response:
    """Make a category what the body says; reports of one that is `retired` stay as they are.

    Questions that the body leaves out are asked no more.
    """
    offices.keep_code(body, row.code)
    retired, position = body.pop("retired"), body.pop("position", None)
    category = catalogue.change_category(office, row, body, position, retired=retired)
    commit()
    return offices.answer(_categories(office, category)[0], category)


def _group(group: CategoryGroup) -> dict[str, Any]:
    return {
        "code": group.code,
        "names": group.names,
        "position": group.position,
        "retired": group.retired_at is not None,
        "etag": offices.etag(group),
    }


def _categories(office: Administration, *categories: Category) -> list[dict[str, Any]]:
    groups = {group.id: group.code for group in catalogue.every_group(office)}
    asked = catalogue.questions_of(office, *(category.id for category in categories))
    return [
        {
            "code": one.code,
            "group": groups[one.group_id],
            "names": one.names,
            "descriptions": one.descriptions,
            "kinds": one.kinds,
            "public": one.public,
            "priority": one.priority,
            "target_hours": one.target_hours,
            "target_hours_by_priority": one.target_hours_by_priority,
            "position": one.position,
            "questions": [_question(question) for question in asked[one.id]],
            "retired": one.retired_at is not None,
            "etag": offices.etag(one),
        }
        for one in categories
    ]


def _question(question: Question) -> dict[str, Any]:
    return {
        "code": question.code,
        "texts": question.texts,
        "type": question.type,
        "required": question.required,
        "choices": question.choices,
    }
