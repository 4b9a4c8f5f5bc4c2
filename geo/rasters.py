"""The rasters of maps, kept beside their shapes: drawing one takes longer than reading it."""

from __future__ import annotations

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
from infra.database import IN_BINARY

# What is nearer to a border than a hair is looked at more closely, so cells know a little more.
_NEAR_DEG = 2 * HAIR_DEG

_SHAPES = text("""
    SELECT d.code, ST_AsBinary(s.shape)
    FROM district_shapes s JOIN districts d ON d.id = s.district_id
    WHERE s.layer_version_id = :version_id
""").execution_options(**{IN_BINARY: True})


def read(session: Session, version_id: int) -> Raster:
    """Return the raster of a version, whose districts are numbered in the order of their codes."""
    query = select(*DistrictRaster.__table__.columns).where(
        DistrictRaster.layer_version_id == version_id
    )
    found = session.execute(query.execution_options(**{IN_BINARY: True})).one_or_none()
    if found is None:
        return keep(session, version_id)
    numbers = np.repeat(_whole(found.run_numbers), _whole(found.run_lengths))
    return Raster(
        west=found.west,
        south=found.south,
        side_deg=found.side_deg,
        numbers=numbers.reshape(found.row_count, -1),
        centres=_whole(found.centres),
        starts=_whole(found.starts),
        edges=_whole(found.edges),
        corners=np.frombuffer(found.corners, dtype="<f8").reshape(-1, 2),
        first_corners=_whole(found.first_corners),
    )


def keep(session: Session, version_id: int) -> Raster:
    """Draw the raster of a version and keep it; another that keeps it at the same time may."""
    rows = sorted(session.execute(_SHAPES, {"version_id": version_id}), key=lambda row: row.code)
    shapes = shapely.from_wkb(np.array([shape for _code, shape in rows], dtype=object))
    drawn = drawing.draw(shapes, _NEAR_DEG)
    cells = drawn.numbers.ravel()
    begins = np.flatnonzero(np.diff(cells, prepend=np.iinfo(np.int32).min))
    values = {
        "layer_version_id": version_id,
        "jurisdiction_id": session.get_one(LayerVersion, version_id).jurisdiction_id,
        "west": drawn.west,
        "south": drawn.south,
        "side_deg": drawn.side_deg,
        "row_count": len(drawn.numbers),
        "run_numbers": _bytes(cells[begins]),
        "run_lengths": _bytes(np.diff(begins, append=len(cells))),
        "centres": _bytes(drawn.centres),
        "starts": _bytes(drawn.starts),
        "edges": _bytes(drawn.edges),
        "corners": drawn.corners.astype("<f8").tobytes(),
        "first_corners": _bytes(drawn.first_corners),
    }
    session.execute(insert(DistrictRaster).values(values).on_conflict_do_nothing())
    return drawn


def _bytes(values: NDArray[np.integer]) -> bytes:
    return values.astype("<i4").tobytes()


def _whole(kept: bytes) -> NDArray[np.int32]:
    return np.frombuffer(kept, dtype="<i4")
