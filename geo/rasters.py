"""The rasters of maps, kept beside their shapes: drawing one takes longer than reading it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo import drawing
from geo.districts import HAIR_DEG
from geo.models import DistrictRaster, LayerVersion
from geo.raster import Raster
from infra.copying import parts
from infra.database import IN_BINARY

# What is nearer to a border than a hair is looked at more closely, so cells know a little more.
_NEAR_DEG = 2 * HAIR_DEG

_FRACTION, _WHOLE = "<f8", "<i4"
_PART_BYTES = 1 << 18

_SHAPES = text("""
    SELECT d.code, ST_AsBinary(s.shape)
    FROM district_shapes s JOIN districts d ON d.id = s.district_id
    WHERE s.layer_version_id = :version_id
""").execution_options(**{IN_BINARY: True})


# Whole, what is kept would take the driver many times longer to receive.
_CONTENT = f"""
    SELECT substr(kept.content, 1 + part.at, {_PART_BYTES})
    FROM district_rasters kept
    CROSS JOIN generate_series(0, length(kept.content) - 1, {_PART_BYTES}) AS part (at)
    WHERE kept.layer_version_id = %(version_id)s ORDER BY part.at
"""


def read(session: Session, version_id: int) -> Raster:
    """Return the raster of a version, whose districts are numbered in the order of their codes."""
    kept = DistrictRaster
    query = select(kept.west, kept.south, kept.side_deg, kept.row_count, kept.sizes)
    found = session.execute(query.where(kept.layer_version_id == version_id)).one_or_none()
    if found is None:
        return keep(session, version_id)
    west, south, side_deg, row_count, sizes = found
    [corners, *others] = _arrays(_content(session, version_id, sizes), sizes)
    numbers, lengths, centres, starts, edges, first_corners = others
    return Raster(
        *(west, south, side_deg, np.repeat(numbers, lengths).reshape(row_count, -1), centres),
        *(starts, edges, corners.reshape(-1, 2), first_corners),
    )


def keep(session: Session, version_id: int) -> Raster:
    """Draw the raster of a version and keep it; another that keeps it at the same time may."""
    rows = sorted(session.execute(_SHAPES, {"version_id": version_id}), key=lambda row: row.code)
    shapes = shapely.from_wkb(np.array([shape for _code, shape in rows], dtype=object))
    drawn = drawing.draw(shapes, _NEAR_DEG)
    cells = drawn.numbers.ravel()
    begins = np.flatnonzero(np.diff(cells, prepend=np.iinfo(np.int32).min))
    lengths = np.diff(begins, append=len(cells))
    whole = (
        *(cells[begins], lengths, drawn.centres),
        *(drawn.starts, drawn.edges, drawn.first_corners),
    )
    arrays = [drawn.corners.ravel().astype(_FRACTION), *(one.astype(_WHOLE) for one in whole)]
    values = {
        "layer_version_id": version_id,
        "jurisdiction_id": session.get_one(LayerVersion, version_id).jurisdiction_id,
        "west": drawn.west,
        "south": drawn.south,
        "side_deg": drawn.side_deg,
        "row_count": len(drawn.numbers),
        "sizes": [len(one) for one in arrays],
        "content": b"".join(one.tobytes() for one in arrays),
    }
    session.execute(insert(DistrictRaster).values(values).on_conflict_do_nothing())
    return drawn


def _content(session: Session, version_id: int, sizes: Sequence[int]) -> NDArray[np.uint8]:
    """Return what is kept, of which no more than a part is in memory twice."""
    found = np.empty(sum(_bytes_each(sizes)), dtype=np.uint8)
    begin = 0
    for part in parts(session, _CONTENT, {"version_id": version_id}):
        found[begin : begin + len(part)] = np.frombuffer(part, dtype=np.uint8)
        begin += len(part)
    return found


def _arrays(content: NDArray[np.uint8], sizes: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Yield the arrays that were kept: the corners, and whole numbers."""
    begin = 0
    for number, size in enumerate(_bytes_each(sizes)):
        yield content[begin : begin + size].view(_WHOLE if number else _FRACTION)
        begin += size


def _bytes_each(sizes: Sequence[int]) -> list[int]:
    """Return how long each of the arrays is: the corners first, then whole numbers."""
    [corners, *others] = sizes
    return [8 * corners, *(4 * size for size in others)]
