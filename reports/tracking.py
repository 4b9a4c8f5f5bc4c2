"""Tracking tokens: what an anonymous resident holds to follow and steer their report.

A token is the report's reference signed with the server's secret, so that a replayed answer can
carry it again and nothing has to be kept.
"""

from __future__ import annotations

import hashlib

from itsdangerous import BadSignature, Signer

TOKEN_PREFIX = "vgr_"  # noqa: S105 (what tracking tokens begin with, itself no secret)


def issue(secret_key: str, reference: str) -> str:
    """Return the report's token; always the same for the same report and secret."""
    return TOKEN_PREFIX + _signer(secret_key).sign(reference).decode()


def read(secret_key: str, token: str) -> str | None:
    """Return the reference that the token opens, or None where it was not made by us."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    try:
        return _signer(secret_key).unsign(token.removeprefix(TOKEN_PREFIX)).decode()
    except (BadSignature, UnicodeError):
        return None


def _signer(secret_key: str) -> Signer:
    return Signer(
        secret_key, salt="vigie.tracking", key_derivation="hmac", digest_method=hashlib.sha256
    )
