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

Corners = NDArray[np.complex128]
"""Longitude and latitude as one number: ring after ring, each closed, the inside on its left."""

Edges = NDArray[np.complex128]
"""Rows of the start and the end."""

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
        lines = shapely.multilinestrings(edges.view(np.float64).reshape(-1, 2, 2))
        area: Any = shapely.build_area(lines)
    except GEOSException:
        # Edges cross, since districts overlap.
        return None
    if not shapely.is_valid(area):
        return None
    around = _edges(*_rings(np.array([area], dtype=object)))
    return area if np.array_equal(_in_order(around), _in_order(edges)) else None


def _rings(shapes: NDArray[np.object_]) -> tuple[Corners, Indices]:
    """Return the corners of all rings, and which of them an edge to the next one starts at."""
    rings, polygons = shapely.get_rings(shapely.get_parts(shapes), return_index=True)
    outer = np.diff(polygons, prepend=-1) != 0
    turned = shapely.is_ccw(rings) != outer
    rings[turned] = shapely.reverse(rings[turned])
    coordinates, owners = shapely.get_coordinates(rings, return_index=True)
    # Zero may have a sign, which compares as nothing and sorts as something.
    coordinates += 0.0
    corners = coordinates.view(np.complex128).ravel()
    # Where a ring ends and the next begins there is no edge.
    real = (owners[:-1] == owners[1:]) & (corners[:-1] != corners[1:])
    return corners, np.flatnonzero(real)


def _unshared(corners: Corners, starts: Indices) -> Indices | None:
    """Return where the edges start of which there is no reverse; None where one is there twice.

    None as well where hardly anything is shared, since then there is nothing to be gained.
    """
    mixed = _mixed(corners)
    # The sum is the same for an edge and its reverse, and nearly no other.
    keys = mixed[starts] + mixed[starts + 1]
    order = gathered(keys)
    ordered = keys[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if (np.diff(same) == 1).any():
        return None
    ones, others = order[same], order[same + 1]
    begins, ends = corners[starts], corners[starts + 1]
    there = np.array_equal(begins[ones], ends[others])
    if not there or not np.array_equal(ends[ones], begins[others]):
        return None
    alone = np.ones(len(starts), dtype=bool)
    alone[ones] = alone[others] = False
    left = starts[alone]
    return left if 2 * len(left) <= len(starts) else None


def _mixed(corners: Corners) -> Keys:
    """Return a number for each corner, which is the same for equal ones and nearly no other."""
    bits = corners.view(np.uint64).reshape(-1, 2)
    mixed: Keys = bits[:, 0] * _MIX[0]
    mixed += (bits[:, 1] ^ (bits[:, 1] >> _SHIFT)) * _MIX[1]
    for _ in range(2):
        mixed ^= mixed >> _SHIFT
        mixed *= _MIX[2]
    mixed ^= mixed >> _SHIFT
    return mixed


def gathered(keys: Keys) -> Indices:
    """Return the places of the keys in an order that has equal ones beside each other."""
    # Sorting numbers takes a fraction of sorting their places, so each place is written into the
    # end of its key. Where more than two begin alike, that may have parted equal ones.
    end = np.uint64((1 << len(keys).bit_length()) - 1)
    placed = (keys & ~end) | np.arange(len(keys), dtype=np.uint64)
    placed.sort()
    if ((placed[2:] ^ placed[:-2]) <= end).any():
        return np.argsort(keys)
    return (placed & end).astype(np.intp)


def _edges(corners: Corners, starts: Indices) -> Edges:
    return np.column_stack([corners[starts], corners[starts + 1]])


def _in_order(edges: Edges) -> Edges:
    return edges[np.lexsort(edges.T)]
