"""New rows of several tables, written by one statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Column, Dialect, Function, Table, TextClause, func, text
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.orm import PassiveFlag, Session
from sqlalchemy.orm.attributes import get_history

from infra.database import Base

Encoder = Callable[[Any], Any]

_CHANGED = "changed"
_AS_IT_IS = PassiveFlag.PASSIVE_NO_INITIALIZE
_DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]


def reservation(*models: type[Base]) -> str:
    """Return the SQL of an array with a number for a new row of each model, in this order.

    By these numbers rows can name each other before they are written.
    """
    numbers = ", ".join(f"nextval('{_table(model).name}_id_seq')" for model in models)
    return f"ARRAY[{numbers}]::bigint[]"


def next_number(model: type[Base]) -> Function[int]:
    """Return the expression that reserves a number for a new row."""
    return func.nextval(f"{_table(model).name}_id_seq", type_=BigInteger)


def write(session: Session, rows: Sequence[Base], changed: Base | None = None) -> None:
    """Write new rows of any tables by one statement; the session does not get to know them.

    They may name each other in any order: references are looked at when all of them are there.
    What was changed of a row that the session has is written along, and the session lets it go.
    """
    by_table: dict[Table, list[Base]] = {}
    for row in rows:
        by_table.setdefault(_table(type(row)), []).append(row)
    values = {
        table.name: _JSON.encode([_values(table, row.__dict__) for row in of_table])
        for table, of_table in by_table.items()
    }
    numbered = tuple((table, "id" in ones[0].__dict__) for table, ones in by_table.items())
    update: tuple[Table, tuple[str, ...]] | None = None
    if changed is not None:
        # The session would write it by a statement of its own.
        session.expunge(changed)
        table, names = update = _table(type(changed)), _changes(changed)
        given = {name: changed.__dict__[name] for name in ("id", *names)}
        values[_CHANGED] = _JSON.encode(_values(table, given))
    session.execute(_statement(numbered, update), values)


def _changes(row: Base) -> tuple[str, ...]:
    names = (column.name for column in _table(type(row)).columns)
    return tuple(name for name in names if get_history(row, name, _AS_IT_IS).has_changes())


@cache
def _statement(
    tables: tuple[tuple[Table, bool], ...], update: tuple[Table, tuple[str, ...]] | None
) -> TextClause:
    parts = []
    for table, numbered in tables:
        columns = ", ".join(
            column.name for column in table.columns if numbered or column.identity is None
        )
        parts.append(
            f"new_{table.name} AS (INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE"
            f" SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, :{table.name}))"
        )
    if update is not None:
        table, names = update
        assignments = ", ".join(f"{name} = given.{name}" for name in names)
        parts.append(
            f"{_CHANGED} AS (UPDATE {table.name} SET {assignments}"
            f" FROM json_populate_record(NULL::{table.name}, :{_CHANGED}) AS given"
            f" WHERE {table.name}.id = given.id)"
        )
    return text(f"WITH {', '.join(parts)} SELECT 1")


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return rf"\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} cannot be written")


_JSON = json.JSONEncoder(default=_encode, ensure_ascii=False)


def _values(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: encoder(given[name]) if encoder and given[name] is not None else given[name]
        for name, encoder in _encoders(table)
        if name in given
    }


@cache
def _encoders(table: Table) -> list[tuple[str, Encoder | None]]:
    return [(column.name, _encoder(column)) for column in table.columns]


def _encoder(column: Column[Any]) -> Encoder | None:
    # What a JSON column takes is written into the document as it is.
    if isinstance(column.type, JSON):
        return None
    return column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)


@cache
def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} has no table of its own")
    return table
