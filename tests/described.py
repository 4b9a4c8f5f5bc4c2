"""A test client for which no answer is right that the description does not have."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.stack import ROOT

METHODS = {"get", "post", "put", "patch", "delete"}


@cache
def description() -> dict[str, Any]:
    """Return the description as it is committed."""
    # The loader in C takes a tenth of the other's time, in each of many processes.
    text = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def path_of(rule: Rule) -> str:
    """Return what the description calls the path of a route."""
    parts = rule.rule.replace("<", "{<").replace(">", ">}").split("<")
    return "".join(part.split(":")[-1] for part in parts).replace(">", "")


def response_of(operation: dict[str, Any], status: int) -> dict[str, Any] | None:
    """Return what the description says of an operation's answer with the status, if anything."""
    told: dict[str, Any] | None = operation["responses"].get(str(status))
    if told is not None and "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        told = description()["components"]["responses"][name]
    return told


class DescribedClient(FlaskClient):
    """Fails where a route answers with a status or a kind of body that is not described."""

    def open(self, *arguments: Any, **named: Any) -> TestResponse:
        """Send the request, and look whether the answer is one of those described."""
        answer = super().open(*arguments, **named)
        operation = self._operation(answer)
        if operation is not None:
            told = response_of(operation, answer.status_code)
            assert told is not None, f"{answer.request}: {answer.status}"
            kinds = told.get("content")
            if kinds and answer.request.method != "HEAD":
                assert answer.mimetype in kinds, f"{answer.request}: {answer.mimetype}"
            for name, header in told.get("headers", {}).items():
                if "$ref" in header:
                    header = description()["components"]["headers"][name]  # noqa: PLW2901
                assert name in answer.headers or not header["required"], f"{answer.request}: {name}"
        return answer

    def _operation(self, answer: TestResponse) -> dict[str, Any] | None:
        routes = self.application.url_map.bind_to_environ(answer.request.environ)
        try:
            rule, _ = routes.match(return_rule=True)
        except HTTPException:
            return None
        method = answer.request.method.lower().replace("head", "get")
        found: dict[str, Any] | None = description()["paths"].get(path_of(rule), {}).get(method)
        return found
