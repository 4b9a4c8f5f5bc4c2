"""`make clean`: removes the data of `make run`, wherever they are. Needs no package installed."""

from __future__ import annotations

import shutil
import signal
import sys
from functools import partial
from pathlib import Path

from infra.embedded import lock, places
from infra.embedded.process import StartError, end_leftovers, working_below

_SERVERS = {"postgres": "postgres", "valkey": "valkey-server"}
_PATIENCE_S = 30
_CACHES = (
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
)
# Not searched: the first is kept, and none of them holds what Python left behind.
_SKIPPED = (".venv", ".git", "node_modules")


def main(root: Path) -> int:
    """Stop what runs from `root`, remove var/, its stand-ins under /var/tmp and the caches.

    Return 0, or 1 when something of it could not be stopped or removed.
    """
    try:
        _remove_data(root / "var")
        for folder in [*(root / cache for cache in _CACHES), *_bytecode(root)]:
            if folder.exists():
                shutil.rmtree(folder)
    except (StartError, OSError) as error:
        print(f"make clean: {error}", file=sys.stderr)
        return 1
    print("removed var/ and the caches; .venv is kept")
    return 0


def _remove_data(var: Path) -> None:
    lock.end_run(var)
    for name, program in _SERVERS.items():
        home = (var / name).resolve()
        end_leftovers(partial(working_below, home, program), _PATIENCE_S, signal.SIGINT)
        places.discard(var / name)
    if var.exists():
        shutil.rmtree(var)


def _bytecode(folder: Path) -> list[Path]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink() and entry.name not in _SKIPPED:
            found += [entry] if entry.name == "__pycache__" else _bytecode(entry)
    return found


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
