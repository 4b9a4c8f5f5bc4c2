"""Idempotency-Key: what a client sends so that a repeated request does nothing twice."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api import clients, documents
from api.bodies import BadInput, document
from api.callers import current_staff
from api.problems import Fault
from api.services import db, locale
from infra.clock import now
from infra.words import mark, say
from reports import idempotency
from reports.idempotency import IdempotencyKey, Key
from reports.references import normalise

HEADER = "Idempotency-Key"
MAX_KEY = 255
# For the description; given_key holds requests to it.
SHAPE = {"minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"}
# What the resident had given is kept in one place, so that it can be forgotten there. The token
# follows from the reference.
_GIVEN = {"description", "location", "address", "contact", "tracking_token"}
BAD_KEY = mark("Expected 1 to 255 printable ASCII characters.")


def given_key() -> Key | None:
    """Return the request's key for this route, or None; raise BadInput for one that is no key."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not (1 <= len(text) <= MAX_KEY and text.isascii() and text.isprintable()):
        raise BadInput(Fault(say(locale(), BAD_KEY), parameter=HEADER))
    route = f"{request.method} {_path()}"
    if client := clients.current():
        # Machines count from one, so each client has keys of its own.
        route = f"{route} by {client.key_id}"
    return idempotency.make_key(route, text, _caller(), document())


def _path() -> str:
    """Return the request's path; however a reference is spelt, it is the same one."""
    given: str | None = (request.view_args or {}).get("reference")
    return request.path.replace(given, normalise(given)) if given else request.path


def _caller() -> str:
    person = current_staff()
    return f"staff:{person.person_id}" if person else "resident"


def worth_keeping(told: dict[str, Any]) -> dict[str, Any]:
    """Return what to keep of a report's first answer, and in which language that is."""
    kept = {name: value for name, value in told.items() if name not in _GIVEN}
    return {"language": locale(), "told": documents.plain(kept)}


def again(earlier: IdempotencyKey, told: dict[str, Any]) -> Response:
    """Return the first answer once more, from what was kept of it and what is told now.

    What the resident had given is told as it is now, and so without what was forgotten since.
    """
    kept: dict[str, Any] = earlier.answer or {}
    answer = documents.answer({**told, **kept.get("told", {})})
    answer.content_language.add(kept.get("language", locale()))
    return answer


def recall(key: Key | None) -> IdempotencyKey | None:
    """Return what came of the key when it was first given."""
    return None if key is None else idempotency.recall(db(), key, now())
