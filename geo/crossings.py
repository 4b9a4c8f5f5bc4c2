"""How often the rings of a shape meet themselves: few places are mended, thousands never end."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import MultiPolygon, STRtree

# So many take about a second to mend, and ten times as many a minute.
MOST_CROSSINGS = 1_000
_PAIRS_AT_ONCE = 500_000


def too_many(shape: MultiPolygon) -> bool:
    """Tell whether the rings of a shape meet in more than MOST_CROSSINGS places."""
    drawn = shapely.get_rings(shapely.get_parts(shape))
    corners, rings = shapely.get_coordinates(drawn, return_index=True)
    joined = rings[1:] == rings[:-1]
    sides = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1)[joined])
    tree, at_once = STRtree(sides), max(1, _PAIRS_AT_ONCE // len(sides))
    met = 0
    for first in range(0, len(sides), at_once):
        some = sides[first : first + at_once]
        # Each side meets itself and the two next to it, and of all others each pair counts twice.
        met += tree.query(some, predicate="intersects").shape[1] - 3 * len(some)
        if met > 2 * MOST_CROSSINGS:
            return True
    return False
