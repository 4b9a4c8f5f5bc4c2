"""Working on rows that stand for many others each, some of them at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def repeated(times: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each index so many times, and how many of the same came before each."""
    index = np.repeat(np.arange(len(times)), times)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(times) - times, times)


def portions(sizes: NDArray[np.intp], at_once: int) -> Iterator[slice]:
    """Yield the rows in runs of about `at_once` by their sizes, of one row where that is larger."""
    if not len(sizes):
        return
    ends = np.cumsum(sizes)
    within = np.searchsorted(ends, np.arange(at_once, ends[-1], at_once))
    limits = np.unique([0, *within, len(sizes)])
    for begin, end in zip(limits[:-1].tolist(), limits[1:].tolist(), strict=True):
        yield slice(begin, end)
