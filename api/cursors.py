"""Pages of lists: opaque cursors, and the address of the next page."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlencode

from flask import request

from api.services import public_url, services
from reports.filters import Mark
from reports.inbox.listing import OpenMark

PARAMETER = "cursor"
_PAGING = {PARAMETER, "limit"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Which kind of mark it is, and its two numbers.
_MARK = struct.Struct(">Bqq")
_BY_TIME, _BY_PRESSURE = 0, 1
# With the mark they make 30 bytes, which base64 writes without padding.
_TAG_BYTES = 13


class BadCursor(ValueError):
    """The text is no cursor that we made for this request's list."""


def encode(mark: Mark | OpenMark) -> str:
    """Return the cursor after which the next page of this request's list begins."""
    if isinstance(mark, OpenMark):
        packed = _MARK.pack(_BY_PRESSURE, mark.key, mark.id)
    else:
        packed = _MARK.pack(_BY_TIME, (mark.created_at - _EPOCH) // _MICROSECOND, mark.id)
    return _sealed(packed, _key(services().settings.secret_key))


def decode(text: str) -> Mark | OpenMark:
    """Return what the cursor marks in this request's list, or raise BadCursor."""
    try:
        sealed = base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadCursor(text) from error
    if len(sealed) != _TAG_BYTES + _MARK.size:
        raise BadCursor(text)
    key = _key(services().settings.secret_key)
    packed = _veiled(sealed[_TAG_BYTES:], sealed[:_TAG_BYTES], key)
    # What is ours is written in one way only, down to the last letter.
    if not hmac.compare_digest(_sealed(packed, key), text):
        raise BadCursor(text)
    kind, number, id_ = _MARK.unpack(packed)
    if kind == _BY_PRESSURE:
        return OpenMark(number, id_)
    return Mark(_EPOCH + timedelta(microseconds=number), id_)


def next_url(mark: Mark | OpenMark | None) -> str | None:
    """Return the address of the next page of this request's list, or None at the end."""
    if mark is None:
        return None
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name != PARAMETER]
    return f"{public_url(request.path)}?{urlencode([*pairs, (PARAMETER, encode(mark))])}"


def _sealed(packed: bytes, key: bytes) -> str:
    """Return a packed mark as nobody else can read or make it, nor use it for another list.

    The tag vouches for the mark and its list, and veils the mark.
    """
    data = packed + _list()
    tag = hashlib.blake2b(data, digest_size=_TAG_BYTES, key=key, person=b"tag").digest()
    return base64.urlsafe_b64encode(tag + _veiled(packed, tag, key)).decode()


def _veiled(packed: bytes, tag: bytes, key: bytes) -> bytes:
    """Return the packed mark veiled, or bare again when it is."""
    veil = hashlib.blake2b(tag, digest_size=_MARK.size, key=key, person=b"veil").digest()
    return (int.from_bytes(packed) ^ int.from_bytes(veil)).to_bytes(_MARK.size)


def _list() -> bytes:
    """Return what makes this request's list the one that it is: all but how much of it is told."""
    asked = sorted(pair for pair in request.args.items(multi=True) if pair[0] not in _PAGING)
    return f"{request.path}{asked}".encode()


@cache
def _key(secret_key: str) -> bytes:
    return hashlib.blake2b(secret_key.encode(), digest_size=32, person=b"vigie.cursors").digest()
