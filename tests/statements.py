"""What the database is asked, noted as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event


class Statement(str):
    """A statement as it was sent, with its values beside it."""

    __slots__ = ("values",)
    values: Any

    @property
    def is_question(self) -> bool:
        """Tell whether it reads alone, and so can be explained while it runs."""
        return self.lstrip().startswith(("SELECT", "WITH", "("))


@contextmanager
def asked_of(asker: Engine | Connection, *, ends: bool = False) -> Iterator[list[Statement]]:
    """Yield what the database is asked meanwhile; with `ends`, how transactions begin and end too.

    These are told as BEGIN and COMMIT.
    """
    asked: list[Statement] = []

    def note(_c: object, _cursor: object, text: str, values: Any, *_rest: object) -> None:
        asked.append(Statement(text))
        asked[-1].values = values

    listeners: list[tuple[str, Callable[..., None]]] = [("before_cursor_execute", note)]
    if ends:
        listeners += [
            ("begin", lambda _connection: asked.append(Statement("BEGIN"))),
            ("commit", lambda _connection: asked.append(Statement("COMMIT"))),
        ]
    for name, listener in listeners:
        event.listen(asker, name, listener)
    try:
        yield asked
    finally:
        for name, listener in listeners:
            event.remove(asker, name, listener)
