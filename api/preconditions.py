"""ETags: a row's version, and the If-Match that a change must carry."""

from __future__ import annotations

import re

from flask import Response, request

HEADER = "If-Match"
# For the description: a quoted tag as an ETag has it.
SHAPE = {"pattern": '^"[!#-~]+"$'}

# RFC 9110, 8.8.3 and 5.6.1: tags in quotes, of which commas may be a part; the list may have gaps.
_TAG = r'(?:W/)?"[!\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


class PreconditionRequired(Exception):
    """The change must say with If-Match which version it is meant for."""


class AnyVersion(PreconditionRequired):
    """If-Match is `*`, so it names no version."""


class PreconditionFailed(Exception):
    """If-Match names another version than the one there is."""


class NoEntityTag(PreconditionFailed):
    """If-Match is no list of entity tags, and so equal to none."""


def etag(version: int) -> str:
    """Return the entity tag of a version, without its quotes."""
    return f"v{version}"


def demand(version: int) -> None:
    """Raise PreconditionRequired or PreconditionFailed unless If-Match names the version."""
    check(request.headers.get(HEADER, ""), version)


def check(given: str, version: int) -> None:
    """Raise PreconditionRequired or PreconditionFailed unless the tags name the version.

    Of several tags one has to be the version's; a weak one never is. HTTP lets `*` stand for
    whatever is there, which would let a client overwrite what it has not seen. That is the same as
    to send no If-Match, and answered by the same status: to read again and repeat, which the other
    one asks for, would be of no help.
    """
    given = given.strip()
    if not given:
        raise PreconditionRequired
    if given == "*":
        raise AnyVersion
    if not _TAGS.fullmatch(given):
        raise NoEntityTag
    if f'"{etag(version)}"' not in re.findall(_TAG, given):
        raise PreconditionFailed


def tag(answer: Response, version: int) -> Response:
    """Give the answer the version's entity tag."""
    answer.set_etag(etag(version))
    return answer
