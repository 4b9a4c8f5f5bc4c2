"""What districts that fit together cover as a whole, found by the edges that two of them share.

Asking GEOS whether 35,000 districts fit together takes seconds; sorting their edges a fraction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

Corners = NDArray[np.float64]
"""Rows of longitude and latitude: ring after ring, each closed, with the inside on its left."""

Edges = NDArray[np.float64]
"""Rows of longitude and latitude of the start and of the end."""

Indices = NDArray[np.intp]
Keys = NDArray[np.uint64]

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xFF51AFD7ED558CCD))
_SHIFT = np.uint64(32)


def cover(shapes: NDArray[np.object_]) -> BaseGeometry | None:
    """Return what the valid polygons cover where they certainly fit together, None else.

    Once round each polygon, its edges tell where one more begins and ends. What two neighbours
    share goes both ways and falls away. If the edges that are left are once round one valid area,
    then all polygons together cover that area once and nothing twice.
    """
    corners, starts = _rings(shapes)
    left = _unshared(corners, starts)
    if left is None:
        return None
    edges = _edges(corners, left)
    try:
        area: Any = shapely.build_area(shapely.multilinestrings(edges.reshape(-1, 2, 2)))
    except GEOSException:
        # Edges cross, since districts overlap.
        return None
    if not shapely.is_valid(area):
        return None
    around = _edges(*_rings(np.array([area], dtype=object)))
    return area if np.array_equal(_in_order(around), _in_order(edges)) else None


def _rings(shapes: NDArray[np.object_]) -> tuple[Corners, Indices]:
    """Return the corners of all rings, and which of them an edge to the next one starts at."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shapes)))
    corners, owners = shapely.get_coordinates(rings, return_index=True)
    # Zero may have a sign, which compares as nothing and sorts as something.
    corners += 0.0
    # Where a ring ends and the next begins there is no edge.
    real = (owners[:-1] == owners[1:]) & (corners[:-1] != corners[1:]).any(axis=1)
    return corners, np.flatnonzero(real)


def _unshared(corners: Corners, starts: Indices) -> Indices | None:
    """Return where the edges start of which there is no reverse; None where one is there twice.

    None as well where hardly anything is shared, since then there is nothing to be gained.
    """
    mixed = _mixed(corners)
    # The sum is the same for an edge and its reverse, and nearly no other.
    keys = mixed[starts] + mixed[starts + 1]
    order = np.argsort(keys)
    same = np.flatnonzero(np.diff(keys[order]) == 0)
    if (np.diff(same) == 1).any():
        return None
    back = np.full(len(starts), -1)
    back[order[same]], back[order[same + 1]] = order[same + 1], order[same]
    shared = back >= 0
    ones, others = starts[shared], starts[back[shared]]
    there = np.array_equal(corners[ones], corners[others + 1])
    if not there or not np.array_equal(corners[ones + 1], corners[others]):
        return None
    left = starts[~shared]
    return left if 2 * len(left) <= len(starts) else None


def _mixed(corners: Corners) -> Keys:
    """Return a number for each corner, which is the same for equal ones and nearly no other."""
    bits = corners.view(np.uint64)
    mixed: Keys = bits[:, 0] * _MIX[0]
    mixed += (bits[:, 1] ^ (bits[:, 1] >> _SHIFT)) * _MIX[1]
    for _ in range(2):
        mixed ^= mixed >> _SHIFT
        mixed *= _MIX[2]
    mixed ^= mixed >> _SHIFT
    return mixed


def _edges(corners: Corners, starts: Indices) -> Edges:
    return np.concatenate([corners[starts], corners[starts + 1]], axis=1)


def _in_order(edges: Edges) -> Edges:
    return edges[np.lexsort(edges.T)]
