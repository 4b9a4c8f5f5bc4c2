from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from reports import photos
from reports.imaging.formats import open_photo
from tests.reports import photo_samples as samples

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("VIGIE_SAMPLES", ROOT.parent / "shared" / "samples")) / "photos"

BUILDERS: dict[str, Callable[..., bytes]] = {
    "image/jpeg": samples.jpeg,
    "image/png": samples.png,
    "image/webp": samples.webp,
    "image/heic": samples.heic,
    "image/avif": samples.avif,
}
every_format = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)


def refusal(act: Callable[[bytes], object], data: bytes) -> str:
    with pytest.raises(photos.UnusablePhoto) as refused:
        act(data)
    assert refused.value.code in photos.CODES
    return refused.value.code


def refused_by_both(data: bytes) -> str:
    code = refusal(photos.probe, data)
    assert refusal(photos.render, data) == code
    return code


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


@pytest.mark.parametrize("media_type", BUILDERS)
def test_the_content_decides_what_a_photo_is(media_type: str) -> None:
    facts = photos.probe(BUILDERS[media_type](70, 50))
    assert facts == photos.PhotoFacts(media_type, 70, 50)


@every_format
def test_six_derivatives_come_of_one_photo(build: Callable[..., bytes]) -> None:
    rendering = photos.render(build(1001, 667))
    sizes = {(size, kind): size_of(data) for size, kind, data in rendering.derivatives}
    scaled = {1600: (1001, 667), 800: (800, 533), 320: (320, 213)}
    assert sizes == {(size, kind): scaled[size] for size in photos.SIZES for kind in photos.FORMATS}
    formats = {kind: Image.open(BytesIO(data)).format for _, kind, data in rendering.derivatives}
    assert formats == {"jpg": "JPEG", "webp": "WEBP"}
    assert len(rendering.derivatives) == 6


def test_sizes_are_reckoned_from_the_original_and_not_from_each_other() -> None:
    rendering = photos.render(samples.jpeg(3001, 1237))
    sizes = {size: size_of(data) for size, _, data in rendering.derivatives}
    assert sizes == {1600: (1600, 660), 800: (800, 330), 320: (320, 132)}


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (4000, 3), (1600, 1601)])
def test_any_shape_keeps_at_least_a_pixel_and_is_never_enlarged(shape: tuple[int, int]) -> None:
    for size, _, data in photos.render(samples.png(*shape)).derivatives:
        width, height = size_of(data)
        assert max(width, height) == min(size, max(shape))
        assert 1 <= min(width, height) <= min(shape)


@every_format
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_derivative_is_upright_and_tells_nothing_of_the_camera(
    build: Callable[..., bytes], orientation: int
) -> None:
    data = build(352, 200, orientation=orientation, gps=True)
    assert samples.SECRET.encode() in data
    rendering = photos.render(data)
    assert (rendering.width, rendering.height) == (352, 200)
    for derivative in rendering.derivatives:
        assert samples.quadrants(derivative.data) == samples.UPRIGHT
        assert [mark for mark in samples.PRIVATE_MARKS if mark in derivative.data] == []
        image = Image.open(BytesIO(derivative.data))
        assert not image.getexif()
        assert not {"comment", "icc_profile", "exif", "xmp"} & set(image.info)


def test_a_comment_does_not_survive() -> None:
    data = samples.jpeg(comment=samples.SECRET)
    assert samples.SECRET.encode() in data
    for derivative in photos.render(data).derivatives:
        assert samples.SECRET.encode() not in derivative.data


def test_bytes_that_are_no_photo_we_take_are_refused() -> None:
    assert refused_by_both(b"") == "empty"
    others = [
        samples.gif(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><title>photo</title>",
        b"%PDF-1.7",
        b"RIFF\x04\0\0\0WAVE",
        b"\0\0\0\x10ftypisom\0\0\0\0",
        samples.saved("BMP", samples.picture(8, 8)),
        samples.saved("TIFF", samples.picture(8, 8)),
        b"\n" + samples.jpeg(8, 8),
        b"\xff",
    ]
    assert {refused_by_both(other) for other in others} == {"unsupported_type"}


@every_format
def test_a_file_that_was_cut_short_is_refused(build: Callable[..., bytes]) -> None:
    whole = build(320, 240, gps=True)
    for part in (16, len(whole) // 4, len(whole) // 2, len(whole) * 9 // 10, len(whole) - 1):
        assert refused_by_both(whole[:part]) == "broken"


def test_a_jpeg_whose_pixels_stop_is_refused() -> None:
    assert refused_by_both(samples.truncated_jpeg()) == "broken"


def test_what_a_phone_appends_to_a_jpeg_does_no_harm() -> None:
    data = samples.jpeg() + b"MotionPhoto_Data" + samples.SECRET.encode()
    for derivative in photos.render(data).derivatives:
        assert samples.SECRET.encode() not in derivative.data


@pytest.mark.parametrize("media_type", sorted(set(BUILDERS) - {"image/jpeg"}))
def test_a_second_file_behind_the_picture_is_refused(media_type: str) -> None:
    data = BUILDERS[media_type](64, 48)
    assert refused_by_both(data + b"PK\x03\x04 an archive of some sort") == "broken"


def test_a_signature_with_something_else_behind_it_is_refused() -> None:
    for start in (8, 12, 40):
        for build in BUILDERS.values():
            data = build(64, 48)[:start] + b"<script>alert(1)</script>" * 20
            assert refused_by_both(data) in {"broken", "unsupported_type"}


def test_a_flipped_bit_in_a_png_is_refused() -> None:
    data = bytearray(samples.png(64, 48))
    data[data.index(b"IDAT") + 6] ^= 1
    assert refused_by_both(bytes(data)) == "broken"


@pytest.mark.parametrize(
    "bomb",
    [
        samples.jpeg_bomb,
        samples.png_bomb,
        samples.webp_bomb,
        samples.heic_bomb,
        samples.avif_bomb,
        samples.lying_avif,
    ],
)
def test_a_picture_too_large_to_decode_is_refused(bomb: Callable[[], bytes]) -> None:
    assert refused_by_both(bomb()) == "too_many_pixels"


# Sizes that phones and cameras make of the number they are sold with, and the last ones before and
# first ones beyond what rounds to it.
TAKEN_64 = [(9248, 6936), (9216, 6912), (8600, 7499)]
TAKEN_24 = [(6016, 4016), (4999, 4900)]
REFUSED_64 = [(8600, 7500), (9300, 7000)]
REFUSED_24 = [(5000, 4900), (5000, 5000)]


def saying(media_type: str, size: tuple[int, int]) -> bytes:
    match media_type:
        case "image/png":
            return samples.png_saying(*size)
        case "image/webp":
            return samples.webp_saying(*size)
        case "image/jpeg":
            return samples.with_size_in_frame(samples.jpeg(64, 64), *size)
        case _:
            return samples.with_size_in_boxes(BUILDERS[media_type](64, 64), *size)


@pytest.mark.parametrize("media_type", BUILDERS)
def test_whatever_rounds_to_the_megapixels_that_are_taken_is_taken(media_type: str) -> None:
    is_for_phones = media_type in {"image/jpeg", "image/heic"}
    for size in TAKEN_64 if is_for_phones else TAKEN_24:
        kind, image, _ = open_photo(saying(media_type, size))
        assert (kind.media_type, image.size) == (media_type, size)
    for size in REFUSED_64 if is_for_phones else REFUSED_24:
        assert refused_by_both(saying(media_type, size)) == "too_many_pixels"


def test_a_photo_of_64_megapixels_is_proved_and_rendered() -> None:
    data = samples.saved("JPEG", Image.new("RGB", TAKEN_64[0], "red"))
    assert photos.probe(data) == photos.PhotoFacts("image/jpeg", *TAKEN_64[0])
    assert samples.quadrants(samples.saved("PNG", samples.published(data))) == ("red",) * 4


def test_a_jpeg_may_be_larger_than_a_png() -> None:
    large = Image.new("L", (7000, 4000), 90)
    assert photos.probe(samples.saved("JPEG", large)).width == 7000
    assert refusal(photos.probe, samples.saved("PNG", large)) == "too_many_pixels"


def test_a_picture_of_one_endless_row_is_refused() -> None:
    row = Image.new("L", (70_000, 1))
    assert refusal(photos.probe, samples.saved("PNG", row)) == "too_many_pixels"


def test_a_jpeg_that_would_be_decoded_for_hours_is_refused() -> None:
    assert photos.probe(samples.jpeg_of_many_scans(3)).width == 64
    assert refused_by_both(samples.jpeg_of_many_scans(150)) == "broken"


def test_a_file_of_countless_parts_is_refused() -> None:
    png = samples.png(64, 48)
    end = len(png) - 12
    many = png[:end] + samples.png_chunk(b"teXt", b"") * 60_000 + png[end:]
    assert refused_by_both(many) == "broken"
    jpeg = samples.jpeg(64, 48)
    assert refused_by_both(jpeg[:2] + b"\xff\xfe\0\2" * 60_000 + jpeg[2:]) == "broken"
    boxes = samples.avif(64, 48) + b"\0\0\0\x08free" * 60_000
    assert refused_by_both(boxes) == "broken"


PEAK = """
import sys
from pathlib import Path
from reports import photos
from tests.reports.photo_samples import peak_kb
data = Path(sys.argv[1]).read_bytes()
before = peak_kb()
photos.render(data)
print(peak_kb() - before)
"""


def test_a_large_jpeg_is_never_held_at_full_size(tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(samples.saved("JPEG", Image.new("RGB", (9000, 6000), "red")))
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, str(large)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    assert int(ran.stdout) * 1024 < 9000 * 6000 * 3 // 2


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_garbled_exif_spoils_nothing() -> None:
    plain = samples.jpeg(200, 160, orientation=6)
    start = plain.index(b"Exif") + 6
    garbled = plain[: start + 4] + b"\xff" * 8 + plain[start + 12 :]
    assert photos.render(garbled).derivatives


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@every_format
def test_whatever_is_changed_in_a_file_it_renders_or_is_refused(
    build: Callable[..., bytes],
) -> None:
    chance = random.Random(7)
    whole = build(48, 32, orientation=6, gps=True)
    outcomes = set()
    for _ in range(60):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        outcomes.add(outcome(bytes(changed)))
    assert outcomes <= {"rendered", *photos.CODES}
    assert outcomes & set(photos.CODES)


def outcome(data: bytes) -> str:
    try:
        rendering = photos.render(data)
    except photos.UnusablePhoto as refused:
        return refused.code
    return "rendered" if len(rendering.derivatives) == 6 else "incomplete"


def test_the_placeholder_is_a_tiny_picture_of_the_same_shape() -> None:
    placeholder = photos.render(samples.jpeg(1000, 500)).placeholder
    prefix = "data:image/webp;base64,"
    assert placeholder.startswith(prefix)
    assert len(placeholder) < 1000
    tiny = b64decode(placeholder.removeprefix(prefix))
    assert size_of(tiny) == (20, 10)
    assert samples.quadrants(tiny) == samples.UPRIGHT


def bits_apart(one: bytes, other: bytes) -> int:
    first, second = (photos.render(data).perceptual_hash for data in (one, other))
    assert first is not None
    assert second is not None
    assert -(1 << 63) <= min(first, second) <= max(first, second) < 1 << 63
    return bin((first ^ second) & (1 << 64) - 1).count("1")


def test_the_perceptual_hash_is_near_for_the_same_picture_only() -> None:
    slope = Image.linear_gradient("L").rotate(90)
    one = samples.saved("JPEG", slope, quality=95)
    smaller = samples.saved("WEBP", slope.resize((180, 180)), quality=40)
    assert bits_apart(one, smaller) <= 6
    assert bits_apart(one, samples.saved("PNG", slope.rotate(180))) >= 20


def test_a_picture_of_one_tone_has_no_perceptual_hash() -> None:
    assert photos.render(samples.saved("PNG", Image.new("L", (90, 60), 7))).perceptual_hash is None


def test_real_photos_render_upright_and_without_metadata() -> None:
    found = sorted(path for path in SAMPLES.glob("*.*") if path.is_file())
    if not found:
        pytest.skip("no real photos: point VIGIE_SAMPLES at a folder that holds photos/")
    shapes: dict[str, set[bool]] = {}
    for path in found:
        data = path.read_bytes()
        photos.probe(data)
        rendering = photos.render(data)
        for size, _, derivative in rendering.derivatives:
            width, height = size_of(derivative)
            assert max(width, height) <= size
            assert (width >= height) == (rendering.width >= rendering.height)
            assert [mark for mark in samples.PRIVATE_MARKS if mark in derivative] == []
        if series := re.match(r"(Landscape|Portrait)_\d", path.name):
            is_wide = rendering.width > rendering.height
            shapes.setdefault(series[1], set()).add(is_wide)
    for series_name, wide in shapes.items():
        assert wide == {series_name == "Landscape"}
