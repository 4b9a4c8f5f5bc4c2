"""Every way of storing a picture is read: colours, depths, transparency, profiles, frames."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageChops
from pillow_heif import from_bytes

from reports import photos
from tests.reports import photo_samples as samples


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "RGBA"])
def test_every_way_of_storing_colours_is_read(mode: str) -> None:
    image = samples.picture(400, 300, mode)
    shown = samples.published(samples.saved("JPEG" if mode == "CMYK" else "PNG", image))
    assert samples.quadrants(samples.saved("PNG", shown)) == samples.UPRIGHT


def test_a_palette_is_read() -> None:
    shown = samples.published(samples.saved("PNG", samples.picture(400, 300).quantize(4)))
    assert samples.quadrants(samples.saved("PNG", shown)) == samples.UPRIGHT


@pytest.mark.fault(22)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
def test_every_way_of_storing_greys_is_read(mode: str) -> None:
    greys = samples.picture(400, 300, "L")
    if mode == "I;16":
        image = greys.convert("I").point(lambda value: value * 257).convert("I;16")
    else:
        image = greys.convert(mode)
    shown = samples.published(samples.saved("PNG", image)).resize((2, 2), Image.Resampling.BOX)
    expected = greys.resize((2, 2), Image.Resampling.BOX)
    for found, wanted in zip(shown.convert("L").tobytes(), expected.tobytes(), strict=True):
        assert abs(found - wanted) <= 3


def test_a_colour_of_sixteen_bits_is_read() -> None:
    width, height = 40, 30
    sample = struct.pack(">HHH", 220 << 8, 30 << 8, 30 << 8)
    rows = (b"\0" + sample * width) * height
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(samples.png_chunk(*chunk) for chunk in chunks)
    assert samples.quadrants(samples.saved("PNG", samples.published(data))) == ("red",) * 4


@pytest.mark.parametrize("chroma", [420, 422, 444])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_heic_of_ten_bits_is_read(chroma: int, mode: str) -> None:
    eight = samples.picture(128, 96, mode).tobytes()
    sixteen = b"".join(bytes((0, value)) for value in eight)
    out = BytesIO()
    from_bytes(f"{mode};16", (128, 96), sixteen).save(out, chroma=chroma)
    shown = samples.published(out.getvalue())
    assert samples.quadrants(samples.saved("PNG", shown)) == samples.UPRIGHT


def test_a_heic_of_tiles_is_read() -> None:
    data = samples.saved("HEIF", samples.picture(300, 200), tile_size=64)
    assert samples.quadrants(samples.saved("PNG", samples.published(data))) == samples.UPRIGHT


def test_of_several_pictures_in_a_jpeg_the_first_is_shown() -> None:
    black = Image.new("RGB", (64, 48))
    data = samples.saved("MPO", samples.picture(64, 48), save_all=True, append_images=[black])
    assert photos.probe(data).media_type == "image/jpeg"
    for derivative in photos.render(data).derivatives:
        assert samples.quadrants(derivative.data) == samples.UPRIGHT


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("shape", [(100, 100), (5000, 240)])
def test_transparency_becomes_white(format_name: str, shape: tuple[int, int]) -> None:
    clear = Image.new("RGBA", shape, (0, 0, 0, 0))
    shown = samples.published(samples.saved(format_name, clear))
    assert shown.getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("format_name", ["PNG", "HEIF", "JPEG"])
def test_a_large_picture_is_scaled_without_seams(format_name: str) -> None:
    waves = Image.new("L", (5003, 1207))
    slope = Image.linear_gradient("L").resize((5003, 201))
    for number in range(6):
        flipped = slope.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if number % 2 else slope
        waves.paste(flipped, (0, number * 201))
    shown = samples.published(samples.saved(format_name, waves)).convert("L")
    assert shown.size == (1600, 386)
    wanted = waves.resize(shown.size, Image.Resampling.LANCZOS)
    difference = ImageChops.difference(shown, wanted)
    rows = difference.resize((1, 386), Image.Resampling.BOX).tobytes()
    columns = difference.resize((1600, 1), Image.Resampling.BOX).tobytes()
    assert max(rows) <= 8
    assert max(columns) <= 8


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = samples.picture(80, 60).quantize(4)
    corner = image.getpixel((0, 0))
    shown = samples.published(samples.saved("PNG", image, transparency=corner))
    assert shown.getpixel((20, 15)) == (255, 255, 255)
    assert samples.quadrants(samples.saved("PNG", shown))[1:] == samples.UPRIGHT[1:]


@pytest.mark.fault(22)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_colours_are_converted_by_their_profile(format_name: str) -> None:
    data = samples.saved(
        format_name, samples.picture(200, 160), icc_profile=samples.swapped_profile()
    )
    for derivative in photos.render(data).derivatives:
        assert samples.quadrants(derivative.data)[:2] == ("green", "red")


@pytest.mark.parametrize("profile", [b"no profile at all", samples.srgb_profile()[:200]])
def test_a_profile_that_cannot_be_read_is_as_good_as_none(profile: bytes) -> None:
    data = samples.saved("JPEG", samples.picture(200, 160), icc_profile=profile)
    assert samples.quadrants(samples.saved("PNG", samples.published(data))) == samples.UPRIGHT


def test_a_profile_of_another_colour_space_is_as_good_as_none() -> None:
    data = samples.saved(
        "PNG", samples.picture(200, 160, "L"), icc_profile=samples.swapped_profile()
    )
    assert samples.published(data).size == (200, 160)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "AVIF"])
def test_the_first_frame_of_an_animation_is_shown(format_name: str) -> None:
    for derivative in photos.render(samples.animated(format_name)).derivatives:
        assert samples.quadrants(derivative.data) == samples.UPRIGHT
