"""Things of the city's that have a code and names: as somebody reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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
