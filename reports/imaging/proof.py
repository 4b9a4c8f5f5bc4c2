"""Proves by decoding that a JPEG is one, with no more work than that takes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from io import BytesIO
from threading import Lock

from PIL import Image

from reports.imaging.memory import bytes_to_decode
from reports.imaging.structure import Place, first_rows

# A web process reads photos in many threads; those that take much memory wait for each other.
_LARGE_BYTES = 64_000_000
_LARGE_PROOF = Lock()


def prove_jpeg(data: bytes, image: Image.Image, places: Sequence[Place]) -> None:
    """Raise what a decoder raises for `data` when it decodes all of it, at an eighth of the size.

    `image` is opened, not decoded, and `places` are what the walk came by. Where `first_rows` has
    an answer, it stands for the rest as well; anything else is decoded to its end.
    """
    rows = first_rows(data, places)
    if rows is not None:
        _decode_at_an_eighth(Image.open(BytesIO(rows), formats=("JPEG",)))
        return
    is_large = bytes_to_decode("JPEG", data, image, image.width * image.height) > _LARGE_BYTES
    with _LARGE_PROOF if is_large else nullcontext():
        _decode_at_an_eighth(image)


def _decode_at_an_eighth(image: Image.Image) -> None:
    image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
    image.load()
