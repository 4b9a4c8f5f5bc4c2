"""The places in answer templates: which there are, and how they are filled.

A place is a name between braces. Nothing is evaluated and nothing looked up but the name itself,
and what fills a place is never read again, whatever braces it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

_PLACE = re.compile(r"\{([^{}]*)\}")


class Place(StrEnum):
    """What a template may speak of."""

    REFERENCE = "reference"
    CATEGORY = "category"
    DISTRICT = "district"
    ADDRESS = "address"
    TEAM = "team"
    CITY = "city"
    DUE = "due"
    PLANNED = "planned"


_KNOWN = frozenset(place.value for place in Place)


def unknown(text: str) -> str | None:
    """Return the first thing in braces that is no place, or a brace that stands alone."""
    for name in _PLACE.findall(text):
        if name not in _KNOWN:
            return f"{{{name}}}"
    stray = re.search(r"[{}]", _PLACE.sub("", text))
    return stray[0] if stray else None


def places(text: str) -> list[Place]:
    """Return the places in a text that has no unknown ones, each once, in their order."""
    return [Place(name) for name in dict.fromkeys(_PLACE.findall(text))]


def fill(text: str, values: Mapping[Place, str]) -> str:
    """Return the text with each place filled; there is a value for each of its `places`."""
    return _PLACE.sub(lambda found: values[Place(found[1])], text)
