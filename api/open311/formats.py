"""XML and JSON: one document, written in the format that its address ends in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

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
_NO_ATTRIBUTES: AttributesImpl[str] = AttributesImpl({})
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
    written = StringIO()
    writer = XMLGenerator(written, "utf-8", short_empty_elements=True)
    writer.startDocument()
    _write(writer, name, content)
    writer.endDocument()
    text = _UNWRITABLE.sub(_REPLACEMENT, written.getvalue())
    # As it is, a parser would take it for the end of a line.
    return text.replace("\r", "&#13;").encode()


def moment(at: datetime | None) -> str | None:
    """Return a time as Open311 has it: in UTC, of whole seconds, with a Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _write(writer: XMLGenerator, name: str, content: Any) -> None:
    writer.startElement(name, _NO_ATTRIBUTES)
    if isinstance(content, dict):
        for key, inner in content.items():
            _write(writer, key, inner)
    elif isinstance(content, list):
        for item in content:
            _write(writer, _ITEMS[name], item)
    elif isinstance(content, bool):
        writer.characters("true" if content else "false")
    elif content is not None:
        writer.characters(str(content))
    writer.endElement(name)
