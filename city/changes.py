"""Changing the city's set-up: what becomes of its rows, whoever wants it so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from infra.database import Base

Changes = dict[str, tuple[Any, Any]]
"""What changed of a row, by the name of its column: what stood there before, what does now."""


@dataclass(frozen=True, slots=True)
class Synced:
    """A row that was made (`changes` None) or brought to what is wanted of it."""

    code: str
    row: Any
    changes: Changes | None


def assign(row: Base, values: Mapping[str, Any]) -> Changes:
    """Give the row the values and return what changed, from which a version more follows."""
    changed = {
        name: (getattr(row, name), value)
        for name, value in values.items()
        if getattr(row, name) != value
    }
    for name, (_before, after) in changed.items():
        setattr(row, name, after)
    if changed:
        touch(row)
    return changed


def touch(row: Any) -> None:
    """Count a new version of a row that has versions."""
    if hasattr(row, "version"):
        row.version += 1


def sync(
    session: Session,
    owner: InstrumentedAttribute[int],
    keys: Mapping[str, int],
    wanted: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> list[Synced]:
    """Make one owner's rows match the wanted values by code; retire those that nobody wants.

    `keys` are what every row of the owner has, the owner itself among them.
    """
    model: Any = owner.class_
    query = select(model).where(owner == keys[owner.key])
    known = {row.code: row for row in session.scalars(query)}
    synced = []
    for code, values in wanted.items():
        if row := known.get(code):
            synced.append(Synced(code, row, assign(row, {**values, "retired_at": None})))
        else:
            row = model(code=code, **keys, **values)
            session.add(row)
            synced.append(Synced(code, row, None))
    for code in sorted(known.keys() - wanted.keys()):
        row = known[code]
        synced.append(Synced(code, row, assign(row, {"retired_at": row.retired_at or now})))
    session.flush()
    return synced
