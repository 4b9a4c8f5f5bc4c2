"""One `make run` per folder: a lock that also tells what a killed run left behind."""

from __future__ import annotations

import fcntl
import os
from functools import partial
from pathlib import Path

from infra.embedded.process import StartError, end_leftovers

_LEFTOVER_S = 30


def acquire(path: Path) -> int:
    """Take the lock and return its descriptor, to be passed to children that must be alone.

    It is free again when this process and all of those have ended. Children of a killed
    launcher, told to stop by the kernel, are waited for and at last stopped.
    Raises StartError when another launcher holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _try(descriptor):
        launcher = os.read(descriptor, 20).decode()
        if launcher in map(str, _holders(path)):
            raise StartError(f"another make run already runs here, as process {launcher}")
        end_leftovers(partial(_holders, path), _LEFTOVER_S)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def is_held(path: Path) -> bool:
    """Whether a run, or what one left behind, still uses this folder."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(path: Path) -> list[int]:
    """Other processes that have the lock's file open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            is_open = Path(os.readlink(link)) == path
        except OSError:
            continue
        if is_open:
            found.add(int(link.parts[2]))
    return sorted(found - {os.getpid()})
