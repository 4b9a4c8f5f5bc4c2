"""Where bodies wait until they are whole: small ones in memory, the rest in temporary files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from types import TracebackType

from api.bodies import Overloaded


@dataclass
class Room:
    """How many bytes all bodies of this process may still take up, in memory and on the disk."""

    memory: int = 64 * 1024 * 1024
    disk: int = 4 * 1024 * 1024 * 1024
    each_in_memory: int = 4 * 1024 * 1024


class Spool:
    """One body; its bytes are given back to the room when it is left."""

    def __init__(self, room: Room) -> None:
        self.file = SpooledTemporaryFile[bytes]()
        self._room = room
        self._in_memory = True
        self._size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the body; doing it again does nothing."""
        self._take(-self._size)
        self._size = 0
        # A full disk may complain once more of what it has already refused.
        with suppress(OSError):
            self.file.close()

    def write(self, piece: bytes) -> None:
        """Append a piece; raise Overloaded when it cannot be kept."""
        size = self._size + len(piece)
        crowded = len(piece) > self._room.memory or size > self._room.each_in_memory
        try:
            if self._in_memory and crowded:
                self._move_to_disk()
            self._take(len(piece))
            self._size = size
            self.file.write(piece)
        except OSError as error:
            raise Overloaded from error

    def rewind(self) -> None:
        """Let the body be read from its beginning; raise Overloaded when it was not all kept."""
        try:
            self.file.seek(0)
        except OSError as error:
            raise Overloaded from error

    def _move_to_disk(self) -> None:
        size, self._size = self._size, 0
        self._take(-size)
        self._in_memory = False
        self._take(size)
        self._size = size
        self.file.rollover()

    def _take(self, count: int) -> None:
        if self._in_memory:
            self._room.memory -= count
        elif count > self._room.disk:
            raise Overloaded
        else:
            self._room.disk -= count
