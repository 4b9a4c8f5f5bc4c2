"""Pages of lists: opaque cursors, and the address of the next page."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import request

from api.services import public_url
from reports.filters import Mark

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_ID = 2**63


class BadCursor(ValueError):
    """The text is no cursor that we made."""


def encode(mark: Mark) -> str:
    """Return the cursor after which the next page begins."""
    moment = (mark.created_at - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(f"{moment}.{mark.id}".encode()).decode().rstrip("=")


def decode(text: str) -> Mark:
    """Return what the cursor marks, or raise BadCursor."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        moment, _, id_ = raw.decode("ascii").partition(".")
        mark = Mark(_EPOCH + timedelta(microseconds=int(moment)), int(id_))
    except (binascii.Error, OverflowError, UnicodeError, ValueError) as error:
        raise BadCursor(text) from error
    if not 0 < mark.id < _MAX_ID:
        raise BadCursor(text)
    return mark


def next_url(mark: Mark | None) -> str | None:
    """Return the address of the next page of this request's list, or None at the end."""
    if mark is None:
        return None
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{public_url(request.path)}?{urlencode([*pairs, ('cursor', encode(mark))])}"
