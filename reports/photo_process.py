"""Rendering in a process of its own, so that no photo takes along, or holds up, who has it made."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context

from infra import memory
from infra.orphans import die_with_parent
from reports.imaging.memory import PROCESS_BYTES
from reports.photos import Rendering, render

_POLITENESS = 10


class RenderingCrashed(Exception):
    """The process that decoded the photo did not live to its end."""

    def __init__(self) -> None:
        super().__init__("its original ended the process that decoded it")


class RenderingTooSlow(Exception):
    """The photo was not done within its time."""

    def __init__(self, most_s: float) -> None:
        super().__init__(f"decoding its original takes longer than {most_s:g} s")


class RenderingProcess:
    """Renders one photo after the other, behind everything else that the machine has to do.

    Memory is bounded as in a worker, and time to `most_s` for each photo.
    """

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._pool = _pool()

    def render(self, data: bytes) -> Rendering:
        """Return what is published; raise UnusablePhoto, RenderingCrashed or RenderingTooSlow."""
        # The start of a process does not count as the photo's time.
        pid: int | None = None
        try:
            pid = self._pool.submit(os.getpid).result()
            rendering = self._pool.submit(render, data)
            return rendering.result(self._most_s)
        except (BrokenProcessPool, MemoryError) as error:
            self._begin_anew()
            raise RenderingCrashed from error
        except TimeoutError as error:
            _kill(pid)
            self._begin_anew()
            raise RenderingTooSlow(self._most_s) from error
        except (KeyboardInterrupt, SystemExit):
            _kill(pid)
            raise

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()

    def _begin_anew(self) -> None:
        self.close()
        self._pool = _pool()


def _kill(pid: int | None) -> None:
    # A decoder listens to nothing else.
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _pool() -> ProcessPoolExecutor:
    # A fork would inherit the threads that the storage runs in this process.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare)


def _prepare() -> None:
    die_with_parent(signal.SIGKILL)
    os.nice(_POLITENESS)
    memory.bound(PROCESS_BYTES)
