"""What can be reported."""

from __future__ import annotations

from typing import Any

from api.blueprint import resource
from api.callers import anyone
from api.declarations import raises
from api.precedence import names_jurisdiction
from api.schemas.city import CategoriesQuerySchema, CategoriesSchema
from api.schemas.common import position_of
from api.services import db, locale
from city import categories, jurisdictions
from city.categories import CatalogueEntry
from city.jurisdictions import JurisdictionRequired, OutOfArea
from city.models import Jurisdiction
from infra.words import Reader

blueprint = resource("categories", "What can be reported, and what is asked about it.")


@blueprint.route("/categories")
@anyone
@names_jurisdiction()
@raises(JurisdictionRequired, OutOfArea)
@blueprint.arguments(CategoriesQuerySchema, location="query")
@blueprint.response(200, CategoriesSchema)
def list_categories(query: dict[str, Any]) -> dict[str, Any]:
    """List the categories that a spot's city takes reports about."""
    code = query.get("jurisdiction")
    # With a place, that decides; but a jurisdiction that is nowhere is so beside a place too.
    if code is not None or "latitude" not in query:
        jurisdiction = jurisdictions.find(db(), code)
    if "latitude" in query:
        jurisdiction = jurisdictions.locate(db(), position_of(query)).jurisdiction
    entries = categories.catalogue(db(), jurisdiction.id)
    return {"items": [_told(entry, jurisdiction) for entry in entries]}


def _told(entry: CatalogueEntry, jurisdiction: Jurisdiction) -> dict[str, Any]:
    name = Reader(locale(), jurisdiction.locales).name
    return {
        "code": entry.category.code,
        "name": name(entry.category.names),
        "description": name(entry.category.descriptions),
        "group": {"code": entry.group.code, "name": name(entry.group.names)},
        "kinds": entry.category.kinds,
        "public": entry.category.public,
        "questions": [
            {
                "code": question.code,
                "text": name(question.texts),
                "type": question.type,
                "required": question.required,
                "choices": [
                    {"code": choice["code"], "name": name(choice["names"])}
                    for choice in question.choices
                ],
            }
            for question in entry.questions
        ],
    }
