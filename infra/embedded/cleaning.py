"""`make clean`: removes the data of `make run`, wherever they are. Needs no package installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from infra.embedded import lock, places

_CACHES = (
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
)
# Not searched: the first is kept, and none of them holds what Python left behind.
_SKIPPED = (".venv", ".git", "node_modules")


def main() -> int:
    """Remove var/, its stand-ins under /var/tmp and the tools' caches; 1 while a run uses them."""
    root = Path(__file__).resolve().parents[2]
    var = root / "var"
    if lock.is_held(var / "run.lock"):
        print("make clean: make run still runs here; stop it first", file=sys.stderr)
        return 1
    try:
        for part in ("postgres", "valkey"):
            places.discard(var / part)
        for folder in [var, *(root / cache for cache in _CACHES), *_bytecode(root)]:
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        print(f"make clean: {error}", file=sys.stderr)
        return 1
    print("removed var/ and the caches; .venv is kept")
    return 0


def _bytecode(folder: Path) -> list[Path]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink() and entry.name not in _SKIPPED:
            found += [entry] if entry.name == "__pycache__" else _bytecode(entry)
    return found


if __name__ == "__main__":
    sys.exit(main())
