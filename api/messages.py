"""What schemas say about input, in the caller's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from api.problems import Fault, pointer
from infra.words import mark, say

# The libraries' own sentences, with their places named, so that a catalogue can hold them.
_TEMPLATES = (
    mark("Missing data for required field."),
    mark("Field may not be null."),
    mark("Unknown field."),
    mark("Invalid input type."),
    mark("Not a valid string."),
    mark("Not a valid number."),
    mark("Not a valid integer."),
    mark("Not a valid boolean."),
    mark("Not a valid list."),
    mark("Not a valid mapping type."),
    mark("Number too large."),
    mark("Special numeric values (nan or infinity) are not permitted."),
    mark("Must be one of: {choices}."),
    mark("Must be greater than or equal to {min} and less than or equal to {max}."),
    mark("Must be greater than or equal to {min}."),
    mark("Longer than maximum length {max}."),
    mark("Shorter than minimum length {min}."),
    mark("Length must be between {min} and {max}."),
)


def faults(messages: Mapping[str, Any], language: str) -> list[Fault]:
    """Return one fault per sentence, from what webargs collects: {location: {field: ...}}."""
    found = []
    for location, content in messages.items():
        for path, sentence in _sentences(content, ()):
            detail = translate(sentence, language)
            if location == "json":
                found.append(Fault(detail, pointer=pointer(*path)))
            else:
                found.append(Fault(detail, parameter=str(path[0]) if path else ""))
    return found


def translate(sentence: str, language: str) -> str:
    """Return the sentence in the language, whatever values stand in it."""
    for pattern, template in _patterns():
        if match := pattern.fullmatch(sentence):
            return say(language, template, **match.groupdict())
    return say(language, sentence.replace("{", "{{").replace("}", "}}"))


def _sentences(
    content: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(content, Mapping):
        for key, inner in content.items():
            yield from _sentences(inner, path if key == "_schema" else (*path, key))
    elif isinstance(content, list):
        for sentence in content:
            yield from _sentences(sentence, path)
    else:
        yield path, str(content)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(template))), template)
        for template in _TEMPLATES
    ]
