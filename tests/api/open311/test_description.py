"""The description of Open311's addresses: valid, whole, and true to the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api import errors as native
from api import refusals
from api.declarations import ERRORS, said
from api.open311 import errors
from api.open311.blueprint import BASE, NAME, NOTHING
from api.open311.description import DESCRIPTION
from api.open311.formats import FORMATS, TYPES
from tests.api.open311.peer import PLACE, POTHOLE, Peer
from tests.api.open311.reading_xml import read, resolved, schema_of
from tests.described import METHODS, path_of
from tests.resident import Resident

OF_ALL = {400, 405, 429, 503}
HEADERS = {"405": ["Allow"], **{status: ["Retry-After"] for status in ("429", "503", "507")}}


def test_it_is_valid_and_served(client: FlaskClient) -> None:
    OpenAPIV31SpecValidator(DESCRIPTION).validate()
    answer = client.get(f"{BASE}/openapi.json")
    assert answer.status_code == 200
    assert answer.content_type == TYPES["json"]
    assert answer.json == DESCRIPTION


def test_every_address_is_described_and_no_other(app: Flask) -> None:
    described = {
        f"{method} {path}"
        for path, operations in DESCRIPTION["paths"].items()
        for method in operations.keys() & METHODS
    }
    assert described == {f"{method} {path}" for method, path, _ in _routes(app)}


def test_every_status_is_described_and_no_other(app: Flask) -> None:
    for method, path, rule in _routes(app):
        raised = said(app.view_functions[rule.endpoint]).get(ERRORS, ())
        needed = OF_ALL | {
            errors.status_of(error, status)
            for error in raised
            for status in native.TABLE[error].statuses
        }
        described = DESCRIPTION["paths"][path][method]["responses"]
        assert {int(status) for status in described} == needed | {200}, (method, path)


def test_every_answer_is_of_the_format_that_its_address_ends_in(app: Flask) -> None:
    for method, path, _ in _routes(app):
        wanted = TYPES[path.rpartition(".")[2]].partition(";")[0]
        for status, response in DESCRIPTION["paths"][path][method]["responses"].items():
            told = resolved(response)
            assert set(told["content"]) == {wanted}, (method, path, status)
            assert list(told.get("headers", {})) == HEADERS.get(status, [])


def test_names_of_parameters_are_known_to_the_log(app: Flask) -> None:
    known = app.extensions[refusals._KEY]
    assert {"service_request_id", "updated_after", "page_size", "address_string"} <= known


@pytest.mark.parametrize("suffix", FORMATS)
def test_answers_are_as_described(peer: Peer, resident: Resident, suffix: str) -> None:
    id_ = resident.report()["reference"]
    assert peer.tell(id_, "IN_PROGRESS", description="On y va.").status_code == 200
    for path, called in (
        ("/v2/discovery", "/v2/discovery"),
        ("/v2/services", "/v2/services"),
        ("/v2/services/{code}", "/v2/services/nid-de-poule"),
        ("/v2/services/{code}", "/v2/services/nope"),
        ("/v2/requests", "/v2/requests"),
        ("/v2/requests/{reference}", f"/v2/requests/{id_}"),
        ("/v2/tokens/{token}", f"/v2/tokens/{id_}"),
        ("/v2/servicerequestupdates", "/v2/servicerequestupdates"),
    ):
        answer = peer.client.get(f"{BASE}{called}.{suffix}?extensions=true")
        _hold(answer, DESCRIPTION["paths"][f"{path}.{suffix}"]["get"])
    send = DESCRIPTION["paths"][f"/v2/requests.{suffix}"]["post"]
    _hold(peer.send(suffix, **POTHOLE, **PLACE), send)
    _hold(peer.send(suffix, **POTHOLE), send)


def _hold(answer: TestResponse, operation: dict[str, Any]) -> None:
    """Hold an answer to its schema, as JSON or as what XML says in its place."""
    schema = schema_of(operation, answer.status_code)
    is_json = answer.mimetype == "application/json"
    told = answer.json if is_json else read(answer.data, schema)
    validator = Draft202012Validator({**schema, "components": DESCRIPTION["components"]})
    assert list(validator.iter_errors(told)) == []


def _routes(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """Return each method and path of the facade, with the rule that it follows from."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] != NAME or rule.endpoint == NOTHING:
            continue
        path = path_of(rule).removeprefix(BASE)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            for one in _in_each_format(path):
                yield method.lower(), one, rule


def _in_each_format(path: str) -> list[str]:
    stem, found, _ = path.partition("{suffix}")
    return [stem + name for name in FORMATS] if found else [path]
