"""A map as a raster: one answer for all of a cell, where no border comes near it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

NONE = -1
"""What stands for no district among numbers."""
MIXED = -2
"""What stands for cells that a border comes near, or where districts overlap."""

# So many cells stay within tens of megabytes, and of a city's districts few are mixed. Where few
# corners are drawn, shapes answer quickly themselves.
_CELLS = 8_000_000
_CELLS_PER_CORNER = 64
# A map of long edges gets larger cells, so that what they are cut into stays as small.
_PIECES = 4_000_000
# What is worked on together stays near the processor: three times as fast as all at once.
_CORNERS_AT_ONCE = 50_000


@dataclass(frozen=True)
class Raster:
    """Square cells of `side_deg` in rows from `south` and columns from `west`.

    `numbers` has for each cell the number of its district, NONE or MIXED.
    """

    west: float
    south: float
    side_deg: float
    numbers: NDArray[np.int32]

    def at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return what stands in the cell of each spot; beyond the raster there is NONE."""
        rows, columns = self.numbers.shape
        across = np.floor((lon_lat[:, 0] - self.west) / self.side_deg)
        up = np.floor((lon_lat[:, 1] - self.south) / self.side_deg)
        within = (across >= 0) & (across < columns) & (up >= 0) & (up < rows)
        found = np.full(len(lon_lat), NONE, dtype=np.int32)
        cells = up[within].astype(np.intp) * columns + across[within].astype(np.intp)
        found[within] = self.numbers.ravel()[cells]
        return found

    def is_mixed_around(
        self, lon_lat: NDArray[np.float64], reach_deg: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell of each spot whether a mixed cell lies in reach of it, a row of degrees each."""
        corner, far = [self.west, self.south], self.numbers.shape[::-1]
        low = np.floor((lon_lat - reach_deg - corner) / self.side_deg).clip(0, far)
        high = np.floor((lon_lat + reach_deg - corner) / self.side_deg + 1).clip(0, far)
        (left, below), (right, above) = low.astype(np.intp).T, high.astype(np.intp).T
        sums = self._mixed_before
        count = sums[above, right] - sums[above, left] - sums[below, right] + sums[below, left]
        return np.asarray(count > 0)

    @cached_property
    def _mixed_before(self) -> NDArray[np.int32]:
        """How many cells are mixed south and west of each corner."""
        rows, columns = self.numbers.shape
        sums = np.zeros((rows + 1, columns + 1), dtype=np.int32)
        np.cumsum(self.numbers == MIXED, axis=0, out=sums[1:, 1:])
        return np.cumsum(sums, axis=1, out=sums)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where edges begin and end, a row of x and one of y, in cells from the raster's corner.

    `numbers` are those of their shapes.
    """

    begins: NDArray[np.float64]
    ends: NDArray[np.float64]
    numbers: NDArray[np.intp]


def draw(shapes: NDArray[np.object_], near_deg: float) -> Raster:
    """Return the raster of shapes; a cell is mixed where a border is nearer than `near_deg`."""
    if not len(shapes):
        return Raster(0, 0, 1, np.empty((0, 0), dtype=np.int32))
    bounds = shapely.total_bounds(shapes)
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    length = float(shapely.length(shapes).sum())
    cells = min(_CELLS, _CELLS_PER_CORNER * int(shapely.get_num_coordinates(shapes).sum()))
    side = max((width * height / cells) ** 0.5, 2 * length / _PIECES, 8 * near_deg)
    # One cell more on every side has room for what is near to the outermost borders.
    west, south = bounds[0] - side, bounds[1] - side
    rows, columns = int(height / side) + 3, int(width / side) + 3
    mixed = np.zeros((rows, columns), dtype=np.bool_)
    # A district's number counts from where its inside begins in a row, and no more where it ends.
    sums, counts = (np.zeros((rows, columns), dtype=np.int32) for _ in range(2))
    for edges in _edges(shapes, west, south, side):
        _mark(mixed, edges, near_deg / side)
        _fill(sums, counts, edges)
    np.cumsum(sums, axis=1, out=sums)
    np.cumsum(counts, axis=1, out=counts)
    sums -= 1
    sums[mixed | (counts > 1)] = MIXED
    return Raster(west, south, side, sums)


def _edges(shapes: NDArray[np.object_], west: float, south: float, side: float) -> Iterator[_Edges]:
    """Yield the edges of some shapes at a time, the shapes whole."""
    corners = np.cumsum(shapely.get_num_coordinates(shapes))
    ends = np.searchsorted(corners, np.arange(_CORNERS_AT_ONCE, corners[-1], _CORNERS_AT_ONCE))
    limits = np.unique([0, *ends, len(shapes)])
    for begin, end in zip(limits[:-1].tolist(), limits[1:].tolist(), strict=True):
        parts, of_part = shapely.get_parts(shapes[begin:end], return_index=True)
        rings, of_ring = shapely.get_rings(parts, return_index=True)
        lon_lat, of_corner = shapely.get_coordinates(rings, return_index=True)
        corners_at = (lon_lat.T - [[west], [south]]) / side
        [joined] = np.nonzero(of_corner[1:] == of_corner[:-1])
        numbers = begin + of_part[of_ring[of_corner[joined]]]
        yield _Edges(corners_at[:, joined], corners_at[:, joined + 1], numbers)


def _mark(mixed: NDArray[np.bool_], edges: _Edges, near: float) -> None:
    """Mark the cells that an edge comes near; `near` is in cells, and far less than one."""
    begins, ends = edges.begins, edges.ends
    # What is not longer than half a cell, with what is near it, spans two cells at most.
    pieces = np.ceil(2 * np.abs(ends - begins).max(axis=0)).astype(np.intp)
    [long] = np.nonzero(pieces > 1)
    if len(long):
        of_piece, step = _repeated(pieces[long])
        edge = long[of_piece]
        piece = (ends - begins)[:, edge] / pieces[edge]
        cut, short = begins[:, edge] + step * piece, pieces <= 1
        begins, ends = (
            np.concatenate([begins[:, short], cut], axis=1),
            np.concatenate([ends[:, short], cut + piece], axis=1),
        )
    low = (np.minimum(begins, ends) - near).astype(np.intp)
    high = (np.maximum(begins, ends) + near).astype(np.intp)
    for row in (low[1], high[1]):
        for column in (low[0], high[0]):
            mixed[row, column] = True


def _fill(sums: NDArray[np.int32], counts: NDArray[np.int32], edges: _Edges) -> None:
    """Note where in the middle of each row the inside of a shape begins and ends."""
    south = np.minimum(edges.begins[1], edges.ends[1])
    north = np.maximum(edges.begins[1], edges.ends[1])
    first = np.ceil(south - 0.5).astype(np.intp)
    crossed = np.ceil(north - 0.5).astype(np.intp) - first
    [edge] = np.nonzero(crossed)
    of_crossing, step = _repeated(crossed[edge])
    edge = edge[of_crossing]
    row, number = first[edge] + step, edges.numbers[edge]
    x, y = edges.begins[:, edge]
    width, height = edges.ends[:, edge] - (x, y)
    x += (row + 0.5 - y) * width / height
    # Rings are closed, so a shape crosses each row an even number of times: in, out, in, out.
    order = np.lexsort((x, row, number))
    cells = row[order], np.ceil(x[order] - 0.5).astype(np.intp)
    sign = np.ones(len(order), dtype=np.int32)
    sign[1::2] = -1
    np.add.at(counts, cells, sign)
    np.add.at(sums, cells, sign * (number[order] + 1).astype(np.int32))


def _repeated(times: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each index so many times, and how many of the same came before each."""
    index = np.repeat(np.arange(len(times)), times)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(times) - times, times)
