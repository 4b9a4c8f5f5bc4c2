"""The OpenAPI description: written from the code, served with a page to try it on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import swagger_ui
from flask import Flask, Response, send_from_directory
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from api import errors, headers
from api.blueprint import LATER, problem_name
from api.callers import anyone
from api.problems import MEDIA_TYPE
from api.schemas.common import ProblemSchema

ASSETS = "/api/docs/assets/"
_FILES = Path(swagger_ui.__file__).parent / "static"

CONFIG: dict[str, Any] = {
    "API_TITLE": "Vigie",
    "API_VERSION": "1.0",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "OPENAPI_SWAGGER_UI_PATH": "/api/docs",
    "OPENAPI_SWAGGER_UI_URL": ASSETS,
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Residents tell their city what they see;"
            " the city tells them what becomes of it.\n\n"
            "Every refusal is a problem document (RFC 9457) in the caller's language. Besides those"
            " that an operation names, any request may meet 405 with `Allow` when its method is"
            " none of the address's, and 400 or 408 when it breaks off or makes no sense."
            " What is no HTTP at all the web server refuses by itself: with 400, 414 or 431, and no"
            " body."
            "\n\n"
            "401 asks for a token. What is for staff is 404 to who holds a report's token, as is to"
            " staff what they may not see. What they may see, but not do in their role, is 403.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
    },
}

_SCHEMES = {
    "tracking": "A report's tracking token (`vgr_…`), which came with the answer to the report.",
    "session": "A staff session (`vgs_…`), which came with the answer to the login.",
    "key": "A client's key (`vk_…`), which an administrator of the city has given to it.",
}

_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    **dict.fromkeys((429, 503, 507), LATER),
}


class DescribedApi(Api):
    """An API whose errors are problem documents, in the answers and in the description."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer what Flask and the schemas raise themselves."""
        return errors.from_http(error)


def install(app: Flask) -> DescribedApi:
    """Describe the application and serve the description; blueprints come after."""
    app.config.update(CONFIG)
    api = DescribedApi(app)
    for name, description in _SCHEMES.items():
        scheme = {"type": "http", "scheme": "bearer", "description": description}
        api.spec.components.security_scheme(name, scheme)
    for name, header in headers.COMPONENTS.items():
        api.spec.components.header(name, dict(header))
    for status, title in errors.TITLES.items():
        api.spec.components.response(problem_name(status), _problem(status, title), lazy=True)
    for endpoint in ("api-docs.openapi_json", "api-docs.openapi_swagger_ui"):
        app.view_functions[endpoint] = anyone(partial(app.view_functions[endpoint]))
    app.add_url_rule(f"{ASSETS}<path:name>", "docs_asset", anyone(_asset))
    return api


def _problem(status: int, title: str) -> dict[str, Any]:
    return {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": ProblemSchema}},
        **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
    }


def _asset(name: str) -> Response:
    return send_from_directory(_FILES, name, max_age=86_400)
