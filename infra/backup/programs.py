"""PostgreSQL's own programs: where they are, and which version of them suits."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.backup.failure import BackupFailed

# Debian and Red Hat keep each version's programs in a folder of its own, off the path.
_VERSIONED = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
_NAMES = ("pg_dump", "pg_restore", "psql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_PATIENCE_S = 10


def find(least: int) -> tuple[int, Path]:
    """Return version and folder of the oldest programs that are not older than major `least`.

    pg_dump refuses a server that is newer than itself, and what a much newer one writes may be
    beyond an old server. Raise BackupFailed where there are none.
    """
    found = {
        version: folder
        for folder in _folders()
        if (version := _version(folder)) is not None and version >= least
    }
    if not found:
        raise BackupFailed(
            f"the programs {', '.join(_NAMES)} of PostgreSQL {least} or newer are missing;"
            f" install Debian's postgresql-client-{least}"
        )
    oldest = min(found)
    return oldest, found[oldest]


def _folders() -> Iterator[Path]:
    yield from (Path(folder) for folder in os.get_exec_path())
    for pattern in _VERSIONED:
        yield from sorted(Path("/").glob(pattern))


def _version(folder: Path) -> int | None:
    """Return the major version, or None where one of the programs is missing or mute."""
    versions = set()
    for name in _NAMES:
        try:
            told = subprocess.run(
                [folder / name, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
                check=False,
            ).stdout
        except (OSError, subprocess.TimeoutExpired):
            return None
        versions |= {int(number) for number in _VERSION.findall(told)}
    return min(versions, default=None)
