"""Waiting for what comes next while working on what is there."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

Item = TypeVar("Item")
Items = Generator[Item, None, None]


def ahead(items: Items[Item]) -> Items[Item]:
    """Yield the items; while one of them is worked on, another thread asks for the next.

    Once this ends or is closed, nothing is asked for any more, and `items` are closed.
    """
    with closing(items), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
