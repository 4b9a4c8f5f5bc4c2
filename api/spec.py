"""The OpenAPI description: written from the code, served with a page to try it on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import swagger_ui
from flask import Flask, Response, send_from_directory
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from api import errors
from api.callers import anyone
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
            " the city tells them what becomes of it.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
    },
}

_SCHEMES = {
    "tracking": "A report's tracking token (`vgr_…`), which came with the answer to the report.",
    "session": "A staff session (`vgs_…`), which came with the answer to the login.",
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
    for endpoint in ("api-docs.openapi_json", "api-docs.openapi_swagger_ui"):
        app.view_functions[endpoint] = anyone(partial(app.view_functions[endpoint]))
    app.add_url_rule(f"{ASSETS}<path:name>", "docs_asset", anyone(_asset))
    return api


def _asset(name: str) -> Response:
    return send_from_directory(_FILES, name, max_age=86_400)
