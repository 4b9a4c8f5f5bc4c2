"""Drawing the shapes of a map as a raster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.portions import portions, repeated
from geo.raster import MIXED, Raster, distance

# So many cells stay within tens of megabytes, and of a city's districts few are mixed. Where few
# corners are drawn, edges answer quickly themselves.
_CELLS = 8_000_000
_CELLS_PER_CORNER = 64
# A map of long edges gets larger cells, so that what they are cut into stays as small.
_PIECES = 4_000_000
# What is worked on together stays near the processor: three times as fast as all at once.
_CORNERS_AT_ONCE = 50_000
_PAIRS_AT_ONCE = 500_000
# Nearer to an edge than this share of a cell, on which side of it a middle lies is left open.
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where edges begin and end, a row of x and one of y, in cells from the raster's corner.

    `numbers` are those of their shapes, `at` those of the corners they begin at.
    """

    begins: NDArray[np.float64]
    ends: NDArray[np.float64]
    numbers: NDArray[np.intp]
    at: NDArray[np.intp]


def draw(shapes: NDArray[np.object_], near_deg: float) -> Raster:
    """Return the raster of shapes, drawn for what is no nearer to a border than `near_deg`."""
    sizes = np.asarray(shapely.get_num_coordinates(shapes), dtype=np.intp).reshape(-1)
    first_corners = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    west, south, side, extent = _extent(shapes, int(first_corners[-1]), near_deg)
    # A district's number counts from where its inside begins in a row, and no more where it ends.
    sums, counts = (np.zeros(extent, dtype=np.int32) for _ in range(2))
    lon_lat, pairs = [np.empty((0, 2))], [np.empty((2, 0), dtype=np.int64)]
    for some in portions(sizes, _CORNERS_AT_ONCE):
        corners, edges = _edges(shapes[some], (west, south), side)
        edges.numbers[:] += some.start
        edges.at[:] += first_corners[some.start]
        lon_lat.append(corners)
        pairs.append(_touched(edges, near_deg / side, extent[1]))
        _fill(sums, counts, edges)
    np.cumsum(sums, axis=1, out=sums)
    np.cumsum(counts, axis=1, out=counts)
    sums -= 1
    sums[counts > 1] = MIXED
    return _gathered(
        (west, south, side),
        sums,
        np.concatenate(pairs, axis=1),
        np.concatenate(lon_lat),
        first_corners,
    )


def _extent(
    shapes: NDArray[np.object_], corners: int, near_deg: float
) -> tuple[float, float, float, tuple[int, int]]:
    """Return where the raster begins, how wide its cells are, and how many rows and columns."""
    if not corners:
        return 0, 0, 1, (0, 0)
    bounds = shapely.total_bounds(shapes)
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    length = float(shapely.length(shapes).sum())
    cells = min(_CELLS, _CELLS_PER_CORNER * corners)
    side = max((width * height / cells) ** 0.5, 2 * length / _PIECES, 8 * near_deg)
    # One cell more on every side has room for what is near to the outermost borders.
    extent = int(height / side) + 3, int(width / side) + 3
    return float(bounds[0] - side), float(bounds[1] - side), float(side), extent


def _edges(
    shapes: NDArray[np.object_], begin: tuple[float, float], side: float
) -> tuple[NDArray[np.float64], _Edges]:
    """Return the corners of the shapes, by longitude and latitude, and the edges between them."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    lon_lat, of_corner = shapely.get_coordinates(rings, return_index=True)
    corners_at = (lon_lat.T - np.array(begin).reshape(2, 1)) / side
    [joined] = np.nonzero(of_corner[1:] == of_corner[:-1])
    numbers = of_part[of_ring[of_corner[joined]]]
    return lon_lat, _Edges(corners_at[:, joined], corners_at[:, joined + 1], numbers, joined)


def _touched(edges: _Edges, near: float, columns: int) -> NDArray[np.int64]:
    """Return pairs of a cell and an edge that comes near it; `near` is in cells, far below one.

    Cells are counted row by row. A pair may stand more than once.
    """
    begins, ends, at = edges.begins, edges.ends, edges.at
    # What is not longer than half a cell, with what is near it, spans two cells at most.
    pieces = np.ceil(2 * np.abs(ends - begins).max(axis=0)).astype(np.intp)
    [long] = np.nonzero(pieces > 1)
    if len(long):
        of_piece, step = repeated(pieces[long])
        edge = long[of_piece]
        piece = (ends - begins)[:, edge] / pieces[edge]
        cut, short = begins[:, edge] + step * piece, pieces <= 1
        begins, ends, at = (
            np.concatenate([begins[:, short], cut], axis=1),
            np.concatenate([ends[:, short], cut + piece], axis=1),
            np.concatenate([at[short], at[edge]]),
        )
    left, below = (np.minimum(begins, ends) - near).astype(np.int64)
    right, above = (np.maximum(begins, ends) + near).astype(np.int64)
    wide, high = left < right, below < above
    found = [
        (below * columns + left, at),
        ((below * columns + right)[wide], at[wide]),
        ((above * columns + left)[high], at[high]),
        ((above * columns + right)[wide & high], at[wide & high]),
    ]
    cells, touching = (np.concatenate(column) for column in zip(*found, strict=True))
    return np.stack([cells, touching])


def _fill(sums: NDArray[np.int32], counts: NDArray[np.int32], edges: _Edges) -> None:
    """Note where in the middle of each row the inside of a shape begins and ends."""
    south = np.minimum(edges.begins[1], edges.ends[1])
    north = np.maximum(edges.begins[1], edges.ends[1])
    first = np.ceil(south - 0.5).astype(np.intp)
    crossed = np.ceil(north - 0.5).astype(np.intp) - first
    [edge] = np.nonzero(crossed)
    of_crossing, step = repeated(crossed[edge])
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


def _gathered(
    frame: tuple[float, float, float],
    middles: NDArray[np.int32],
    pairs: NDArray[np.int64],
    corners: NDArray[np.float64],
    first_corners: NDArray[np.int32],
) -> Raster:
    """Return the raster with the edges of each mixed cell; `middles` is what its middles lie in."""
    west, south, side = frame
    columns = middles.shape[1]
    # One number for either of a pair sorts many times faster than the two of them.
    among = len(corners) + 1
    cells, edges = np.divmod(_distinct(pairs[0] * among + pairs[1]), among)
    overlaps = np.flatnonzero(middles.ravel() <= MIXED)
    mixed = _distinct(np.concatenate([cells, overlaps]))
    starts = np.searchsorted(cells, np.append(mixed, np.iinfo(np.int64).max))
    centres = middles.ravel()[mixed]
    for begin in range(0, len(cells), _PAIRS_AT_ONCE):
        some = slice(begin, begin + _PAIRS_AT_ONCE)
        up, across = np.divmod(cells[some], columns)
        middle = np.array([[west], [south]]) + (np.stack([across, up]) + 0.5) * side
        begins, ends = (corners[edges[some] + more].T - middle for more in (0, 1))
        close = distance((begins[0], begins[1]), (ends[0], ends[1])) <= _CLOSE * side
        centres[np.searchsorted(mixed, cells[some][close])] = MIXED
    numbers = middles.copy()
    numbers.ravel()[mixed] = MIXED - np.arange(len(mixed), dtype=np.int32)
    return Raster(
        *(west, south, side, numbers, centres),
        *(starts.astype(np.int32), edges.astype(np.int32), corners, first_corners),
    )


def _distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each value once, sorted, which NumPy's own way takes many times longer for."""
    ordered = np.sort(values)
    return ordered[np.diff(ordered, prepend=-1) > 0]
