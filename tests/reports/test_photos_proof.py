"""Where the first rows of a JPEG stand for all of it, they are refused exactly when it is."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable
from functools import cache
from io import BytesIO

import pytest
from PIL import Image

from reports import photos
from reports.imaging.formats import decoding, open_photo
from reports.imaging.structure import first_rows, walk_jpeg
from tests.reports import photo_fuzz
from tests.reports import photo_samples as samples

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

Spoil = Callable[[random.Random, bytearray], None]
ROUNDS = 24
SOI, SOS, EOI, DHT, DQT, DNL, DRI = 0xD8, 0xDA, 0xD9, 0xC4, 0xDB, 0xDC, 0xDD
FRAME = b"\xff\xc0"
HEIGHT, WIDTH, SAMPLING = 5, 7, 11


def grain(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a picture that fills as much of a JPEG as can be, made anew the same each time."""
    noise = random.Random(f"{width} {height}").randbytes(width * height)
    return Image.frombytes("L", (width, height), noise).convert(mode)


@cache
def sources() -> tuple[bytes, ...]:
    thumbnail = samples.jpeg(160, 120)
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail
    return (
        samples.jpeg(120, 88, orientation=6, gps=True),
        samples.saved("JPEG", grain(300, 220), quality=95),
        samples.saved("JPEG", grain(640, 480), quality=92, subsampling="4:4:4"),
        samples.saved("JPEG", grain(97, 131), subsampling="4:2:2"),
        samples.saved("JPEG", grain(120, 300, "L"), quality=95, restart_marker_blocks=3),
        samples.saved("JPEG", grain(200, 150), restart_marker_rows=1, exif=exif),
        samples.saved("JPEG", grain(160, 120, "CMYK"), quality=90),
        samples.saved("JPEG", grain(5, 400), keep_rgb=True),
        samples.saved("JPEG", grain(160, 120), optimize=True, comment="x" * 5_000),
        samples.saved("MPO", grain(90, 80), save_all=True, append_images=[grain(90, 80)]),
        samples.jpeg(200, 100) + b"MotionPhoto_Data" + samples.jpeg(64, 48),
        without(samples.saved("JPEG", grain(120, 90)), DHT),
        samples.saved("JPEG", grain(120, 90)).replace(FRAME, b"\xff\xc1"),
    )


def without(data: bytes, marker: int) -> bytes:
    changed = bytearray(data)
    drop(changed, marker, 0)
    return bytes(changed)


def drop(data: bytearray, marker: int, number: int) -> None:
    at = data.find(bytes((0xFF, marker)))
    for _ in range(number):
        at = data.find(bytes((0xFF, marker)), at + 2)
    if 0 <= at <= len(data) - 4:
        del data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]


def head_of(data: bytearray) -> int:
    """Return where the scan's data begin."""
    at = data.rfind(bytes((0xFF, SOS)))
    return max(2, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big"))


def flip_in_a_table(chance: random.Random, data: bytearray) -> None:
    at = data.find(bytes((0xFF, chance.choice((DHT, DQT, 0xC0, SOS)))))
    for _ in range(chance.randint(1, 3)):
        data[min(len(data) - 1, max(0, at) + chance.randint(0, 40))] ^= 1 << chance.randrange(8)


def flip_in_the_scan(chance: random.Random, data: bytearray) -> None:
    start = min(head_of(data), len(data) - 1)
    for _ in range(chance.randint(1, 40)):
        data[chance.randrange(start, len(data))] = chance.choice((0xFF, 0, chance.randrange(256)))


def put_a_marker(chance: random.Random, data: bytearray) -> None:
    """Put a marker, with or without a segment, anywhere from the scan's beginning to its end."""
    at = chance.randrange(min(head_of(data), len(data) - 1), len(data))
    marker = chance.choice((SOI, SOS, EOI, DHT, DQT, DNL, DRI, 0xC0, 0xC2, 0x01, 0xD0, 0xD5, 0xE1))
    marker = chance.choice((marker, chance.randrange(256)))
    segment = chance.choice((b"", b"\0\2", b"\0\4\0\x10", b"\0\x06" + chance.randbytes(4)))
    data[at:at] = bytes((0xFF, marker)) + segment


def repeat_a_segment(chance: random.Random, data: bytearray) -> None:
    """Say a segment of the head again, before the scan or behind it."""
    marker = bytes((0xFF, chance.choice((0xC0, DHT, DQT, SOS))))
    at = data.find(marker)
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    place = chance.choice((at, end, len(data) - 2))
    data[place:place] = data[at:end]


def lose_a_segment(chance: random.Random, data: bytearray) -> None:
    drop(data, chance.choice((0xC0, DHT, DQT, SOS)), chance.randrange(3))


def end_early(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(min(head_of(data) - 4, len(data) - 1), len(data)) :]
    data += bytes((0xFF, EOI))


def claim_a_size(chance: random.Random, data: bytearray) -> None:
    at = data.find(FRAME)
    sides = (0, 1, 8, 31, 32, 33, 72, 300, 65_500, 65_501, 65_535)
    offset = chance.choice((HEIGHT, WIDTH))
    if 0 <= at < len(data) - 20:
        struct.pack_into(">H", data, at + offset, chance.choice(sides))


def claim_sampling(chance: random.Random, data: bytearray) -> None:
    at = data.find(FRAME)
    if 0 <= at < len(data) - 20:
        offset = SAMPLING + 3 * chance.randrange(3)
        data[at + offset] = chance.randrange(6) << 4 | chance.randrange(6)


def claim_another_frame(chance: random.Random, data: bytearray) -> None:
    at = data.find(FRAME)
    if 0 <= at < len(data) - 20:
        data[at + 1] = chance.choice((0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA))
        data[at + 4] = chance.choice((8, 8, 12, 16))


def pad(chance: random.Random, data: bytearray) -> None:
    """Put garbage or fill bytes between segments."""
    at = data.find(bytes((0xFF, chance.choice((0xC0, DHT, DQT, SOS)))))
    filling = (b"\xff" * chance.randint(1, 9), b"\0\1\2", b"\xff\0", b"\xff\xd3", b"\xff\x01")
    data[max(2, at) : max(2, at)] = chance.choice(filling)


SPOILS: tuple[Spoil, ...] = (
    flip_in_a_table,
    flip_in_the_scan,
    put_a_marker,
    repeat_a_segment,
    lose_a_segment,
    end_early,
    claim_a_size,
    claim_sampling,
    claim_another_frame,
    pad,
    photo_fuzz.flip_bits,
    photo_fuzz.flip_bits_of_the_head,
    photo_fuzz.lose_a_piece,
    photo_fuzz.splice,
    photo_fuzz.swap_pieces,
    photo_fuzz.set_a_field,
)


def spoilt(number: int) -> bytes:
    """Return the file of that number: each source meets each way of spoiling in turn."""
    chance = random.Random(f"proof {number}")
    data = bytearray(sources()[number % len(sources())])
    first = SPOILS[number // len(sources()) % len(SPOILS)]
    for spoil in (first, *chance.choices(SPOILS, k=chance.choice((0, 0, 0, 1)))):
        if len(data) > 100:
            spoil(chance, data)
    return bytes(data)


def proved(data: bytes) -> str:
    try:
        photos.probe(data)
    except photos.UnusablePhoto as refused:
        return refused.code
    return "taken"


def decoded(data: bytes) -> str:
    """Return what decoding all of it says."""
    try:
        image = open_photo(data).image
        with decoding():
            image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
    except photos.UnusablePhoto as refused:
        return refused.code
    return "taken"


def by_first_rows(data: bytes) -> bool:
    try:
        return first_rows(data, walk_jpeg(data)[1]) is not None
    except (LookupError, ValueError, struct.error):
        return False


def test_thousands_of_spoilt_jpegs_are_refused_by_their_first_rows_or_not_at_all() -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for number in range(len(sources()) * len(SPOILS) * ROUNDS):
        data = spoilt(number)
        verdict = proved(data)
        assert verdict == decoded(data), number
        seen[verdict, by_first_rows(data)] += 1
    assert min(seen["taken", True], seen["broken", True]) > seen.total() // 10
    assert min(seen["taken", False], seen["broken", False]) > seen.total() // 100


@pytest.mark.parametrize("number", range(10))
def test_what_phones_send_is_proved_by_its_first_rows(number: int) -> None:
    assert by_first_rows(sources()[number])
    assert proved(sources()[number]) == "taken"


def test_every_cut_is_refused_wherever_it_is() -> None:
    whole = samples.saved("JPEG", grain(300, 220), quality=95)
    for length in range(0, len(whole), 997):
        assert proved(whole[:length]) == decoded(whole[:length]) != "taken"


def test_anything_but_one_plain_scan_is_decoded_to_its_end() -> None:
    progressive = samples.jpeg(200, 160, progressive=True)
    small = samples.jpeg(200, 32)
    tall = bytearray(samples.jpeg(64, 96))
    struct.pack_into(">H", tall, tall.index(FRAME) + HEIGHT, 65_501)
    for data in (progressive, small, bytes(tall)):
        assert not by_first_rows(data)
        assert proved(data) == decoded(data)


@pytest.mark.parametrize(
    "between", [b"\xff\xd8", b"\xff\xda\0\2", b"\xff\xc0\0\2", b"\xff\xbf\0\2"]
)
def test_what_must_not_stand_behind_a_scan_is_refused(between: bytes) -> None:
    data = samples.saved("JPEG", grain(300, 220), quality=95)
    spoiled = data[:-2] + between + data[-2:]
    assert proved(spoiled) == decoded(spoiled) == "broken"


def test_only_the_first_rows_of_a_large_photo_are_read() -> None:
    data = samples.saved("JPEG", grain(1600, 1200), quality=90)
    rows = first_rows(data, walk_jpeg(data)[1])
    assert rows is not None
    assert len(rows) < len(data) // 10
    assert Image.open(BytesIO(rows)).size == (1600, 32)
