"""Pages of lists: opaque cursors, and the address of the next page."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import request

from api.services import public_url
from reports.filters import Mark
from reports.inbox import OpenMark

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_ID = 2**63
_OPEN = "o"


class BadCursor(ValueError):
    """The text is no cursor that we made."""


def encode(mark: Mark | OpenMark) -> str:
    """Return the cursor after which the next page begins."""
    if isinstance(mark, OpenMark):
        return _pack(f"{_OPEN}{mark.key}.{mark.id}")
    return _pack(f"{(mark.created_at - _EPOCH) // _MICROSECOND}.{mark.id}")


def decode(text: str) -> Mark:
    """Return what the cursor of a list by time marks, or raise BadCursor."""
    moment, id_ = _numbers(text, _unpack(text))
    try:
        return Mark(_EPOCH + timedelta(microseconds=moment), id_)
    except OverflowError as error:
        raise BadCursor(text) from error


def decode_any(text: str) -> Mark | OpenMark:
    """Return what the cursor of an inbox in any order marks, or raise BadCursor."""
    raw = _unpack(text)
    if not raw.startswith(_OPEN):
        return decode(text)
    key, id_ = _numbers(text, raw.removeprefix(_OPEN))
    if not -_MAX_ID <= key < _MAX_ID:
        raise BadCursor(text)
    return OpenMark(key, id_)


def next_url(mark: Mark | OpenMark | None) -> str | None:
    """Return the address of the next page of this request's list, or None at the end."""
    if mark is None:
        return None
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{public_url(request.path)}?{urlencode([*pairs, ('cursor', encode(mark))])}"


def _pack(raw: str) -> str:
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _unpack(text: str) -> str:
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise BadCursor(text) from error


def _numbers(text: str, raw: str) -> tuple[int, int]:
    first, _, last = raw.partition(".")
    try:
        number, id_ = int(first), int(last)
    except ValueError as error:
        raise BadCursor(text) from error
    if not 0 < id_ < _MAX_ID:
        raise BadCursor(text)
    return number, id_
