"""Where a part keeps its data and its socket: the wished folder, or a short one that works."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from infra.embedded.process import Account, StartError, setpriv, working_below

# Open to all, so what is found there is checked before it is trusted.
_SHORT = Path("/var/tmp")  # noqa: S108 - the checks are below
# The kernel's sockaddr_un has room for 108 bytes, the last of them the closing zero.
_SOCKET_PATH_MAX = 107
# libpq and PostgreSQL both take a comma for the end of one path and the start of another.
_SEPARATOR = ","


def fallback(folder: Path) -> Path:
    """Return the short private folder that stands in for `folder`."""
    digest = hashlib.sha256(os.fsencode(_absolute(folder))).hexdigest()
    return _SHORT / f"vigie-{digest[:16]}"


def settle(folder: Path, socket: str, account: Account | None) -> Path:
    """Make `folder` and return the path to use for it.

    `socket` is the relative path of the longest Unix socket inside. When that path would be too
    long or hold a comma, or `account` cannot enter the folder, the folder becomes a link to a
    private one with a short name. Raises StartError when neither can be used.
    """
    folder = _absolute(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    short = fallback(folder)
    if folder.is_symlink():
        return _follow(folder, short, account)
    is_new = not folder.exists()
    _make_private(folder, account)
    if _can_hold(folder / socket) and _can_enter(folder, account):
        return folder
    if not is_new and any(folder.iterdir()):
        raise StartError(f"{folder} holds data but cannot be used from here; move it elsewhere")
    folder.rmdir()
    return _link(folder, short, account)


def discard(folder: Path) -> None:
    """Remove the folder's data wherever it is. Nothing may run there any more."""
    folder = _absolute(folder)
    short = fallback(folder)
    if short.is_dir() and not short.is_symlink() and _is_ours(short):
        shutil.rmtree(short)
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _absolute(folder: Path) -> Path:
    return folder.parent.resolve() / folder.name


def _follow(folder: Path, short: Path, account: Account | None) -> Path:
    target = folder.readlink()
    if target == short and short.is_dir():
        _demand_ours(short)
        _make_private(short, account)
        return short
    if target.parent == _SHORT and target.name.startswith("vigie-"):
        # Copied along with its tree: the data behind it still belong to the original.
        folder.unlink()
        return _link(folder, short, account)
    return folder.resolve()


def _link(folder: Path, short: Path, account: Account | None) -> Path:
    if os.path.lexists(short):
        # Its link is gone, so whoever removed the link meant the data to be gone too.
        _demand_ours(short)
        if pids := working_below(short):
            raise StartError(f"{short} is still in use by process {pids[0]}; stop that one first")
        shutil.rmtree(short)
    _make_private(short, account)
    folder.symlink_to(short)
    return short


def _make_private(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat().st_uid
    if os.geteuid() not in (0, owner):
        name = Account.of(owner).name
        raise StartError(f"{folder} belongs to {name}; start as that user, or remove it")
    # The account must pass through to what is its own inside, and need not see more.
    folder.chmod(0o711 if account else 0o700)


def _can_hold(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= _SOCKET_PATH_MAX and _SEPARATOR not in str(socket)


def _can_enter(folder: Path, account: Account | None) -> bool:
    if account is None:
        return True
    probe = subprocess.run([*setpriv(account), "test", "-x", str(folder)], cwd="/", check=False)
    return probe.returncode == 0


def _is_ours(short: Path) -> bool:
    return os.geteuid() in (0, short.lstat().st_uid)


def _demand_ours(short: Path) -> None:
    if short.is_symlink() or not short.is_dir() or not _is_ours(short):
        raise StartError(f"{short} is not a folder of this user; remove it")
