"""The token that a request carries."""

from __future__ import annotations

from flask import request

SCHEME = "bearer "


def bearer() -> str | None:
    """Return the token of the Authorization header, if there is one."""
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith(SCHEME):
        return None
    return header[len(SCHEME) :].strip() or None
