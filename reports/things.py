"""Things of the city's that have a code and names: as somebody reads them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import bindparam, literal, select, union_all
from sqlalchemy.orm import Session

from city.models import Category, Team
from geo.models import District
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


@dataclass(frozen=True, slots=True)
class Things:
    """Things by their ids."""

    categories: dict[int, Thing]
    teams: dict[int, Thing]
    districts: dict[int, Thing]


_MODELS: dict[str, type[Category] | type[Team] | type[District]] = {
    "categories": Category,
    "teams": Team,
    "districts": District,
}

# Built once: a list would otherwise take as long to write the question as to have it answered.
_BY_ID = union_all(
    *(
        select(literal(kind), model.id, model.code, model.names).where(
            model.id.in_(bindparam(kind, expanding=True))
        )
        for kind, model in _MODELS.items()
    )
)


def things_by_id(
    session: Session,
    reader: Reader,
    *,
    categories: Collection[int],
    teams: Collection[int],
    districts: Collection[int],
) -> Things:
    """Return the things with these ids, all by one question to the database."""
    found = Things({}, {}, {})
    wanted = {"categories": categories, "teams": teams, "districts": districts}
    for kind, id_, code, names in session.execute(_BY_ID, wanted):
        getattr(found, kind)[id_] = Thing(code, reader.name(names))
    return found
