"""New rows of several tables, written by one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, Function, LargeBinary, Table, TypeDecorator, func
from sqlalchemy.orm import PassiveFlag, Session
from sqlalchemy.orm.attributes import get_history

from infra.database import Base
from infra.statements import DIALECT, Statement

Model_co = TypeVar("Model_co", bound=Base, covariant=True)
Encoder = Callable[[Any], Any]
Values = Mapping[str, Any]
Columns = tuple[str, ...]

_CHANGED = "changed"
_AS_IT_IS = PassiveFlag.PASSIVE_NO_INITIALIZE


@dataclass(frozen=True, slots=True)
class New(Generic[Model_co]):
    """A row that nobody but the database needs to know, by its values.

    An object of the model would prepare for every value to be changed and looked after.
    """

    model: type[Model_co]
    values: dict[str, Any]

    def having(self, **more: Any) -> New[Model_co]:
        """Return the row with more values."""
        return New(self.model, self.values | more)

    def as_object(self) -> Model_co:
        """Return the row as something that a session can be given."""
        return self.model(**self.values)


Row = Base | New[Base]


def reservation(*models: type[Base]) -> str:
    """Return the SQL of an array with a number for a new row of each model, in this order.

    By these numbers rows can name each other before they are written.
    """
    numbers = ", ".join(f"nextval('{_table(model).name}_id_seq')" for model in models)
    return f"ARRAY[{numbers}]::bigint[]"


def next_number(model: type[Base]) -> Function[int]:
    """Return the expression that reserves a number for a new row."""
    return func.nextval(f"{_table(model).name}_id_seq", type_=BigInteger)


def write(session: Session, rows: Sequence[Row], changed: Base | None = None) -> None:
    """Write new rows of any tables by one statement; the session does not get to know them.

    They may name each other in any order: references are looked at when all of them are there.
    What was changed of a row that the session has is written along, and the session lets it go.
    """
    by_table: dict[Table, list[Values]] = {}
    for row in rows:
        table, given = _given(row)
        by_table.setdefault(table, []).append(given)
    documents = {table.name: _as_json(table, many) for table, many in by_table.items()}
    inserts = tuple(
        (table, tuple(dict.fromkeys(name for one in many for name in one)))
        for table, many in by_table.items()
    )
    update: tuple[Table, Columns] | None = None
    if changed is not None:
        # The session would write it by a statement of its own.
        session.expunge(changed)
        table, names = update = _table(type(changed)), _changes(changed)
        documents[_CHANGED] = _as_json(
            table, [{name: changed.__dict__[name] for name in ("id", *names)}]
        )
    _statement(inserts, update).run(session, documents)


def _given(row: Row) -> tuple[Table, Values]:
    if isinstance(row, New):
        return _table(row.model), row.values
    table = _table(type(row))
    held = row.__dict__
    return table, {name: held[name] for name in _names(table) if name in held}


def _changes(row: Base) -> Columns:
    names = _names(_table(type(row)))
    return tuple(name for name in names if get_history(row, name, _AS_IT_IS).has_changes())


@cache
def _statement(
    inserts: tuple[tuple[Table, Columns], ...], update: tuple[Table, Columns] | None
) -> Statement:
    parts = [(f"new_{table.name}", _insert(table, names)) for table, names in inserts]
    if update is not None:
        parts.insert(0, (_CHANGED, _update(*update)))
    *others, (_, last) = parts
    before = ", ".join(f"{name} AS ({part})" for name, part in others)
    return Statement(f"WITH {before} {last}" if before else last)


def _insert(table: Table, names: Columns) -> str:
    columns = ", ".join(table.columns[name].name for name in names)
    return (
        f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, :{table.name})"
    )


def _update(table: Table, names: Columns) -> str:
    assignments = ", ".join(f"{name} = given.{name}" for name in names)
    return (
        f"UPDATE {table.name} SET {assignments}"
        f" FROM json_populate_recordset(NULL::{table.name}, :{_CHANGED}) AS given"
        f" WHERE {table.name}.id = given.id"
    )


def _as_json(table: Table, rows: Sequence[Values]) -> str:
    encoders = _encoders(table)
    if encoders:
        rows = [
            {name: _encoded(value, encoders.get(name)) for name, value in one.items()}
            for one in rows
        ]
    return msgspec.json.encode(rows).decode()


def _encoded(value: Any, encoder: Encoder | None) -> Any:
    return value if encoder is None or value is None else encoder(value)


@cache
def _encoders(table: Table) -> dict[str, Encoder]:
    """Return how columns are written whose values have no form of their own in JSON."""
    found = {column.name: _encoder(column) for column in table.columns}
    return {name: encoder for name, encoder in found.items() if encoder is not None}


def _encoder(column: Column[Any]) -> Encoder | None:
    if isinstance(column.type, LargeBinary):
        return _hexadecimal
    if isinstance(column.type, TypeDecorator):
        return column.type.dialect_impl(DIALECT).bind_processor(DIALECT)
    return None


def _hexadecimal(value: bytes) -> str:
    return rf"\x{value.hex()}"


@cache
def _names(table: Table) -> Columns:
    return tuple(column.name for column in table.columns)


@cache
def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} has no table of its own")
    return table
