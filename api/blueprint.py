"""The blueprint that every resource is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from api import errors, headers, preconditions, repeats
from api.bodies import (
    BadInput,
    BodyParser,
    BodyTooLarge,
    BodyTooSlow,
    MalformedBody,
    UnsupportedBody,
)
from api.callers import ANYONE, REPORTER, STAFF
from api.declarations import CALLER, ERRORS, HEADERS
from api.limits import BY_KEY, UNLIMITED, TooManyRequests
from api.preconditions import (
    AnyVersion,
    NoEntityTag,
    PreconditionFailed,
    PreconditionRequired,
)
from reports.idempotency import KeyInUse, KeyReused

BASE = "/api/v1"

Completion = Callable[..., dict[str, Any]]

SECURITY: dict[str, list[dict[str, list[str]]]] = {
    ANYONE: [{}, {"tracking": []}, {"session": []}],
    REPORTER: [{"tracking": []}],
    STAFF: [{"session": []}],
}

LATER: Mapping[str, Any] = {
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}

# What may be wrong with whatever reads a body, or one of these headers.
OF_BODIES = (MalformedBody, BodyTooSlow, BodyTooLarge, UnsupportedBody, BadInput)
OF_HEADERS: Mapping[str, tuple[type[Exception], ...]] = {
    preconditions.HEADER: (PreconditionRequired, AnyVersion, PreconditionFailed, NoEntityTag),
    repeats.HEADER: (KeyInUse, KeyReused, BadInput),
}


class Blueprint(SmorestBlueprint):
    """A blueprint whose arguments are read by our own parser and whose callers are described."""

    ARGUMENTS_PARSER = BodyParser()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        completions: list[Completion] = [
            _describe_caller,
            _describe_problems,
            _describe_limits,
            _describe_headers,
        ]
        self._prepare_doc_cbks += completions

    def _store_endpoint_docs(self, endpoint: str, *arguments: Any, **named: Any) -> None:
        super()._store_endpoint_docs(endpoint, *arguments, **named)
        # What completes a description is not told by flask-smorest which route it is for.
        for info in self._docs[endpoint].values():
            if info:
                info["endpoint"] = f"{self.name}.{endpoint}"

    def arguments(self, schema: type[Schema], **named: Any) -> Any:
        """Declare what a view takes; the schema is made once, and not for every request."""
        return super().arguments(schema(), **named)


def resource(name: str, description: str, prefix: str = BASE) -> Blueprint:
    """Return the blueprint of a resource."""
    return Blueprint(name, f"api.views.{name}", url_prefix=prefix, description=description)


def problem_name(status: int) -> str:
    """Return what the description calls the problems of a status."""
    return f"Problem{status}"


def _describe_caller(
    doc: dict[str, Any], doc_info: dict[str, Any], **_named: Any
) -> dict[str, Any]:
    by_key: list[dict[str, list[str]]] = [{"key": []}] if doc_info["endpoint"] in BY_KEY else []
    return {**doc, "security": [*SECURITY[doc_info[CALLER]], *by_key]}


def _describe_problems(
    doc: dict[str, Any], doc_info: dict[str, Any], **_named: Any
) -> dict[str, Any]:
    """Say which problems the operation may answer with."""
    statuses = errors.statuses(_errors(doc, doc_info))
    problems = {str(status): problem_name(status) for status in sorted(statuses)}
    # flask-smorest adds this one by itself, in a form that is not ours.
    own = {str(status): told for status, told in doc["responses"].items() if int(status) != 422}
    return {**doc, "responses": {**problems, **own}}


def _describe_limits(
    doc: dict[str, Any], doc_info: dict[str, Any], **_named: Any
) -> dict[str, Any]:
    """Say where an answer tells how many requests are left."""
    if doc_info["endpoint"] in UNLIMITED:
        return doc
    responses = {
        status: {**told, "headers": {**told.get("headers", {}), **headers.LIMITS}}
        if int(status) < HTTPStatus.BAD_REQUEST
        else told
        for status, told in doc["responses"].items()
    }
    return {**doc, "responses": responses}


def _errors(doc: dict[str, Any], doc_info: dict[str, Any]) -> Iterator[type[Exception]]:
    yield from errors.ANYWHERE
    yield from doc_info.get(ERRORS, ())
    if doc_info["endpoint"] not in UNLIMITED:
        yield TooManyRequests
    if "parameters" in doc:
        yield BadInput
    if "requestBody" in {**doc, **doc_info.get("manual_doc", {})}:
        yield from OF_BODIES
    for name in doc_info.get(HEADERS, ()):
        yield from OF_HEADERS[name]


def _describe_headers(
    doc: dict[str, Any], doc_info: dict[str, Any], **_named: Any
) -> dict[str, Any]:
    """Add the headers that a view says it reads."""
    headers = [
        {"in": "header", "name": name, **described}
        for name, described in doc_info.get(HEADERS, {}).items()
    ]
    return {**doc, "parameters": [*doc.get("parameters", []), *headers]} if headers else doc
