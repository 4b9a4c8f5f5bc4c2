"""Problem documents (RFC 9457): what every error looks like to a client."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Response

from api.services import locale
from infra.words import say

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the input: `pointer` into the body (RFC 6901) or a `parameter`."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the fault as clients get it."""
        place = {"pointer": self.pointer, "parameter": self.parameter}
        return {
            **{name: value for name, value in place.items() if value is not None},
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that says what went wrong; `title` is a message of the catalogue."""

    status: int
    slug: str
    title: str
    detail: str | None = None
    faults: Sequence[Fault] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self, language: str) -> dict[str, object]:
        """Return the problem document in a language."""
        document: dict[str, object] = {
            "type": f"urn:vigie:problem:{self.slug}",
            "title": say(language, self.title),
            "status": self.status,
            "detail": self.detail or say(language, self.title),
        }
        if self.faults:
            document["errors"] = [fault.as_json() for fault in self.faults]
        return {**document, **self.extra}

    def as_json(self, language: str) -> str:
        """Return the problem document in a language, as JSON."""
        return json.dumps(self.document(language), ensure_ascii=False)

    def response(self) -> Response:
        """Return the answer in the caller's language."""
        language = locale()
        answer = Response(self.as_json(language), self.status, content_type=MEDIA_TYPE)
        answer.headers.update(self.headers)
        answer.headers["Content-Language"] = language
        answer.headers["Cache-Control"] = "no-store"
        return answer


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer made of the parts."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
