"""ETags: a row's version, and the If-Match that a change must carry."""

from __future__ import annotations

from flask import Response, request

HEADER = "If-Match"
# For the description: a quoted tag as an ETag has it.
SHAPE = {"pattern": '^"[!#-~]+"$'}


class PreconditionRequired(Exception):
    """The change must say with If-Match which version it is meant for."""


class PreconditionFailed(Exception):
    """If-Match names another version than the one there is."""


def etag(version: int) -> str:
    """Return the entity tag of a version, without its quotes."""
    return f"v{version}"


def demand(version: int) -> None:
    """Raise PreconditionRequired or PreconditionFailed unless If-Match names the version."""
    if not request.headers.get(HEADER, "").strip():
        raise PreconditionRequired
    if not request.if_match.contains(etag(version)):
        raise PreconditionFailed


def tag(answer: Response, version: int) -> Response:
    """Give the answer the version's entity tag."""
    answer.set_etag(etag(version))
    return answer
