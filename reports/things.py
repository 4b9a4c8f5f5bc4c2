"""Things of the city's that have a code and names: as somebody reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from infra.database import Names
from infra.words import Reader


class Named(Protocol):
    """What the city has named: a category, a district, a team, a jurisdiction."""

    @property
    def code(self) -> str:
        """Return its code."""

    @property
    def names(self) -> Names:
        """Return its name per locale."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A category, district or team: its code and its name in the reader's language."""

    code: str
    name: str

    @classmethod
    def of(cls, named: Named, reader: Reader) -> Thing:
        """Return the thing as the reader calls it."""
        return cls(named.code, reader.name(named.names))

    @classmethod
    def told(cls, part: Mapping[str, Any], reader: Reader) -> Thing:
        """Return the thing that a record holds with its code and names, as the reader calls it."""
        return cls(part["code"], reader.name(part["names"]))


class Things:
    """Things as one reader calls them, each read once, however many rows of a list name it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[str, Thing] = {}

    def named(self, code: str, names: str) -> Thing:
        """Return the thing with this code, whose names are still the text that the database has."""
        found = self._known.get(key := f"{code} {names}")
        if found is None:
            found = self._known[key] = Thing(code, self._reader.name(json.loads(names)))
        return found
