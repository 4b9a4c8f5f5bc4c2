"""Statements of constant text: what the driver takes of them is made once, and not at every use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Dialect, text
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.orm import Session

DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A statement in SQL with parameters such as `:name`.

    On the way of every report, `session.execute` would take half as long again to find out what it
    has found out before.
    """

    def __init__(self, sql: str) -> None:
        # The driver does not remember what it makes of a text of more than 4,096 bytes.
        shortened = " ".join(sql.split())
        self._sql = str(text(shortened).compile(dialect=DIALECT))

    def scalar(self, session: Session, values: Mapping[str, Any]) -> Any:
        """Return the first column of the first row that the statement gives, None without a row."""
        return session.connection().exec_driver_sql(self._sql, dict(values)).scalar()

    def run(self, session: Session, values: Mapping[str, Any]) -> None:
        """Run the statement, which gives no rows."""
        session.connection().exec_driver_sql(self._sql, dict(values))
