"""The file of a backup: a plain tar, with the checksums of all that is in it at its end.

    about.json        what it is: when, of which migration, by which programs
    database.dump     the database, as `pg_dump --format=custom` writes it
    storage/...       every object of the storage under its key
    SHA256SUMS        what `sha256sum --check` reads

Without Vigie, `tar`, `sha256sum` and `pg_restore` bring everything back.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from infra.backup.failure import BackupFailed

ABOUT = "about.json"
DUMP = "database.dump"
SUMS = "SHA256SUMS"
_STORAGE = "storage/"
_FORMAT = 1
_PIECE_BYTES = 1 << 20
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself.

    `made_at` is ISO 8601 in UTC; `revision` is the migration that its database stands at; `server`
    and `programs` are PostgreSQL's major versions; `key_print` tells two values of SECRET_KEY
    apart and gives neither away.
    """

    made_at: str
    revision: str
    server: int
    programs: int
    key_print: str
    format: int = _FORMAT


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive, to be read before the next is asked for; `key` if an object."""

    name: str
    size_bytes: int
    data: IO[bytes]

    @property
    def key(self) -> str | None:
        """Return the storage key, or None for what is no object."""
        return self.name.removeprefix(_STORAGE) if self.name.startswith(_STORAGE) else None


@contextmanager
def draft(target: Path) -> Iterator[IO[bytes]]:
    """Give a file that becomes `target` if the block ends well, and else is removed.

    It is for its owner alone. What a killed process leaves has another name, and is written over
    by the next. Raise BackupFailed when `target` exists or is being made.
    """
    path = target.with_name(target.name + _PARTIAL)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupFailed(f"{path} is being written by another backup") from error
        try:
            if target.exists():
                raise BackupFailed(f"{target} exists and is left as it is; choose another name")
            path.chmod(0o600)
            file.truncate()
            yield file
            file.flush()
            os.fsync(file.fileno())
            path.rename(target)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    _flush_folder(target.parent)


@contextmanager
def writing(file: IO[bytes]) -> Iterator[Writer]:
    """Write an archive from front to back; it is whole once the block has ended well."""
    with (
        tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        tempfile.TemporaryFile() as sums,
    ):
        writer = Writer(tar, sums)
        yield writer
        writer.finish()


class Writer:
    """Adds files to an archive, and their checksums at its end."""

    def __init__(self, tar: tarfile.TarFile, sums: IO[bytes]) -> None:
        self._tar = tar
        self._sums = sums

    def add_about(self, about: About) -> None:
        """Add what the backup says of itself; this comes first."""
        self._add_bytes(ABOUT, json.dumps(asdict(about), indent=2).encode() + b"\n")

    def add_dump(self, data: IO[bytes]) -> int:
        """Add the database from a file that was just written; return its bytes."""
        size = data.seek(0, os.SEEK_END)
        data.seek(0)
        self._add(DUMP, data, size)
        return size

    def add_object(self, key: str, data: bytes) -> None:
        """Add an object of the storage."""
        self._add_bytes(_STORAGE + key, data)

    def finish(self) -> None:
        """Add the checksums, which make the archive whole."""
        size = self._sums.tell()
        self._sums.seek(0)
        self._put(SUMS, self._sums, size)

    def _add_bytes(self, name: str, data: bytes) -> None:
        self._add(name, io.BytesIO(data), len(data))

    def _add(self, name: str, data: IO[bytes], size: int) -> None:
        reader = _Hashing(data)
        self._put(name, reader, size)
        self._sums.write(_line(reader, name))

    def _put(self, name: str, data: Any, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size = size
        info.mode = 0o600
        info.mtime = int(time.time())
        self._tar.addfile(info, data)
        _forget(self._tar)


def print_of(secret_key: str) -> str:
    """Return what tells the key from others and does not lead back to it."""
    return hmac.digest(secret_key.encode(), b"vigie backup", "sha256").hex()[:16]


def read(file: IO[bytes]) -> Iterator[Member]:
    """Yield the files of an archive one after the other, from front to back.

    Raise BackupFailed where it is none, or something in it is no plain file.
    """
    with readable(), tarfile.open(fileobj=file, mode="r|", bufsize=_PIECE_BYTES) as tar:
        while (info := tar.next()) is not None:
            data = tar.extractfile(info) if info.isreg() else None
            if data is None:
                raise BackupFailed(f"'{info.name}' in it is no plain file")
            yield Member(info.name, info.size, data)
            _forget(tar)


@contextmanager
def readable() -> Iterator[None]:
    """Tell by BackupFailed what goes wrong while the files of an archive are read."""
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise BackupFailed(f"it is no whole tar file: {error}") from error


def verify(path: Path, tell: Callable[[int], None]) -> About:
    """Read all of a backup and return what it says of itself.

    `tell` gets the size of each file in it once that has been read. Raise BackupFailed unless the
    backup is whole.
    """
    about = None
    with path.open("rb") as file, tempfile.TemporaryFile() as sums, readable():
        for member in read(file):
            if member.name == SUMS:
                sums.seek(0)
                _compare(sums, member.data)
                break
            reader = _Hashing(member.data)
            if member.name == ABOUT:
                about = _about(reader.read())
            while reader.read(_PIECE_BYTES):
                pass
            sums.write(_line(reader, member.name))
            tell(member.size_bytes)
        else:
            raise BackupFailed("its end is missing")
    if about is None:
        raise BackupFailed(f"it is no backup of Vigie: {ABOUT} is missing")
    return about


def _about(data: bytes) -> About:
    try:
        about = About(**json.loads(data))
    except (ValueError, TypeError) as error:
        raise BackupFailed(f"its {ABOUT} cannot be read") from error
    if about.format != _FORMAT:
        raise BackupFailed(f"it is of format {about.format}, which this code does not know")
    return about


def _compare(computed: IO[bytes], told: IO[bytes]) -> None:
    for ours, theirs in zip_longest(computed, told):
        if ours != theirs:
            name = (ours or theirs).decode(errors="replace").split("  ", 1)[-1].strip()
            raise BackupFailed(f"'{name}' in it is damaged")


class _Hashing:
    """Reads a file and keeps the checksum of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


def _line(reader: _Hashing, name: str) -> bytes:
    return f"{reader.sha256.hexdigest()}  {name}\n".encode()


def _forget(tar: tarfile.TarFile) -> None:
    # It would keep something of each file until the end, and a city has hundreds of thousands.
    tar.members.clear()  # type: ignore[attr-defined]


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
