"""How far a long command is."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import click

_EVERY_S = 0.5


class Progress:
    """Tells on one line how many files and bytes are done; only the end where nobody watches."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._files = 0
        self._bytes = 0
        self._next = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            click.echo(self._line())

    def add(self, size_bytes: int) -> None:
        """Count one more file."""
        self._files += 1
        self._bytes += size_bytes
        if sys.stdout.isatty() and time.monotonic() >= self._next:
            click.echo(self._line(), nl=False)
            self._next = time.monotonic() + _EVERY_S

    def _line(self) -> str:
        start = "\r" if sys.stdout.isatty() else ""
        return f"{start}{self._name}: {self._files:,} files, {self._bytes:,} bytes"
