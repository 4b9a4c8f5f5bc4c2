"""Walks through image files, from first byte to last, without decoding a pixel.

A decoder trusts what a file says of itself: a kilobyte can ask for gigabytes, or for an hour. Each
walk proves that the file is whole and returns the width and height, in pixels, of every picture
that a decoder would make of it. Whatever does not fit raises `ValueError`, `LookupError` or
`struct.error`.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Sizes = list[tuple[int, int]]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Decoders handle each part of a file on its own, Pillow in Python: hundreds of thousands of empty
# ones would hold a process for minutes. A photo has at most a few thousand.
MAX_PARTS = 50_000

# Pillow joins the EXIF of a JPEG piece by piece, copying all that came before. The largest file of
# full segments has four hundred.
_MAX_JPEG_MARKERS = 1_000

# Each scan of a progressive JPEG goes over the whole picture, and an empty one takes a few bytes.
# Encoders write a dozen.
_MAX_SCANS = 100

_JPEG_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
JPEG_SCAN, _JPEG_END, _JPEG_ALONE = 0xDA, 0xD9, {0x01, *range(0xD0, 0xD9)}
_JPEG_SEQUENTIAL = {0xC0, 0xC1}
# What a decoder takes for a picture at most, whatever its header has room for.
_JPEG_LONGEST = 65_500

# A row of the largest blocks that there are, and more than it takes in a photo.
_FIRST_ROWS = 32
_FIRST_BYTES = 64 * 1024

_WEBP_PICTURES = {b"VP8 ", b"VP8L", b"ANMF"}


class Place(NamedTuple):
    """A marker of a JPEG, and where the segment behind it stands, without its length."""

    marker: int
    start: int
    end: int


def walk_jpeg(data: bytes) -> tuple[Sizes, list[Place]]:
    """Walk the markers of a JPEG to its end; what a phone appends after that is left alone."""
    places = list(_jpeg_places(data))
    frames = [place for place in places if place.marker in JPEG_FRAMES]
    scans = [place for place in places if place.marker == JPEG_SCAN]
    if len(scans) > _MAX_SCANS:
        raise ValueError("too many scans")
    if not scans or not frames:
        raise ValueError("this JPEG holds no picture")
    sizes = [struct.unpack_from(">HH", data, frame.start + 1) for frame in frames]
    return [(width, height) for height, width in sizes], places


def jpeg_segments(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield each marker of a JPEG with the segment behind it, up to the marker of its end."""
    view = memoryview(data)
    for place in _jpeg_places(data):
        yield place.marker, view[place.start : place.end]


def first_rows(data: bytes, places: Sequence[Place]) -> bytes | None:
    """Return a JPEG of the first rows of one that has passed its walk, or None where only the
    whole will do.

    Of a picture that comes row by row in a single scan, a decoder refuses the headers and tables,
    which it meets again here, and nothing between them and the end: there it goes on with whatever
    it finds. So what refuses these rows refuses the picture, and what takes them takes it.
    """
    frames = [place for place in places if place.marker in JPEG_FRAMES]
    scans = [place for place in places if place.marker == JPEG_SCAN]
    if len(frames) != 1 or scans != places[-1:]:
        return None
    frame, scan = frames[0], scans[0]
    height, width, components = struct.unpack_from(">HHB", data, frame.start + 1)
    if frame.marker not in _JPEG_SEQUENTIAL or data[scan.start] != components:
        return None
    if not _FIRST_ROWS < height <= _JPEG_LONGEST or width > _JPEG_LONGEST:
        return None
    view = memoryview(data)
    before, after = view[: frame.start + 1], view[frame.start + 3 : scan.end + _FIRST_BYTES]
    return b"".join((before, struct.pack(">H", _FIRST_ROWS), after, bytes((0xFF, _JPEG_END))))


def _jpeg_places(data: bytes) -> Iterator[Place]:
    at = 2
    for _ in range(_MAX_JPEG_MARKERS):
        found = _JPEG_NEXT_MARKER.search(data, at)
        if found is None:
            break
        marker, at = data[found.start() + 1], found.end()
        if marker == _JPEG_END:
            return
        if marker in _JPEG_ALONE:
            yield Place(marker, at, at)
        else:
            (length,) = struct.unpack_from(">H", data, at)
            yield Place(marker, at + 2, at + length)
            at += length
    raise ValueError("this JPEG does not come to its end")


def walk_png(data: bytes) -> Sizes:
    """Walk the chunks of a PNG, with their checksums, to the last byte."""
    view = memoryview(data)
    at = len(PNG_SIGNATURE)
    names = []
    for _ in range(MAX_PARTS):
        length, name = struct.unpack_from(">I4s", view, at)
        body_end = at + 8 + length
        (checksum,) = struct.unpack_from(">I", view, body_end)
        if zlib.crc32(view[at + 4 : body_end]) != checksum:
            raise ValueError("a chunk of this PNG is not what it was")
        names.append(name)
        at = body_end + 4
        if name == b"IEND":
            break
    if names[0] != b"IHDR" or names[-1] != b"IEND" or b"IDAT" not in names:
        raise ValueError("this PNG lacks a chunk")
    _check_rest(data, at)
    return [struct.unpack_from(">II", data, len(PNG_SIGNATURE) + 8)]


def walk_webp(data: bytes) -> Sizes:
    """Walk the RIFF chunks of a WebP to the last byte; the one size is that of its canvas."""
    (riff_length,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff_length
    at = 12
    names: list[bytes] = []
    while at < end and len(names) < MAX_PARTS:
        name, length = struct.unpack_from("<4sI", data, at)
        names.append(name)
        if at + 8 + length > min(end, len(data)):
            raise ValueError("a chunk of this WebP is cut short")
        at += 8 + length + length % 2
    if at < end or not _WEBP_PICTURES & set(names):
        raise ValueError("this WebP holds no picture")
    _check_rest(data, end)
    return [_webp_canvas(data)]


def _webp_canvas(data: bytes) -> tuple[int, int]:
    first_chunk = data[12:16]
    if first_chunk == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if first_chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if first_chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("this WebP begins with no picture")


def _check_rest(data: bytes, end: int) -> None:
    # Padding is harmless; anything else is a second file that rides along with the picture.
    if data[end:].strip(b"\0"):
        raise ValueError("something follows the picture")
