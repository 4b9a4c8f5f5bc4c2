"""Spoils photos in every way that a network, a phone or an attacker might, and renders them.

`python -m tests.reports.photo_fuzz SEED FIRST COUNT` does so in one process, so that a decoder's
crash is that process's, and prints one line of JSON for each file: its number, the outcome, the
seconds that it took; at the end the peak of memory in kilobytes. The seed and the number say what
the file was: `spoilt(seed, number)` makes it again.
"""

from __future__ import annotations

import json
import random
import struct
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from functools import cache

from reports import photos
from tests.reports import photo_samples as samples

Spoil = Callable[[random.Random, bytearray], None]
_NAMES = (b"meta", b"iloc", b"iinf", b"iprp", b"ipco", b"ispe", b"hvcC", b"av1C", b"mdat", b"grid")
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


@cache
def sources() -> tuple[bytes, ...]:
    """Return whole photos of every format and way of storing that is taken."""
    picture = samples.picture
    return (
        samples.jpeg(48, 32, orientation=6, gps=True),
        samples.saved("JPEG", picture(48, 32), progressive=True, subsampling="4:4:4"),
        samples.saved("JPEG", picture(48, 32, "CMYK")),
        samples.saved("JPEG", picture(48, 32, "L"), restart_marker_blocks=2),
        samples.saved("MPO", picture(48, 32), save_all=True, append_images=[picture(48, 32)]),
        samples.png(48, 32, orientation=6, gps=True),
        samples.saved("PNG", picture(48, 32).quantize(4), transparency=1),
        samples.saved("PNG", picture(48, 32, "L").convert("I").convert("I;16")),
        samples.animated("PNG", 48, 32),
        samples.webp(48, 32, orientation=6, gps=True),
        samples.saved("WEBP", picture(48, 32, "RGBA"), lossless=True),
        samples.animated("WEBP", 48, 32),
        samples.heic_with_gps(48, 32),
        samples.saved("HEIF", picture(130, 70), tile_size=64),
        samples.saved("HEIF", picture(48, 32, "RGBA"), chroma=444),
        samples.avif(48, 32, orientation=6, gps=True),
        samples.saved("AVIF", picture(48, 32, "RGBA"), speed=10, subsampling="4:4:4"),
        samples.animated("AVIF", 48, 32),
    )


def flip_bits(chance: random.Random, data: bytearray) -> None:
    """Flip a few bits anywhere."""
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_bits_of_the_head(chance: random.Random, data: bytearray) -> None:
    """Flip a few bits where headers are."""
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(min(400, len(data)))] ^= 1 << chance.randrange(8)


def cut_short(chance: random.Random, data: bytearray) -> None:
    """Lose the end."""
    del data[chance.randrange(len(data)) :]


def lose_a_piece(chance: random.Random, data: bytearray) -> None:
    """Lose a piece in the middle."""
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, 64)]


def splice(chance: random.Random, data: bytearray) -> None:
    """Put a piece of a photo, often of another format, into this one."""
    other = chance.choice(sources())
    start, at = chance.randrange(len(other)), chance.randrange(len(data))
    length = chance.randint(1, 200)
    data[at : at + chance.choice((0, length))] = other[start : start + length]


def repeat_a_piece(chance: random.Random, data: bytearray) -> None:
    """Say a piece several times."""
    start = chance.randrange(len(data))
    piece = data[start : start + chance.randint(1, 100)]
    data[start:start] = piece * chance.randint(1, 20)


def swap_pieces(chance: random.Random, data: bytearray) -> None:
    """Let two pieces change places, such as two markers or two chunks."""
    length = chance.choice((2, 4, 8, 32))
    if len(data) > 2 * length:
        one = chance.randrange(len(data) - length)
        other = chance.randrange(len(data) - length)
        data[one : one + length], data[other : other + length] = (
            data[other : other + length],
            data[one : one + length],
        )


def set_a_field(chance: random.Random, data: bytearray) -> None:
    """Give a number, be it a length, an offset or a size, an extreme value."""
    width = chance.choice((1, 2, 4))
    value = chance.choice(_EXTREMES) & (1 << 8 * width) - 1
    at = chance.randrange(min(len(data), 1000))
    data[at : at + width] = value.to_bytes(width, chance.choice(("big", "little")))


def claim_a_size(chance: random.Random, data: bytearray) -> None:
    """Say another width and height where the format keeps them."""
    width, height = (chance.choice((0, 1, 63, 2_000, 7_999, 16_384, 65_535)) for _ in range(2))
    for mark, skip, form in (
        (b"\xff\xc0", 5, ">HH"),
        (b"\xff\xc2", 5, ">HH"),
        (b"IHDR", 4, ">II"),
        (b"VP8 ", 14, "<HH"),
        (b"VP8X", 12, "<HxH"),
        (b"ispe", 8, ">II"),
    ):
        at = data.find(mark)
        if at >= 0 and at + skip + 8 <= len(data):
            struct.pack_into(form, data, at + skip, width, height)
    mend_checksums(data)


def nest_boxes(chance: random.Random, data: bytearray) -> None:
    """Wrap what stands at some place into boxes within boxes."""
    at = chance.randrange(len(data))
    inside = bytes(data[at:])
    for _ in range(chance.randint(1, 300)):
        inside = struct.pack(">I", len(inside) + 8) + chance.choice(_NAMES) + inside
    data[at:] = inside


def rename_a_box(chance: random.Random, data: bytearray) -> None:
    """Call a box, or whatever stands there, by another's name."""
    name = chance.choice(_NAMES)
    at = data.find(name)
    at = at if at >= 0 else chance.randrange(len(data))
    data[at : at + 4] = chance.choice(_NAMES)


def spoil_with_good_checksums(chance: random.Random, data: bytearray) -> None:
    """Flip bits and mend a PNG's checksums, so that its decoder gets to see them."""
    flip_bits(chance, data)
    mend_checksums(data)


def mend_checksums(data: bytearray) -> None:
    """Give each chunk of a PNG the checksum of what it holds."""
    at = 8
    while data.startswith(b"\x89PNG") and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            return
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4


SPOILS: tuple[Spoil, ...] = (
    flip_bits,
    flip_bits_of_the_head,
    cut_short,
    lose_a_piece,
    splice,
    repeat_a_piece,
    swap_pieces,
    set_a_field,
    claim_a_size,
    nest_boxes,
    rename_a_box,
    spoil_with_good_checksums,
)


def spoilt(seed: int, number: int) -> bytes:
    """Return the file of that number: each source meets each way of spoiling in turn."""
    chance = random.Random(f"{seed}/{number}")
    data = bytearray(sources()[number % len(sources())])
    first = SPOILS[number // len(sources()) % len(SPOILS)]
    for spoil in (first, *chance.choices(SPOILS, k=chance.choice((0, 0, 1, 2)))):
        if data:
            spoil(chance, data)
    return bytes(data)


def outcome(data: bytes) -> str:
    """Return what became of a file: `rendered`, or the code with which it was refused."""
    try:
        photos.probe(data)
        made = photos.render(data).derivatives
    except photos.UnusablePhoto as refused:
        return refused.code
    return "rendered" if len(made) == len(photos.SIZES) * len(photos.FORMATS) else "incomplete"


def main() -> None:
    """Render the files and say what became of each; anything that is not expected ends it."""
    seed, first, count = map(int, sys.argv[1:4])
    warnings.simplefilter("ignore")
    for number in range(first, first + count):
        began = time.monotonic()
        became = outcome(spoilt(seed, number))
        print(json.dumps([number, became, round(time.monotonic() - began, 3)]), flush=True)
    print(json.dumps(samples.peak_kb()))


if __name__ == "__main__":
    main()
