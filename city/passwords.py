"""Passwords: hashed with argon2id, checked in the same time whether or not the person exists."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Return an argon2id hash with its own salt."""
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether the password fits; without a hash it takes as long and is false."""
    try:
        _HASHER.verify(password_hash or _decoy(), password)
    except (InvalidHashError, VerificationError):
        return False
    return bool(password_hash)


@cache
def _decoy() -> str:
    return hash_password("nobody has this password")
