"""Services: a city's categories, and their questions as attributes."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.declarations import raises
from api.open311 import formats, parameters
from api.open311.blueprint import V2, route
from api.services import db
from city import categories
from city.categories import NOT_A_DATETIME, NOT_A_NUMBER, CatalogueEntry, UnknownCategory
from city.models import Question, QuestionType
from infra.words import Reader

_DATATYPES = {
    QuestionType.TEXT: "text",
    QuestionType.NUMBER: "number",
    QuestionType.DATETIME: "datetime",
    QuestionType.CHOICE: "singlevaluelist",
    QuestionType.CHOICES: "multivaluelist",
}
_EXPLAINED = {QuestionType.NUMBER: NOT_A_NUMBER, QuestionType.DATETIME: NOT_A_DATETIME}


@route(f"{V2}/services")
def list_services() -> Response:
    """List what can be asked of the city."""
    reader, entries = _catalogue()
    return formats.answer("services", [_service(entry, reader) for entry in entries])


@route(f"{V2}/services/<code>")
@raises(UnknownCategory)
def define_service(code: str) -> Response:
    """Tell what a service asks about."""
    reader, entries = _catalogue()
    entry = next((entry for entry in entries if entry.category.code == code), None)
    if entry is None:
        raise UnknownCategory(code)
    attributes = [
        _attribute(question, order, reader) for order, question in enumerate(entry.questions, 1)
    ]
    defined = {"service_code": code, "attributes": attributes}
    return formats.answer("service_definition", defined)


def _catalogue() -> tuple[Reader, list[CatalogueEntry]]:
    given = parameters.of_query()
    city = parameters.jurisdiction(given)
    reader = Reader(parameters.language(given, city), city.locales)
    return reader, categories.catalogue(db(), city.id)


def _service(entry: CatalogueEntry, reader: Reader) -> dict[str, Any]:
    category = entry.category
    name = reader.name(category.names)
    return {
        "service_code": category.code,
        "service_name": name,
        "description": reader.name(category.descriptions) or name,
        "metadata": bool(entry.questions),
        "type": "realtime",
        "keywords": ",".join((entry.group.code, *category.kinds)),
        "group": reader.name(entry.group.names),
    }


def _attribute(question: Question, order: int, reader: Reader) -> dict[str, Any]:
    kind = QuestionType(question.type)
    return {
        "variable": True,
        "code": question.code,
        "datatype": _DATATYPES[kind],
        "required": question.required,
        "datatype_description": reader.say(_EXPLAINED[kind]) if kind in _EXPLAINED else None,
        "order": order,
        "description": reader.name(question.texts),
        "values": [
            {"key": choice["code"], "name": reader.name(choice["names"])}
            for choice in question.choices
        ],
    }
