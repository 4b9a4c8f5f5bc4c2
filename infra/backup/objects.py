"""The storage's part of a backup: many small objects, several of them on their way at once."""

from __future__ import annotations

import mimetypes
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from infra.storage import MissingObject, Storage

T = TypeVar("T")
R = TypeVar("R")

# So many objects are in memory at once; none is larger than the largest photo that is taken in.
_AT_ONCE = 8
_UNKNOWN = "application/octet-stream"


def fetch_all(storage: Storage) -> Iterator[tuple[str, bytes]]:
    """Yield each key of the storage with its bytes; raise StorageError.

    What is deleted meanwhile is left out.
    """

    def fetch(key: str) -> tuple[str, bytes] | None:
        try:
            return key, storage.get(key)
        except MissingObject:
            return None

    return (found for found in _ahead(fetch, storage.list("")) if found is not None)


def put_all(storage: Storage, objects: Iterable[tuple[str, bytes]]) -> Iterator[int]:
    """Put the objects into the storage and yield the bytes of each that is there.

    Raise StorageError, and ValueError for a key that is not one of ours.
    """

    def put(one: tuple[str, bytes]) -> int:
        key, data = one
        storage.put(key, data, mimetypes.guess_type(key)[0] or _UNKNOWN)
        return len(data)

    return _ahead(put, objects)


def _ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield the results in the order of the items, a few of which are worked on at once."""
    left = iter(items)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        under_way: deque[Future[R]] = deque(
            pool.submit(work, item) for item in islice(left, _AT_ONCE)
        )
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(pool.submit(work, item) for item in islice(left, 1))
            yield result
