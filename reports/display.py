"""What somebody typed, made fit to stand among our own words."""

from __future__ import annotations

# The controls that turn the direction of text: one left open would turn the words that follow.
_DIRECTION_CONTROLS = dict.fromkeys(
    [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)


def isolate(text: str) -> str:
    """Return the text without controls that turn the direction of what stands around it."""
    return text.translate(_DIRECTION_CONTROLS)
