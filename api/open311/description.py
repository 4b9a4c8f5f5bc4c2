"""The description of these addresses, written by hand: the standard stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml
from flask import Response

from api.callers import anyone
from api.open311 import formats
from api.open311.blueprint import blueprint

DESCRIPTION: dict[str, Any] = yaml.load(
    Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8"),
    Loader=yaml.CSafeLoader,
)


@blueprint.route("/openapi.json")
@anyone
def describe() -> Response:
    """Return the OpenAPI description of Open311's own addresses."""
    return Response(msgspec.json.encode(DESCRIPTION), content_type=formats.TYPES["json"])
