"""A map as a raster: a cell has one answer, or the edges that part it among districts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geo.portions import portions, repeated

NONE = -1
"""What stands for no district among numbers."""
MIXED = -2
"""Among numbers, from here downwards stands what cannot be said of a whole cell."""

_PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs of a spot, by its row, and the number of a district that it lies in or touches.

    `near` tells of each pair whether the district's border is no farther than a hair. Of the spots
    that are `unclear` nothing is said: they have to be asked of the shapes.
    """

    spots: NDArray[np.intp]
    numbers: NDArray[np.int64]
    near: NDArray[np.bool_]
    unclear: NDArray[np.intp]


@dataclass(frozen=True)
class Raster:
    """Square cells of `side_deg` in rows from `south` and columns from `west`.

    `numbers` has for each cell the number of its district, NONE, or MIXED - k for the k-th that is
    mixed. Of that, `centres` has what lies in its middle: a number, NONE, or MIXED where that can
    not be said; `edges[starts[k]:starts[k + 1]]` are those that come near it, in the order of their
    districts, each by the corner that it begins at. `corners` has a row of longitude and latitude
    for each; those of the n-th district are `corners[first_corners[n]:first_corners[n + 1]]`.
    """

    west: float
    south: float
    side_deg: float
    numbers: NDArray[np.int32]
    centres: NDArray[np.int32]
    starts: NDArray[np.int32]
    edges: NDArray[np.int32]
    corners: NDArray[np.float64]
    first_corners: NDArray[np.int32]

    def at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return what stands in the cell of each spot; beyond the raster there is NONE."""
        rows, columns = self.numbers.shape
        across, up = self._cells(lon_lat)
        within = (across >= 0) & (across < columns) & (up >= 0) & (up < rows)
        found = np.full(len(lon_lat), NONE, dtype=np.int32)
        cells = up[within].astype(np.intp) * columns + across[within].astype(np.intp)
        found[within] = self.numbers.ravel()[cells]
        return found

    def look(self, lon_lat: NDArray[np.float64], hair_deg: float) -> Found:
        """Return the districts at each spot, by the edges of its cell where that is mixed.

        A hair is far less than a cell, and no wider than what the raster was drawn for.
        """
        found = self.at(lon_lat)
        [clear] = np.nonzero(found >= 0)
        [mixed] = np.nonzero(found <= MIXED)
        kinds = MIXED - found[mixed]
        known = self.centres[kinds] != MIXED
        unclear, mixed, kinds = mixed[~known], mixed[known], kinds[known]
        pairs = [(clear, found[clear].astype(np.int64), np.zeros(len(clear), dtype=np.bool_))]
        counts = (self.starts[kinds + 1] - self.starts[kinds]).astype(np.intp)
        for some in portions(counts, _PAIRS_AT_ONCE):
            spots, numbers, near = self._parted(lon_lat[mixed[some]], kinds[some], hair_deg)
            pairs.append((mixed[some][spots], numbers, near))
        spots, numbers, near = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return Found(spots, numbers, near, unclear)

    def is_mixed_around(
        self, lon_lat: NDArray[np.float64], reach_deg: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell of each spot whether a mixed cell lies in reach of it, a row of degrees each."""
        if not len(lon_lat):
            return np.zeros(0, dtype=np.bool_)
        corner, far = [self.west, self.south], self.numbers.shape[::-1]
        low = np.floor((lon_lat - reach_deg - corner) / self.side_deg).clip(0, far)
        high = np.floor((lon_lat + reach_deg - corner) / self.side_deg + 1).clip(0, far)
        (left, below), (right, above) = low.astype(np.intp).T, high.astype(np.intp).T
        sums = self._mixed_before
        count = sums[above, right] - sums[above, left] - sums[below, right] + sums[below, left]
        return np.asarray(count > 0)

    def _cells(self, lon_lat: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """Yield the column and the row of each spot."""
        for ordinates, begin in zip(lon_lat.T, (self.west, self.south), strict=True):
            yield np.floor((ordinates - begin) / self.side_deg)

    def _parted(
        self, lon_lat: NDArray[np.float64], kinds: NDArray[np.intp], hair_deg: float
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.bool_]]:
        """Return spots, numbers and nearness for spots in these mixed cells.

        What lies in the middle of the cell is known, and changes for a district with each of its
        edges that is crossed on the straight way from there to the spot.
        """
        spots, step = repeated((self.starts[kinds + 1] - self.starts[kinds]).astype(np.intp))
        edges = self.edges[self.starts[kinds][spots] + step]
        numbers = np.searchsorted(self.first_corners, edges, side="right") - 1
        x, y = self.corners.T
        middle_x, middle_y = (
            begin + (cells + 0.5) * self.side_deg
            for cells, begin in zip(self._cells(lon_lat), (self.west, self.south), strict=True)
        )
        here = (lon_lat[:, 0] - middle_x)[spots], (lon_lat[:, 1] - middle_y)[spots]
        middle_x, middle_y = middle_x[spots], middle_y[spots]
        begins = x[edges] - middle_x, y[edges] - middle_y
        ends = x[edges + 1] - middle_x, y[edges + 1] - middle_y
        crossed, near = _meet(begins, ends, here, hair_deg)

        # The edges of a cell are in the order of their districts, so those of one stand together.
        [first] = np.nonzero(np.diff(spots, prepend=-1) | np.diff(numbers, prepend=-1))
        middle = self.centres[kinds]
        of_pair, number = spots[first], numbers[first]
        odd = np.add.reduceat(crossed, first, dtype=np.int64) % 2 == 1
        touched = np.logical_or.reduceat(near, first)
        inside = odd ^ (number == middle[of_pair])
        # A district may hold the middle and have no edge in the cell.
        has_edges = np.zeros(len(kinds), dtype=np.bool_)
        has_edges[of_pair[number == middle[of_pair]]] = True
        [whole] = np.nonzero(~has_edges & (middle >= 0))
        kept = inside | touched
        return (
            np.concatenate([of_pair[kept], whole]),
            np.concatenate([number[kept], middle[whole].astype(np.int64)]),
            np.concatenate([touched[kept], np.zeros(len(whole), dtype=np.bool_)]),
        )

    @cached_property
    def _mixed_before(self) -> NDArray[np.int32]:
        """How many cells are mixed south and west of each corner."""
        rows, columns = self.numbers.shape
        sums = np.zeros((rows + 1, columns + 1), dtype=np.int32)
        np.cumsum(self.numbers <= MIXED, axis=0, out=sums[1:, 1:])
        return np.cumsum(sums, axis=1, out=sums)


Vectors = tuple[NDArray[np.float64], NDArray[np.float64]]
"""All x, and all y."""


def distance(begins: Vectors, ends: Vectors) -> NDArray[np.float64]:
    """Return how far the origin is from each edge."""
    (x, y), (width, height) = begins, _between(begins, ends)
    square = np.maximum(width * width + height * height, np.finfo(np.float64).tiny)
    share = (-(x * width + y * height) / square).clip(0, 1)
    return np.asarray(np.hypot(x + share * width, y + share * height))


def _meet(
    begins: Vectors, ends: Vectors, here: Vectors, hair_deg: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which edges are crossed on the way from the origin, and which come near to its end."""
    along = _between(begins, ends)
    from_here = _between(here, begins)
    side_here = _cross(along, from_here)
    crossed = (_cross(along, begins) > 0) != (side_here > 0)
    # What is on either side of an edge's line passes between its ends if these are on either side.
    [maybe] = np.nonzero(crossed)
    way = here[0][maybe], here[1][maybe]
    crossed[maybe] = (_cross(way, (begins[0][maybe], begins[1][maybe])) > 0) != (
        _cross(way, (ends[0][maybe], ends[1][maybe])) > 0
    )
    # The line of an edge is no farther than the edge.
    near = np.abs(side_here) <= 2 * hair_deg * np.hypot(*along)
    [maybe] = np.nonzero(near)
    start = from_here[0][maybe], from_here[1][maybe]
    end = start[0] + along[0][maybe], start[1] + along[1][maybe]
    near[maybe] = distance(start, end) <= hair_deg
    return crossed, near


def _between(begins: Vectors, ends: Vectors) -> Vectors:
    return ends[0] - begins[0], ends[1] - begins[1]


def _cross(one: Vectors, other: Vectors) -> NDArray[np.float64]:
    return one[0] * other[1] - one[1] * other[0]
