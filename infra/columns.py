"""Whole columns of numbers to and from the database: rows would take Python many times longer.

A statement gives each column as `array_send(array_agg(...))`, which is how PostgreSQL sends arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Dimensions, whether there are nulls, the kind of its elements; then the length and lower bound.
_HEADER_BYTES = 20


def whole_numbers(sent: bytes | None) -> NDArray[np.int64]:
    """Return the elements of an array of bigint, or of timestamptz: microseconds since 2000.

    The array has no nulls; None is what no rows give.
    """
    return _elements(sent, ">i8").astype(np.int64)


def fractions(sent: bytes | None) -> NDArray[np.float64]:
    """Return the elements of an array of double precision without nulls; None is of no rows."""
    return _elements(sent, ">f8").astype(np.float64)


def written(values: NDArray[np.int64] | NDArray[np.float64] | Sequence[int]) -> str:
    """Return the values as PostgreSQL writes an array of them, for a parameter that is cast."""
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return f"{{{','.join(map(repr, listed))}}}"


def _elements(sent: bytes | None, kind: str) -> NDArray[np.generic]:
    element = np.dtype([("bytes", ">i4"), ("value", kind)])
    found: NDArray[np.generic] = np.frombuffer(
        sent or b"", element, offset=0 if not sent else _HEADER_BYTES
    )["value"]
    return found
