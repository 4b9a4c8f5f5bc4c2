"""What the embedded servers have in common: one child process, and data of their own."""

from __future__ import annotations

from pathlib import Path

from infra.embedded import places
from infra.embedded.process import Child


class Server:
    """A server whose data lie in a folder; how it starts, each says itself.

    Every method may raise StartError.
    """

    name: str
    stop_s: float

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Return its process number, or None before it was started."""
        return self._child.pid if self._child else None

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return self._child is not None and self._child.is_alive()

    def obituary(self) -> str:
        """Return how it ended, with the end of its log."""
        return self._child.obituary() if self._child else f"{self.name} was never started"

    def stop(self) -> None:
        """Stop it in order: what it took is on the disk when this returns."""
        if self._child is not None:
            self._child.stop(self.stop_s)

    def kill(self) -> None:
        """Kill all of it at once, as a power cut would."""
        if self._child is not None:
            self._child.kill()

    def discard(self) -> None:
        """Stop it and remove its data for good."""
        self.stop()
        places.discard(self._folder)
