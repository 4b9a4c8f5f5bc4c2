"""Many rows into a table at once, by PostgreSQL's COPY: a fraction of what inserting them takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

JSONB_MARK = b"\x01"
"""What JSONB begins with where it is sent in its binary form."""


def copy(
    session: Session, table: str, types: Mapping[str, str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add the rows to the table.

    `types` has, for each column that the rows fill and in their order, the type that its values
    are sent as: `bytea` for what is in the binary form of the column's own type already.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, types))
    )
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copying:
        copying.set_types(list(types.values()))
        for row in rows:
            copying.write_row(row)
