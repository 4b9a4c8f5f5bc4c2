"""A folder in which whole objects are kept, so that a power cut takes none of them."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from secrets import randbelow
from typing import TYPE_CHECKING, BinaryIO

from obstore.store import LocalStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obstore import GetResult, ListStream, ObjectMeta

# An object is written beside its place as `name#1` and renamed when it is whole. What a killed
# process leaves there never shows under its own name.
_STAGED = re.compile(r"#\d+$")
_STAGED_NUMBERS = 1 << 63

# A folder can be tidied away between its making and its first file.
_TRIES = 5

_MOST_REMEMBERED = 10_000


class Folder:
    """Objects under keys that are paths; everything but writing is left to obstore."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._store = LocalStore(path, automatic_cleanup=True)
        # Folders whose names have reached the disk, with all that leads to them.
        self._lasting: set[Path] = set()

    def put(self, key: str, data: bytes) -> None:
        """Write an object, whole or not at all; on return it has reached the disk."""
        place = self._path / key
        with self._begin_beside(place) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).rename(place)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
        _flush(place.parent)
        self._secure(place.parent)

    def get(self, key: str) -> GetResult:
        """Read an object."""
        return self._store.get(key)

    def delete(self, key: str) -> None:
        """Remove an object, and the folders that this leaves empty."""
        self._store.delete(key)

    def list(self, prefix: str) -> ListStream[Sequence[ObjectMeta]]:
        """List the objects under a prefix; those that are being written do not show."""
        return self._store.list(prefix)

    def _begin_beside(self, place: Path) -> BinaryIO:
        staged = place.with_name(f"{place.name}#{randbelow(_STAGED_NUMBERS)}")
        for _ in range(_TRIES):
            self._make(place.parent)
            with suppress(FileNotFoundError):
                return staged.open("xb")
        return staged.open("xb")

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir()
        except FileExistsError:
            return
        except FileNotFoundError:
            self._make(folder.parent)
            self._make(folder)
        # One of the same name, which is gone, may have been there before.
        self._lasting.discard(folder)

    def _secure(self, folder: Path) -> None:
        """Wait until the names that lead to the folder have reached the disk."""
        found = []
        while folder != self._path and folder not in self._lasting:
            _flush(folder.parent)
            found.append(folder)
            folder = folder.parent
        if len(self._lasting) > _MOST_REMEMBERED:
            self._lasting = set()
        self._lasting.update(found)


def is_staged(name: str) -> bool:
    """Tell whether this is how a half-written object is called."""
    return bool(_STAGED.search(name))


def tidy(folder: Path, older_than_s: float) -> int:
    """Remove what killed processes left half written; return how many files."""
    oldest = time.time() - older_than_s
    removed = 0
    # Folders come and go meanwhile, which os.walk bears and Path.rglob does not.
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names if is_staged(name)):
            if _is_older(path, oldest):
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_older(path: Path, oldest: float) -> bool:
    try:
        return path.stat().st_mtime < oldest
    except FileNotFoundError:
        return False
