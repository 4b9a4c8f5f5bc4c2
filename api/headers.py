"""The headers of answers that clients live by, for the description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Headers = Mapping[str, Mapping[str, Any]]

_POLICIES = ("RateLimit", "RateLimit-Policy")
_TEXT = {"type": "string"}

COMPONENTS: Headers = {
    "ETag": {
        "description": "The version; a change of it is sent with this as `If-Match`.",
        "required": True,
        "schema": _TEXT,
    },
    "Location": {
        "description": "The address of what was made.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RateLimit": {
        "description": "For each policy, how many requests are left, and for how many seconds.",
        "required": True,
        "schema": _TEXT,
    },
    "RateLimit-Policy": {
        "description": "For each policy, how many requests are allowed in how many seconds.",
        "required": True,
        "schema": _TEXT,
    },
    "Cache-Control": {
        "description": "For how long a copy may be kept.",
        "required": True,
        "schema": _TEXT,
    },
}


def named(*names: str) -> dict[str, dict[str, str]]:
    """Return the headers with the names, as an answer's description refers to them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


LIMITS = named(*_POLICIES)
