"""Idempotency-Key: what a client sends so that a repeated request does nothing twice."""

from __future__ import annotations

from flask import request

from api.bodies import BadInput, document
from api.callers import current_staff
from api.problems import Fault
from api.services import db, locale
from infra.clock import now
from infra.words import mark, say
from reports import idempotency
from reports.idempotency import IdempotencyKey, Key

HEADER = "Idempotency-Key"
MAX_KEY = 255
# For the description; given_key holds requests to it.
SHAPE = {"minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"}
BAD_KEY = mark("Expected 1 to 255 printable ASCII characters.")


def given_key() -> Key | None:
    """Return the request's key for this route, or None; raise BadInput for one that is no key."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not (1 <= len(text) <= MAX_KEY and text.isascii() and text.isprintable()):
        raise BadInput(Fault(say(locale(), BAD_KEY), parameter=HEADER))
    route = f"{request.method} {request.path}"
    return idempotency.make_key(route, text, _caller(), document())


def _caller() -> str:
    person = current_staff()
    return f"staff:{person.person_id}" if person else "resident"


def recall(key: Key | None) -> IdempotencyKey | None:
    """Return what came of the key when it was first given."""
    return None if key is None else idempotency.recall(db(), key, now())
