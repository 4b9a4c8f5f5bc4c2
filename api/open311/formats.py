"""XML and JSON: one document, written in the format that its address ends in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from flask import Response, g

from api.services import locale

FORMATS = ("xml", "json")
DEFAULT = "xml"
TYPES = {
    name: f"{kind}; charset=utf-8"
    for name, kind in {"xml": "text/xml", "json": "application/json"}.items()
}

# What lists hold, by their names. JSON has a list's items without a name.
_ITEMS = {
    "endpoints": "endpoint",
    "errors": "error",
    "formats": "format",
    "media_urls": "media_url",
    "service_request_updates": "request_update",
    "service_requests": "request",
    "services": "service",
    "attributes": "attribute",
    "values": "value",
}
# XML has no way at all to write these down.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_CONTROLS = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
_NONCHARACTERS = ("\ufffe", "\uffff")
_TO_THE_SECOND = len("2026-01-31T12:00:00")
_REPLACEMENT = "\ufffd"


def answer(name: str, content: Any, status: int = 200) -> Response:
    """Return the answer that holds the content: a dict, or a list whose items have a known name.

    Numbers and truth stay what they are in JSON, whose root has no name.
    """
    suffix = asked()
    body = msgspec.json.encode(content) if suffix == "json" else as_xml(name, content)
    told = Response(body, status, content_type=TYPES[suffix])
    told.headers["Content-Language"] = g.get("open311_language") or locale()
    told.vary.add("Accept-Language")
    return told


def asked() -> str:
    """Return which format the request's address asks for; XML where it asks for none of ours."""
    suffix: str = g.get("open311_format", DEFAULT)
    return suffix


def as_xml(name: str, content: Any) -> bytes:
    """Return the document in UTF-8, its root called by the name."""
    parts = [_DECLARATION]
    _write(parts.append, name, content)
    # As it is, a parser would take it for the end of a line.
    text = "".join(parts).replace("\r", "&#13;")
    written = text.encode()
    # To look at each letter takes longer than all else, and hardly any text has one of these.
    has_controls = len(written.translate(None, _CONTROLS)) < len(written)
    if not has_controls and not any(one in text for one in _NONCHARACTERS):
        return written
    return _UNWRITABLE.sub(_REPLACEMENT, text).encode()


def moment(at: datetime | None) -> str | None:
    """Return a time as Open311 has it: in UTC, of whole seconds, with a Z."""
    # Python's own ways take ten times as long, three times for each report of a list.
    return f"{msgspec.to_builtins(at.astimezone(UTC))[:_TO_THE_SECOND]}Z" if at else None


def _write(put: Callable[[str], None], name: str, content: Any) -> None:
    """Put down an element and what it holds; its name is one of ours.

    A list has thousands of them, and the library's own writer would take three times as long.
    """
    if content is None or content == "":
        put(f"<{name}/>")
        return
    kind = type(content)
    put(f"<{name}>")
    if kind is dict:
        for key, inner in content.items():
            if type(inner) is str and inner:
                put(f"<{key}>{escape(inner)}</{key}>")
            else:
                _write(put, key, inner)
    elif kind is list:
        for item in content:
            _write(put, _ITEMS[name], item)
    elif kind is bool:
        put("true" if content else "false")
    else:
        put(escape(str(content)))
    put(f"</{name}>")
