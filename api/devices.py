"""Devices that somebody has logged in from before, told by a cookie that they then were given.

Whoever guesses at passwords has no such cookie, and so uses up nothing of those who have.
"""

from __future__ import annotations

import hashlib
from secrets import token_hex

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from api.services import services

COOKIE = "vigie_device"
KEPT_S = 180 * 24 * 3600


def known(email: str) -> str | None:
    """Return the id of the caller's device, or None where this person never logged in from it."""
    try:
        name, whose = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=KEPT_S)
    except BadSignature:
        return None
    return str(name) if whose == _digest(email) else None


def remember(answer: Response, email: str, path: str) -> None:
    """Let the answer of a login make its device known, below `path` alone."""
    answer.set_cookie(
        COOKIE,
        _serializer().dumps([token_hex(16), _digest(email)]),
        max_age=KEPT_S,
        path=path,
        secure=services().settings.public_url.startswith("https:"),
        httponly=True,
        samesite="Strict",
    )


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        services().settings.secret_key,
        salt="vigie.device",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _digest(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()
