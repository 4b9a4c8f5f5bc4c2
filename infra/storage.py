"""Where bytes are kept: a local folder or an S3-compatible bucket, behind one interface."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_PROBE_BYTES = bytes(4096)
_PROBES = "probes"

# A put into a folder is written beside its target as `name#1` and renamed when it is whole. What a
# killed process leaves there never shows under its own name.
_STAGED = re.compile(r"#\d+$")

# A folder counts as full before it is: the largest photo must still fit, unless the whole file
# system is small.
_ROOM_BYTES = 25 * 1024 * 1024
_ROOM_SHARE = 4

_FULL = re.compile(r"os error (?:28|122)\b|StorageFull|QuotaExceeded|status: 507")
_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
# A bucket that is not there is answered as an object that is not there would be.
_NO_BUCKET = re.compile("NoSuchBucket")

# What obstore raises where its inside gives up. No module exports it, and it is no Exception, so
# that whoever asks for those would never learn of it.
_PANIC = "PanicException"

# An explicit client configuration replaces what obstore reads of it from the environment. Whether
# the wire is encrypted is said by the scheme of the endpoint, which whoever runs this sets.
_CLIENT: ClientConfig = {
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=10),
    "allow_http": True,
}
_RETRY: RetryConfig = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}


class StorageError(Exception):
    """The store did not do what it was asked. `full` says that there was no room left."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class MissingObject(StorageError):
    """There is nothing under the key."""


class Fuse:
    """Keeps a store that does not answer from holding up every thread that asks it.

    After a call that failed slowly, further calls fail at once for `rest_s` seconds; then one is
    let through to try. A store that refuses at once holds nobody up, and is asked every time.
    """

    def __init__(self, slow_s: float = 3.0, rest_s: float = 5.0) -> None:
        self._slow_s = slow_s
        self._rest_s = rest_s
        self._blown = False
        self._rests_until = 0.0
        self._deciding = Lock()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let the call through, or raise StorageError in its place."""
        began = self._admit()
        try:
            yield
        except MissingObject:
            self._blown = False
            raise
        except StorageError:
            with self._deciding:
                self._blown = time.monotonic() - began >= self._slow_s
                self._rests_until = time.monotonic() + self._rest_s
            raise
        self._blown = False

    def _admit(self) -> float:
        now = time.monotonic()
        with self._deciding:
            if self._blown and now < self._rests_until:
                raise StorageError("the store did not answer a moment ago")
            self._rests_until = now + self._rest_s
        return now


class Storage:
    """Objects under keys such as `photos/ab/cdef/original`; the keys are made by us alone.

    obstore runs its threads in the process that first uses it, and a process forked after that
    waits for them for ever. So a `Storage` may be made and held anywhere, but opens its store at
    the first call; a process that forks workers must never make that call itself. In a child of
    one that did, every call raises `StorageError` at once instead of hanging.

    All methods raise `StorageError`, and `ValueError` for a key that is not one of ours.
    """

    def __init__(self, *, folder: Path | None = None, bucket: str = "", prefix: str = "") -> None:
        self._folder = folder
        self._bucket = bucket
        self._prefix = prefix
        self._store: LocalStore | S3Store | None = None
        self._opening = Lock()
        self._fuse = Fuse()

    @classmethod
    def from_url(cls, url: str) -> Storage:
        """Read `file:///folder` or `s3://bucket/prefix`; this touches neither disk nor network.

        A missing folder is made at first use, for its owner alone. Credentials, region and
        endpoint of a bucket come from the usual `AWS_*` variables, which obstore reads.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
            return cls(folder=Path(unquote(parts.path)))
        if parts.scheme == "s3" and parts.netloc:
            return cls(bucket=parts.netloc, prefix=parts.path.strip("/"))
        raise ValueError("a storage URL is file:///folder or s3://bucket/prefix")

    def put(self, key: str, data: bytes, media_type: str) -> None:
        """Keep `data` under `key`, whole or not at all, replacing what was there.

        In a folder the bytes have reached the disk on return. `media_type` is kept where the store
        can: a folder cannot.
        """
        _check_key(key)
        with self._fuse.guard(), _store_errors():
            store = self._open()
            if isinstance(store, S3Store):
                store.put(key, data, attributes={"Content-Type": media_type}, use_multipart=False)
            else:
                store.put(key, data, use_multipart=False)
                self._flush(key)

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`; raises `MissingObject`."""
        _check_key(key)
        with self._fuse.guard(), _store_errors():
            return self._open().get(key).bytes().to_bytes()

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        _check_key(key)
        try:
            with self._fuse.guard(), _store_errors():
                self._open().delete(key)
        except MissingObject:
            return

    def list(self, prefix: str, older_than_s: float = 0) -> Iterator[str]:
        """Yield the keys under `prefix`, a whole part of the key, or all for "", in no set order.

        Puts that are under way, were cut short, or ended within `older_than_s` seconds, do not
        show.
        """
        if prefix:
            _check_key(prefix)
        newest = datetime.now(UTC) - timedelta(seconds=older_than_s)
        with _store_errors():
            for page in self._open().list(prefix):
                yield from (entry["path"] for entry in page if entry["last_modified"] <= newest)

    def check(self) -> None:
        """Raise `StorageError` unless a photo could be stored now."""
        with _store_errors():
            self._open()
            if self._folder is not None:
                _check_room(self._folder)
        # A key of its own, since another process may be checking at the same time.
        key = f"{_PROBES}/{token_hex(8)}"
        self.put(key, _PROBE_BYTES, "application/octet-stream")
        self.delete(key)

    def prove(self) -> None:
        """Raise `StorageError` unless an object can be put, found, read and removed."""
        self.check()
        folder = f"{_PROBES}/{token_hex(8)}"
        key = f"{folder}/bytes"
        self.put(key, _PROBE_BYTES, "application/octet-stream")
        try:
            if list(self.list(folder)) != [key]:
                raise StorageError("it does not list what it was given")
            if self.get(key) != _PROBE_BYTES:
                raise StorageError("it gives back other bytes than it was given")
        finally:
            self.delete(key)

    def remove_probes(self, older_than_s: float) -> int:
        """Remove what checks left where the storage took it and then fell silent; return how many.

        Choose `older_than_s` longer than any check takes.
        """
        left = list(self.list(_PROBES, older_than_s))
        for key in left:
            self.delete(key)
        return len(left)

    def tidy(self, older_than_s: float) -> int:
        """Remove what killed processes left half written in a folder; return how many files.

        Choose `older_than_s` longer than any put takes. A bucket has no such leftovers: each of its
        puts is a single request.
        """
        if self._folder is None:
            return 0
        oldest = time.time() - older_than_s
        removed = 0
        with _store_errors():
            # Folders come and go meanwhile, which os.walk bears and Path.rglob does not.
            for place, _, names in os.walk(self._folder):
                for path in (Path(place, name) for name in names if _STAGED.search(name)):
                    if _is_older(path, oldest):
                        path.unlink(missing_ok=True)
                        removed += 1
        return removed

    def _open(self) -> LocalStore | S3Store:
        _claim_process()
        with self._opening:
            if self._store is None:
                self._store = self._make()
            return self._store

    def _make(self) -> LocalStore | S3Store:
        if self._folder is None:
            return S3Store(
                self._bucket,
                prefix=self._prefix or None,
                client_options=_CLIENT,
                retry_config=_RETRY,
            )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(self._folder, automatic_cleanup=True)

    def _flush(self, key: str) -> None:
        """Wait until the file and the folders that lead to it would survive a power cut."""
        if self._folder is None:
            return
        path = self._folder / key
        for place in (path, *path.parents):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if place == self._folder:
                return


class _Runtime:
    """Which process obstore's threads live in: they are one set for a whole process."""

    owner: int | None = None


def _claim_process() -> None:
    if _Runtime.owner is None:
        _Runtime.owner = os.getpid()
    if _Runtime.owner != os.getpid():
        raise StorageError("storage was used before this process was forked")


def _check_key(key: str) -> None:
    parts = key.split("/")
    if "\0" in key or any(part in {"", ".", ".."} or _STAGED.search(part) for part in parts):
        raise ValueError("not a storage key")


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        gone = StorageError if _NO_BUCKET.search(str(error)) else MissingObject
        raise gone(_first_line(error)) from error
    except OSError as error:
        raise StorageError(_first_line(error), full=error.errno in _FULL_NUMBERS) from error
    except (BaseError, NotImplementedError, ValueError) as error:
        raise StorageError(_first_line(error), full=bool(_FULL.search(str(error)))) from error
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        raise StorageError(_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    # obstore's messages go on for dozens of lines with the inside of its own error.
    return str(error).partition("\n")[0]


def _check_room(folder: Path) -> None:
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if free < min(_ROOM_BYTES, state.f_blocks * state.f_frsize // _ROOM_SHARE):
        raise StorageError("the storage folder is nearly full", full=True)


def _is_older(path: Path, oldest: float) -> bool:
    try:
        return path.stat().st_mtime < oldest
    except FileNotFoundError:
        return False
