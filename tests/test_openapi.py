"""The description: true to the code, valid, with an example where something is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.routing import Rule

from api.limits import UNLIMITED
from api.problems import MEDIA_TYPE
from tests.described import METHODS, description, path_of, response_of


def test_the_committed_description_is_the_served_one(client: FlaskClient) -> None:
    served = client.get("/openapi.json").json
    assert description() == served, (
        "write it anew with: flask --app wsgi openapi write --format=yaml openapi.yaml"
    )


def test_the_description_is_valid(client: FlaskClient) -> None:
    described = client.get("/openapi.json").json
    assert described is not None
    OpenAPIV31SpecValidator(described).validate()


def test_every_api_route_is_described(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1"):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = description()["paths"][path_of(rule)][method.lower()]
            assert operation["summary"]
            assert operation["security"]


def test_every_operation_names_each_status_that_it_may_answer_with(app: Flask) -> None:
    for rule, operation in _operations(app):
        named = set(operation["responses"])
        assert "default" not in named, rule
        assert _needed(operation, rule) <= named, rule
        assert ("429" in named) == (rule.endpoint not in UNLIMITED), rule
        assert any(status.startswith("2") for status in named), rule
        assert {status for status in named if status.startswith("5")} <= {"503", "507"}, rule


def test_every_refusal_is_described_as_a_problem_with_its_headers(app: Flask) -> None:
    later = frozenset({"Retry-After"})
    headers = {"401": {"WWW-Authenticate"}, **dict.fromkeys(("429", "503", "507"), later)}
    for rule, operation in _operations(app):
        for status in {status for status in operation["responses"] if status >= "400"}:
            told = response_of(operation, int(status))
            assert told is not None
            problem = told["content"][MEDIA_TYPE]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}, rule
            assert set(told.get("headers", {})) == headers.get(status, set()), rule


def test_json_bodies_come_with_examples(client: FlaskClient) -> None:
    described = client.get("/openapi.json").json
    assert described is not None
    seen = 0
    for operations in described["paths"].values():
        for method, operation in operations.items():
            content = (
                operation.get("requestBody", {}).get("content", {}) if method in METHODS else {}
            )
            if "application/json" in content:
                assert content["application/json"]["example"]
                seen += 1
    assert seen >= 4


def test_the_documentation_page_needs_nobody_else(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"):
        assert f"/api/docs/assets/{name}" in page.text
        with client.get(f"/api/docs/assets/{name}") as asset:
            assert asset.status_code == 200


def _operations(app: Flask) -> Iterator[tuple[Rule, dict[str, Any]]]:
    for rule in app.url_map.iter_rules():
        for method, operation in description()["paths"].get(path_of(rule), {}).items():
            if method in METHODS and method.upper() in (rule.methods or ()):
                yield rule, operation


def _needed(operation: dict[str, Any], rule: Rule) -> set[str]:
    """Return the statuses that follow from what the operation takes, and from whom."""
    places = {parameter["in"] for parameter in operation.get("parameters", [])}
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    rules = {
        frozenset({"503"}): True,
        frozenset({"400", "408", "413", "415", "422"}): "requestBody" in operation,
        frozenset({"401"}): {} not in operation["security"],
        frozenset({"404"}): "<" in rule.rule or "jurisdiction" in names,
        frozenset({"409", "422"}): "Idempotency-Key" in names,
        frozenset({"412", "428"}): "If-Match" in names,
        frozenset({"422"}): "query" in places,
    }
    return {status for statuses, holds in rules.items() if holds for status in statuses}
