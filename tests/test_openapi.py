"""The description: true to the code, valid, with an example where something is sent."""

from __future__ import annotations

import yaml
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.stack import ROOT

METHODS = {"get", "post", "put", "patch", "delete"}


def test_the_committed_description_is_the_served_one(client: FlaskClient) -> None:
    served = client.get("/openapi.json").json
    committed = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    assert committed == served, (
        "write it anew with: flask --app wsgi openapi write --format=yaml openapi.yaml"
    )


def test_the_description_is_valid(client: FlaskClient) -> None:
    described = client.get("/openapi.json").json
    assert described is not None
    OpenAPIV31SpecValidator(described).validate()


def test_every_api_route_is_described(app: Flask, client: FlaskClient) -> None:
    described = client.get("/openapi.json").json
    assert described is not None
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1"):
            continue
        path = _as_described(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = described["paths"][path][method.lower()]
            assert operation["summary"]
            assert operation["security"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


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


def _as_described(rule: str) -> str:
    parts = (part.split(":")[-1] for part in rule.replace("<", "{<").replace(">", ">}").split("<"))
    return "".join(parts).replace(">", "")
