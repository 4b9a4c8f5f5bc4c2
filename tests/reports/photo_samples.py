"""Builders of photos for tests, each returning the bytes of a file, and ways of looking at them.

Every picture, when upright, has four quadrants: red, green, blue and white, in reading order;
`quadrants` tells them from a file. Width and height are always those of the upright picture.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from PIL import ExifTags, Image, ImageCms
from pillow_heif import register_heif_opener

from reports import photos

register_heif_opener(thumbnails=False)

UPRIGHT = ("red", "green", "blue", "white")
COLOURS = {"red": (220, 30, 30), "green": (20, 160, 60), "blue": (30, 60, 200)}
COLOURS |= {"white": (250, 250, 250), "black": (0, 0, 0), "grey": (128, 128, 128)}

# What a camera wrote and nobody else may read: no published file may hold any of these.
SECRET = "camera-of-ada"
PRIVATE_MARKS = (SECRET.encode(), b"Exif", b"EXIF", b"xmpmeta", b"ICC_PROFILE", b"ICCP", b"XMP ")
LAT_LON = (48.82, 2.27)

_XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>{SECRET}</note></x:xmpmeta>'.encode()
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return the upright picture."""
    image = Image.new("RGB", (width, height), COLOURS["red"])
    across, down = width // 2, height // 2
    image.paste(COLOURS["green"], (across, 0, width, down))
    image.paste(COLOURS["blue"], (0, down, across, height))
    image.paste(COLOURS["white"], (across, down, width, height))
    return image if mode == "RGB" else image.convert(mode)


def quadrants(data: bytes) -> tuple[str, ...]:
    """Return the name of the colour nearest to the middle of each quadrant, in reading order."""
    image = Image.open(BytesIO(data)).convert("RGB")
    width, height = image.size
    return tuple(
        _name(image.getpixel((width * across // 4, height * down // 4)))
        for down in (1, 3)
        for across in (1, 3)
    )


def published(data: bytes) -> Image.Image:
    """Return the largest picture that is published of a photo."""
    largest = max(photos.render(data).derivatives)
    return Image.open(BytesIO(largest.data)).convert("RGB")


def peak_kb() -> int:
    """Return the most memory that this process has had at once, in kilobytes.

    Unlike the resource usage, it does not begin with what the process that started this one had.
    """
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def _name(found: Any) -> str:
    def distance(name: str) -> int:
        return sum((one - other) ** 2 for one, other in zip(found, COLOURS[name], strict=True))

    return min(COLOURS, key=distance)


def jpeg(
    width: int = 640,
    height: int = 480,
    orientation: int | None = None,
    gps: bool = False,
    comment: str | None = None,
    **options: Any,
) -> bytes:
    """Return a JPEG; `options` go to Pillow's `save`."""
    if comment is not None:
        options["comment"] = comment
    return saved("JPEG", _stored(width, height, orientation), orientation, gps, **options)


def png(
    width: int = 640, height: int = 480, orientation: int | None = None, gps: bool = False
) -> bytes:
    """Return a PNG."""
    return saved("PNG", _stored(width, height, orientation), orientation, gps)


def webp(
    width: int = 640, height: int = 480, orientation: int | None = None, gps: bool = False
) -> bytes:
    """Return a WebP."""
    return saved("WEBP", _stored(width, height, orientation), orientation, gps)


def avif(
    width: int = 640, height: int = 480, orientation: int | None = None, gps: bool = False
) -> bytes:
    """Return an AVIF."""
    image = _stored(width, height, orientation)
    return saved("AVIF", image, orientation, gps, speed=10, max_threads=1)


def heic(
    width: int = 640, height: int = 480, orientation: int | None = None, gps: bool = False
) -> bytes:
    """Return a HEIC."""
    return saved("HEIF", _stored(width, height, orientation), orientation, gps)


def heic_with_gps(width: int = 640, height: int = 480, orientation: int | None = 6) -> bytes:
    """Return a HEIC as an iPhone writes it: turned by its boxes, with a position in its EXIF."""
    return heic(width, height, orientation, gps=True)


def saved(
    format_name: str,
    image: Image.Image,
    orientation: int | None = None,
    gps: bool = False,
    **options: Any,
) -> bytes:
    """Return `image` as a file; with `gps` it tells where, by whom and with what it was taken."""
    if gps:
        options["xmp"] = _XMP
        options["icc_profile"] = srgb_profile()
    exif = _exif(orientation, gps)
    if exif:
        options["exif"] = exif.tobytes()
    out = BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def _stored(width: int, height: int, orientation: int | None) -> Image.Image:
    image = picture(width, height)
    return image.transpose(_STORED[orientation]) if orientation in _STORED else image


def _exif(orientation: int | None, gps: bool) -> Image.Exif:
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    if gps:
        exif[ExifTags.Base.Model] = SECRET
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        place[ExifTags.GPS.GPSLatitudeRef] = "N"
        place[ExifTags.GPS.GPSLatitude] = (48.0, 49.0, 12.0)
        place[ExifTags.GPS.GPSLongitudeRef] = "E"
        place[ExifTags.GPS.GPSLongitude] = (2.0, 16.0, 12.0)
    return exif


def scene(seed: int, width: int = 480, height: int = 360) -> Image.Image:
    """Return a picture that looks like no other: soft patches of light and dark."""
    tones = Random(seed).choices(range(20, 236), k=12 * 9)
    small = Image.new("L", (12, 9))
    small.putdata(tones)
    return small.resize((width, height), Image.Resampling.BICUBIC).convert("RGB")


def shot(
    image: Image.Image,
    latitude: float | None = None,
    longitude: float = 0,
    taken: str | None = None,
    **options: Any,
) -> bytes:
    """Return the picture as a JPEG that says where and when it was taken, as EXIF writes it."""
    exif = Image.Exif()
    if latitude is not None:
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        place[ExifTags.GPS.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
        place[ExifTags.GPS.GPSLatitude] = (abs(latitude), 0.0, 0.0)
        place[ExifTags.GPS.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
        place[ExifTags.GPS.GPSLongitude] = (abs(longitude), 0.0, 0.0)
    if taken is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    out = BytesIO()
    image.save(out, "JPEG", exif=exif.tobytes(), **options)
    return out.getvalue()


def srgb_profile() -> bytes:
    """Return an sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """Return a profile that calls green what sRGB calls red, and the other way round."""
    return (
        srgb_profile()
        .replace(b"rXYZ", b"\0swp")
        .replace(b"gXYZ", b"rXYZ")
        .replace(b"\0swp", b"gXYZ")
    )


def gif() -> bytes:
    """Return a GIF, which no report takes."""
    return saved("GIF", picture(64, 48))


def animated(format_name: str, width: int = 64, height: int = 48) -> bytes:
    """Return an animation in PNG, WEBP or AVIF whose second frame is black."""
    second = Image.new("RGB", (width, height))
    first = picture(width, height)
    return saved(format_name, first, save_all=True, append_images=[second], duration=100)


def truncated_jpeg() -> bytes:
    """Return a JPEG that lost its second half on the way."""
    whole = jpeg(320, 240, quality=95)
    return whole[: len(whole) // 2]


def png_of_16_bits(width: int = 640, height: int = 480) -> bytes:
    """Return a PNG with 16 bits for each of its three colours, which Pillow cannot write."""
    rows = picture(width, height).tobytes()
    stride = width * 3
    wide = b"".join(
        b"\0" + bytes(byte for value in rows[at : at + stride] for byte in (value, value))
        for at in range(0, len(rows), stride)
    )
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(wide)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, body) for name, body in chunks)


def png_bomb() -> bytes:
    """Return a small but whole PNG that asks for 900 megapixels."""
    return png_saying(30_000, 30_000)


def png_saying(width: int, height: int) -> bytes:
    """Return a small but whole PNG that says it has this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(16))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, body) for name, body in chunks)


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpeg_bomb() -> bytes:
    """Return a JPEG whose frame says 65,000 x 65,000 pixels."""
    return with_size_in_frame(jpeg(64, 64), 65_000, 65_000)


def with_size_in_frame(data: bytes, width: int, height: int) -> bytes:
    """Return the JPEG with another size in its header, which is all that is looked at first."""
    changed = bytearray(data)
    at = max(changed.find(b"\xff\xc0"), changed.find(b"\xff\xc2"))
    struct.pack_into(">HH", changed, at + 5, height, width)
    return bytes(changed)


def jpeg_of_many_scans(scans: int, width: int = 64, height: int = 64) -> bytes:
    """Return a progressive JPEG that goes over the picture `scans` times more than it needs."""
    data = jpeg(width, height, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (scans + 1) + data[-2:]


def webp_bomb() -> bytes:
    """Return a WebP whose canvas says 16,384 x 16,384 pixels."""
    return webp_saying(16_384, 16_384)


def webp_saying(width: int, height: int) -> bytes:
    """Return a WebP whose canvas says that it has this size."""
    data = bytearray(animated("WEBP"))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def heic_bomb() -> bytes:
    """Return a HEIC whose boxes say 65,000 x 65,000 pixels."""
    return with_size_in_boxes(heic(64, 64), 65_000, 65_000)


def avif_bomb() -> bytes:
    """Return an AVIF whose boxes say 16,000 x 16,000 pixels."""
    return with_size_in_boxes(avif(64, 64), 16_000, 16_000)


def lying_avif() -> bytes:
    """Return an AVIF whose boxes say 64 x 64 pixels, and its frame 25 million."""
    large = Image.new("L", (5_000, 5_000))
    return with_size_in_boxes(saved("AVIF", large, speed=10, quality=5), 64, 64)


def with_size_in_boxes(data: bytes, width: int, height: int) -> bytes:
    """Return the HEIC or AVIF with another size wherever its boxes say one."""
    changed = bytearray(data)
    at = changed.find(b"ispe")
    while at >= 0:
        struct.pack_into(">II", changed, at + 8, width, height)
        at = changed.find(b"ispe", at + 4)
    return bytes(changed)
