"""Walks through HEIC and AVIF, which are ISO base media files: boxes within boxes.

As in `reports.photo_structure`, a file that is not whole raises `ValueError`, `LookupError` or
`struct.error`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from reports.imaging.structure import MAX_PARTS, Sizes

_AV1_SEQUENCE_HEADER = 1
_MAX_ITEMS = 1_000
_MAX_UNITS = 1_000
_MAX_HEADER_BYTES = 512
_ITEM_IN_FILE, _ITEM_IN_META = 0, 1
_TO_SAMPLES = (b"mdia", b"minf", b"stbl")

# Where an item's bytes lie: (offset, length) of each of its pieces.
Extents = list[tuple[int, int]]


@dataclass(frozen=True)
class Box:
    """The part of `data` from `start` to `end`, without the box's own header."""

    name: bytes
    data: memoryview
    start: int
    end: int

    def boxes(self, skip: int = 0) -> Iterator[Box]:
        """Yield the boxes inside, after `skip` bytes of fields; each ends within this one."""
        at = self.start + skip
        for _ in range(MAX_PARTS):
            if at >= self.end:
                return
            length, name = struct.unpack_from(">I4s", self.data, at)
            header = 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", self.data, at + 8)
                header = 16
            elif length == 0:
                length = self.end - at
            if length < header or at + length > self.end:
                raise ValueError("a box is cut short")
            yield Box(bytes(name), self.data, at + header, at + length)
            at += length
        raise ValueError("too many boxes")

    def find(self, name: bytes, skip: int = 0) -> list[Box]:
        """Return the boxes of a name inside."""
        return [box for box in self.boxes(skip) if box.name == name]

    def number(self, at: int, size: int) -> int:
        """Return the big-endian number of `size` bytes, `at` bytes from the start."""
        if self.start + at + size > self.end:
            raise ValueError("a field is cut short")
        return int.from_bytes(self.data[self.start + at : self.start + at + size], "big")


def walk_heic(data: bytes) -> Sizes:
    """Walk the boxes and the places of all items; the sizes are those that any item may have.

    libheif holds the pixels to them. The picture that it gives may be smaller, by a crop.
    """
    file = _whole_file(data)
    for _ in _items(file):
        pass
    return [
        (size.number(4, 4), size.number(8, 4))
        for meta in _at_most_one(file, b"meta")
        for properties in meta.find(b"iprp", skip=4)
        for shared in properties.find(b"ipco")
        for size in shared.find(b"ispe")
    ]


def walk_avif(data: bytes) -> Sizes:
    """Walk the boxes and the places of all items, and the AV1 streams in them.

    The sizes are those of the coded frames. A file states its size a second time, in its boxes, and
    the decoder would scale one to the other after having made the frame.
    """
    file = _whole_file(data)
    coded = {item for meta in _at_most_one(file, b"meta") for item in _coded_items(meta)}
    sizes = [
        size
        for item, source, extents in _items(file)
        if item in coded
        for size in _av1_sizes(_join(source, extents))
    ]
    for movie in _at_most_one(file, b"moov"):
        for track in movie.find(b"trak"):
            sizes += _av1_sizes(_first_sample(file, track))
    return sizes


def _whole_file(data: bytes) -> Box:
    file = Box(b"", memoryview(data), 0, len(data))
    if not {box.name for box in file.boxes()} & {b"meta", b"moov"}:
        raise ValueError("no box describes a picture")
    return file


def _at_most_one(box: Box, name: bytes, skip: int = 0) -> list[Box]:
    found = box.find(name, skip)
    if len(found) > 1:
        raise ValueError("a box is there twice")
    return found


def _coded_items(meta: Box) -> set[int]:
    """Return the ids of the items that are AV1."""
    found = set()
    for infos in meta.find(b"iinf", skip=4):
        for info in infos.find(b"infe", skip=6 if infos.number(0, 1) == 0 else 8):
            version = info.number(0, 1)
            id_size = 2 if version < 3 else 4
            if version >= 2 and info.number(6 + id_size, 4).to_bytes(4, "big") == b"av01":
                found.add(info.number(4, id_size))
    return found


def _items(file: Box) -> Iterator[tuple[int, Box, Extents]]:
    """Yield each item's id, the box that its bytes lie in, and where in it they lie."""
    left = 2 * len(file.data)
    for meta in _at_most_one(file, b"meta"):
        own = _at_most_one(meta, b"idat", skip=4)
        for places in _at_most_one(meta, b"iloc", skip=4):
            for item, method, claimed in _locations(places):
                if method not in {_ITEM_IN_FILE, _ITEM_IN_META}:
                    continue
                source = file if method == _ITEM_IN_FILE else own[0]
                extents = [_checked(source, *extent) for extent in claimed]
                left -= sum(length for _, length in extents)
                if left < 0:
                    raise ValueError("the items are larger than the file")
                yield item, source, extents


def _checked(source: Box, offset: int, length: int) -> tuple[int, int]:
    """Return an extent that lies within its source; a length of 0 means to the source's end."""
    room = source.end - source.start - offset
    if room < max(length, 0):
        raise ValueError("an item is cut short")
    return offset, length or room


def _join(source: Box, extents: Extents) -> bytes:
    return b"".join(
        source.data[source.start + offset : source.start + offset + length]
        for offset, length in extents
    )


def _locations(places: Box) -> Iterator[tuple[int, int, Extents]]:
    """Yield each item's id, construction method, and extents as (offset, length) in bytes."""
    version = places.number(0, 1)
    offset_size, length_size = divmod(places.number(4, 1), 16)
    base_size, index_size = divmod(places.number(5, 1), 16)
    if version == 0:
        index_size = 0
    wide = 4 if version == 2 else 2
    at = 6 + wide
    items, left = places.number(6, wide), MAX_PARTS
    if items > _MAX_ITEMS:
        raise ValueError("too many items")
    for _ in range(items):
        item, at = places.number(at, wide), at + wide
        method = 0
        if version:
            method, at = places.number(at, 2) & 15, at + 2
        base = places.number(at + 2, base_size)
        count, at = places.number(at + 2 + base_size, 2), at + 4 + base_size
        left -= count
        if left < 0:
            raise ValueError("too many pieces")
        extents = []
        for _ in range(count):
            at += index_size
            offset = base + places.number(at, offset_size)
            extents.append((offset, places.number(at + offset_size, length_size)))
            at += offset_size + length_size
        yield item, method, extents


def _first_sample(file: Box, track: Box) -> bytes:
    """Return the bytes of an AV1 track's first sample: of an animation, no other is decoded."""
    box = track
    for name in _TO_SAMPLES:
        (box,) = box.find(name)
    if not any(entry.find(b"av01", skip=8) for entry in box.find(b"stsd")):
        return b""
    (sizes,) = box.find(b"stsz")
    (offsets,) = box.find(b"stco") + box.find(b"co64")
    length = sizes.number(4, 4) or sizes.number(12, 4)
    offset = offsets.number(8, 4 if offsets.name == b"stco" else 8)
    return _join(file, [_checked(file, offset, length)])


def _av1_sizes(stream: bytes) -> Sizes:
    """Return the frame sizes that the sequence headers of an AV1 stream announce."""
    sizes: Sizes = []
    at = 0
    for _ in range(_MAX_UNITS):
        if at >= len(stream):
            return sizes
        header = stream[at]
        at += 2 if header & 4 else 1
        length = len(stream) - at
        if header & 2:
            length, at = _leb128(stream, at)
        if at + length > len(stream):
            raise ValueError("an AV1 stream is cut short")
        if header >> 3 & 15 == _AV1_SEQUENCE_HEADER:
            sizes.append(_av1_frame(_Bits(stream[at : at + min(length, _MAX_HEADER_BYTES)])))
        at += length
    raise ValueError("an AV1 stream has too many units")


def _leb128(stream: bytes, at: int) -> tuple[int, int]:
    """Return a number in seven-bit groups, lowest first, and the place after it."""
    number = 0
    for group in range(8):
        byte = stream[at + group]
        number |= (byte & 127) << 7 * group
        if byte < 128:
            return number, at + group + 1
    raise ValueError("a number is too long")


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def read(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("a header is cut short")
        return self._bits >> self._left & (1 << count) - 1


def _av1_frame(bits: _Bits) -> tuple[int, int]:
    """Return the largest frame, from a sequence header (AV1 specification, 5.5.1)."""
    bits.read(4)
    if bits.read(1):
        bits.read(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return bits.read(width_bits) + 1, bits.read(height_bits) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = _skip_timing(bits) if bits.read(1) else 0
    with_display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if delay_bits and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if with_display_delay and bits.read(1):
            bits.read(4)


def _skip_timing(bits: _Bits) -> int:
    """Return the length of the buffer delays in bits, 0 without a decoder model."""
    bits.read(64)
    if bits.read(1):
        zeros = 0
        while not bits.read(1):
            zeros += 1
        bits.read(zeros)
    if not bits.read(1):
        return 0
    delay_bits = bits.read(5) + 1
    bits.read(42)
    return delay_bits
