"""The blueprint that every resource is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from api.bodies import BodyParser
from api.callers import ANYONE, REPORTER, STAFF
from api.problems import MEDIA_TYPE

BASE = "/api/v1"

Completion = Callable[..., dict[str, Any]]

SECURITY: dict[str, list[dict[str, list[str]]]] = {
    ANYONE: [{}, {"tracking": []}, {"session": []}],
    REPORTER: [{"tracking": []}],
    STAFF: [{"session": []}],
}


class Blueprint(SmorestBlueprint):
    """A blueprint whose arguments are read by our own parser and whose callers are described."""

    ARGUMENTS_PARSER = BodyParser()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        completions: list[Completion] = [_describe_caller, _describe_problems, _describe_headers]
        self._prepare_doc_cbks += completions

    def arguments(self, schema: type[Schema], **named: Any) -> Any:
        """Declare what a view takes; the schema is made once, and not for every request."""
        return super().arguments(schema(), **named)


def resource(name: str, description: str, prefix: str = BASE) -> Blueprint:
    """Return the blueprint of a resource."""
    return Blueprint(name, f"api.views.{name}", url_prefix=prefix, description=description)


def _describe_caller(
    doc: dict[str, Any], doc_info: dict[str, Any], **_named: Any
) -> dict[str, Any]:
    return {**doc, "security": SECURITY[doc_info["caller"]]}


def _describe_problems(doc: dict[str, Any], *_info: Any, **_named: Any) -> dict[str, Any]:
    """Say once per operation that every error is a problem document."""
    responses = {
        status: response
        for status, response in doc.get("responses", {}).items()
        if status != "422" and status != 422
    }
    responses["default"] = {
        "description": "A problem (RFC 9457), in the caller's language.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {**doc, "responses": responses}


def _describe_headers(
    doc: dict[str, Any], doc_info: dict[str, Any], **_named: Any
) -> dict[str, Any]:
    """Add the headers that a view says it reads."""
    headers = [
        {"in": "header", "name": name, **described}
        for name, described in doc_info.get("headers", {}).items()
    ]
    return {**doc, "parameters": [*doc.get("parameters", []), *headers]} if headers else doc


def reads(name: str, shape: Mapping[str, object], *, required: bool = False) -> Any:
    """Declare a header that a view reads, and of what shape it is, for the description."""

    def decorate(view: Any) -> Any:
        info = getattr(view, "_apidoc", {})
        described = {"required": required, "schema": {"type": "string", **shape}}
        headers = {**info.get("headers", {}), name: described}
        view._apidoc = {**info, "headers": headers}
        return view

    return decorate
