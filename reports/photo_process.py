"""Rendering in a process of its own, so that a decoder that crashes takes nobody along."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from infra import memory
from reports.photo_memory import PROCESS_BYTES
from reports.photos import Rendering, render

_POLITENESS = 10


class RenderingCrashed(Exception):
    """The process that decoded the photo did not live to its end."""


class RenderingProcess:
    """Renders one photo after the other, behind everything else that the machine has to do."""

    def __init__(self) -> None:
        self._pool = _pool()

    def render(self, data: bytes) -> Rendering:
        """Return what is published of a photo; raise UnusablePhoto or RenderingCrashed."""
        try:
            return self._pool.submit(render, data).result()
        except (BrokenProcessPool, MemoryError) as error:
            self.close()
            self._pool = _pool()
            raise RenderingCrashed from error

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def _pool() -> ProcessPoolExecutor:
    # A fork would inherit the threads that the storage runs in this process.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare)


def _prepare() -> None:
    os.nice(_POLITENESS)
    memory.bound(PROCESS_BYTES)
