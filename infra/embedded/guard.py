"""Keeps a part up: started again when it has died, given up when it does nothing but die."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from infra.embedded.process import StartError

# A part that dies within this time of its start dies young.
_YOUNG_S = 30.0
_FIRST_WAIT_S = 0.5
_MOST_YOUNG_DEATHS = 5


class Part(Protocol):
    """What is kept up."""

    @property
    def pid(self) -> int | None:
        """Return its process number, or None before it was started."""

    def start(self) -> None:
        """Start it, also after `kill`. Raises StartError or OSError."""

    def kill(self) -> None:
        """Remove what is left of it."""

    def is_alive(self) -> bool:
        """Return whether it runs."""

    def obituary(self) -> str:
        """Return how it ended in one line; the end of its log may follow."""


class Guard:
    """Watches one part that has just been started. `tell` is given one line for each death."""

    def __init__(self, part: Part, tell: Callable[[str], None]) -> None:
        self._part = part
        self._tell = tell
        self._started_at = time.monotonic()
        self._restart_at: float | None = None
        self._young_deaths = 0
        self._failure: str | None = None

    @property
    def pid(self) -> int | None:
        """Return the part's process number, or None before it was started."""
        return self._part.pid

    def demand_alive(self) -> None:
        """Raise StartError when the part has died."""
        if not self._part.is_alive():
            raise StartError(self._part.obituary())

    def watch(self) -> None:
        """Start the part again if it has died: at once, then later each time it dies young.

        Call this again and again; it returns without waiting, or once the part answers. Raises
        StartError when the part has died young five times in a row.
        """
        if self._restart_at is None:
            if self._part.is_alive():
                return
            self._restart_at = time.monotonic() + self._mourn()
        if time.monotonic() >= self._restart_at:
            self._restart_at = None
            self._restart()

    def _mourn(self) -> float:
        """Tell that it died; return how many seconds to wait before the next start."""
        obituary = self._failure or self._part.obituary()
        is_young = time.monotonic() - self._started_at <= _YOUNG_S
        self._young_deaths = self._young_deaths + 1 if is_young else 0
        if self._young_deaths == _MOST_YOUNG_DEATHS:
            raise StartError(obituary)
        wait_s = _FIRST_WAIT_S * 2 ** (self._young_deaths - 2) if self._young_deaths > 1 else 0.0
        when = f" in {wait_s:g} s" if wait_s else ""
        self._tell(f"{obituary.splitlines()[0]}; starting it again{when}")
        return wait_s

    def _restart(self) -> None:
        self._part.kill()
        self._failure = None
        try:
            self._part.start()
        except (StartError, OSError) as error:
            # One that lives but does not answer yet may still be reading its log: it goes on.
            self._failure = None if self._part.is_alive() else str(error)
        self._started_at = time.monotonic()
