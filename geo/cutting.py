"""Writing the shapes of a layer's version so that looking a spot up in them is cheap."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import rasters, seam
from geo.columns import SRID, with_srid
from geo.features import Feature
from geo.models import LayerVersion
from infra.copying import JSONB_MARK, copy

# With so few vertices a shape is asked as it stands; others are cut into pieces of half as many.
WHOLE_VERTICES = 64
PIECE_VERTICES = 32

_COLUMNS = {
    "jurisdiction_id": "int8",
    "layer_version_id": "int8",
    "district_id": "int8",
    "names": "bytea",
    "shape": "bytea",
    "whole": "bool",
}

# A shape is subdivided as polygons and its border as lines; a piece may come out as several.
_CUT_PIECES = text(f"""
    INSERT INTO district_pieces (jurisdiction_id, shape_id, piece)
    SELECT s.jurisdiction_id, s.id, (ST_Dump(part)).geom
    FROM district_shapes s, ST_Subdivide(s.shape, {PIECE_VERTICES}) AS part
    WHERE s.layer_version_id = :version_id AND NOT s.whole
""")
_CUT_EDGES = text(f"""
    INSERT INTO district_edges (jurisdiction_id, shape_id, edge)
    SELECT s.jurisdiction_id, s.id, (ST_Dump(part)).geom
    FROM district_shapes s, ST_Subdivide(ST_Boundary(s.shape), {PIECE_VERTICES}) AS part
    WHERE s.layer_version_id = :version_id AND NOT s.whole AND NOT s.district_id = ANY(:at_seam)
""")
# What the antimeridian cuts in two has no border there.
_CUT_EDGES_AT_SEAM = text(f"""
    INSERT INTO district_edges (jurisdiction_id, shape_id, edge)
    SELECT s.jurisdiction_id, s.id, (ST_Dump(part)).geom
    FROM district_shapes s,
        ST_Subdivide(ST_SetSRID(ST_GeomFromWKB(:border), {SRID}), {PIECE_VERTICES}) AS part
    WHERE s.layer_version_id = :version_id AND s.district_id = :district_id
""")


def write(
    session: Session,
    version: LayerVersion,
    features: Sequence[Feature],
    drawn: Sequence[bytes],
    locale: str,
    district_ids: Mapping[str, int],
) -> None:
    """Write the districts' shapes, and the pieces and edges of those that are not asked whole.

    Where any are cut so, their raster is drawn as well, which takes a small part of that time.

    `drawn` has the shapes as `as_bytes` gives them, `locale` is the language of their names and
    `district_ids` has the district of each code.
    """
    shapes = np.array([feature.shape for feature in features], dtype=object)
    at_seam = seam.touch(shapes)
    whole = (shapely.get_num_coordinates(shapes) <= WHOLE_VERTICES) & ~at_seam
    ids = [district_ids[feature.code] for feature in features]
    begin = JSONB_MARK + b"{" + json.dumps(locale).encode() + b": "
    names = (begin + json.dumps(feature.name).encode() + b"}" for feature in features)
    written = zip(ids, names, map(with_srid, drawn), whole.tolist(), strict=True)
    rows = ((version.jurisdiction_id, version.id, *values) for values in written)
    copy(session, "district_shapes", _COLUMNS, rows)
    if whole.all():
        return
    session.execute(_CUT_PIECES, {"version_id": version.id})
    seamed = {ids[index]: shapes[index] for index in np.flatnonzero(at_seam).tolist()}
    session.execute(_CUT_EDGES, {"version_id": version.id, "at_seam": list(seamed)})
    for district_id, shape in seamed.items():
        border = shapely.to_wkb(seam.border(shape))
        values = {"version_id": version.id, "district_id": district_id, "border": border}
        session.execute(_CUT_EDGES_AT_SEAM, values)
    rasters.keep(session, version.id)
