"""Much at once into a table or out of it, by PostgreSQL's COPY: a fraction of the usual time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice, repeat
from struct import pack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy.orm import Session

JSONB_MARK = b"\x01"
"""What JSONB begins with where it is sent in its binary form."""

# What a copy begins with: a signature, flags, and the length of what may follow them.
_HEADER = b"PGCOPY\n\xff\r\n\0" + 8 * b"\0"
_ROW_HEADER_BYTES = 2 + 4
_AT_ONCE = 1_000
_END = b"\xff\xff"
_NULL = -1


def _sized(values: Sequence[bytes]) -> tuple[Iterable[bytes], ...]:
    return map(partial(pack, ">i"), map(len, values)), values


# How the values of a column are sent: what of each of them comes first, and what then.
_SENT: Mapping[str, Callable[[Sequence[Any]], tuple[Iterable[bytes], ...]]] = {
    "int8": lambda values: (map(partial(pack, ">iq", 8), values),),
    "bool": lambda values: (map(partial(pack, ">i?", 1), values),),
    "text": lambda values: _sized(tuple(map(str.encode, values))),
    "bytea": _sized,
}


def copy(
    session: Session, table: str, types: Mapping[str, str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add the rows, without nulls, to the table.

    `types` has, for each column that the rows fill and in their order, the type that its values
    are sent as, one of _SENT: `bytea` for what is in the binary form of the column's own type
    already.
    """
    # The driver would look at the type of each value anew, which takes longer than all the rest.
    begin, as_sent = pack(">h", len(types)), [_SENT[type_] for type_ in types.values()]
    with _driver(session).cursor() as cursor, cursor.copy(_into(table, types)) as copying:
        copying.write(_HEADER)
        coming = iter(rows)
        while some := list(islice(coming, _AT_ONCE)):
            columns = zip(as_sent, zip(*some, strict=True), strict=True)
            parts = chain.from_iterable(send(values) for send, values in columns)
            copying.write(b"".join(chain.from_iterable(zip(repeat(begin), *parts))))
        copying.write(_END)


def copy_numbers(
    session: Session,
    table: str,
    columns: Mapping[str, NDArray[np.int64]],
    nulls: Mapping[str, NDArray[np.bool_]],
) -> None:
    """Add as many rows to the table as each of the columns, of bigint, has elements.

    `nulls` tells of some of the columns which elements stand for nothing.
    """
    count = len(next(iter(columns.values())))
    rows = np.empty(count, dtype=_row(dict.fromkeys(columns, ">i8")))
    rows["count"] = len(columns)
    kept = np.ones((count, rows.itemsize), dtype=np.bool_)
    for number, (name, values) in enumerate(columns.items(), 1):
        rows[name]["value"] = values
        empty = nulls.get(name, np.zeros(count, dtype=np.bool_))
        rows[name]["bytes"] = np.where(empty, _NULL, 8)
        # Of what is nothing, only the length is sent.
        end = rows.dtype["count"].itemsize + number * rows.dtype[name].itemsize
        kept[empty, end - 8 : end] = False
    with _driver(session).cursor() as cursor, cursor.copy(_into(table, columns)) as copying:
        copying.write(_HEADER)
        copying.write(rows.view(np.uint8).reshape(count, rows.itemsize)[kept].tobytes())
        copying.write(_END)


def parts(session: Session, query: str, values: Mapping[str, Any]) -> Iterator[memoryview]:
    """Yield the bytes that each row of a query gives, which has one column, of bytea."""
    # Before them stand, of each row, how many columns it has and how long the bytes are.
    before = len(_HEADER) + _ROW_HEADER_BYTES
    statement = f"COPY ({query}) TO STDOUT (FORMAT BINARY)"
    with _driver(session).cursor() as cursor, cursor.copy(statement, values) as copying:
        for row in copying:
            if len(row) > before:
                yield memoryview(row)[before:]
            before = _ROW_HEADER_BYTES


def _into(table: str, columns: Iterable[str]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )


def _row(columns: Mapping[str, str]) -> np.dtype[np.void]:
    """Return how a row is sent: how many columns there are, then each with its length."""
    return np.dtype(
        [
            ("count", ">i2"),
            *((name, [("bytes", ">i4"), ("value", type_)]) for name, type_ in columns.items()),
        ]
    )


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection
