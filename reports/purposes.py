"""What photos of the work are for."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a photo of the work shows: the spot before it was done, or after."""

    BEFORE = "before"
    AFTER = "after"
