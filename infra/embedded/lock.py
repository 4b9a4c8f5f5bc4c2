"""One `make run` per folder, and the way to what a killed one left behind.

Two files are locked. The launcher alone holds the first, so it tells whether one runs. The
children inherit the second, so it stays held until the last of them has ended.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.embedded.process import StartError, end_leftovers, having_open

_LAUNCHER = "launcher.lock"
_PARTS = "parts.lock"
# A launcher stops its parts one after the other, and each may take a while.
_LAUNCHER_S = 90
_PARTS_S = 30


@dataclass(frozen=True, slots=True)
class RunLock:
    """The two locks, held. `parts` is the descriptor to pass on to children."""

    launcher: int
    parts: int

    def release(self) -> None:
        """Give both back; the second stays taken for as long as a child holds it."""
        os.close(self.parts)
        os.close(self.launcher)


def acquire(folder: Path) -> RunLock:
    """Take both locks in `folder`, once what an earlier run left there has ended.

    Children of a killed launcher, told to stop by the kernel, are waited for and at last
    killed. Raises StartError when another launcher runs here.
    """
    launcher = _open(folder / _LAUNCHER)
    if not _try(launcher):
        os.close(launcher)
        raise StartError(f"another make run already runs here{_named(folder / _LAUNCHER)}")
    parts = _open(folder / _PARTS)
    if not _try(parts):
        end_leftovers(partial(having_open, folder / _PARTS), _PARTS_S)
        fcntl.flock(parts, fcntl.LOCK_EX)
    return RunLock(launcher, parts)


def end_run(folder: Path) -> None:
    """Stop the launcher that runs in `folder`, if one does, and what a killed one left.

    Raises StartError when it is somebody else's and cannot be stopped from here.
    """
    for name, patience_s in ((_LAUNCHER, _LAUNCHER_S), (_PARTS, _PARTS_S)):
        if not (folder / name).exists():
            continue
        end_leftovers(partial(having_open, folder / name), patience_s)
        descriptor = _open(folder / name)
        is_free = _try(descriptor)
        os.close(descriptor)
        if not is_free:
            raise StartError(f"somebody else's make run still runs in {folder}; stop it first")


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _named(path: Path) -> str:
    pids = having_open(path)
    return f", as process {pids[0]}" if pids else ""
