"""What a resident's bytes are: decided by their content alone, before any pixel is allocated."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import NamedTuple

from PIL import AvifImagePlugin, Image
from pillow_heif import register_heif_opener

from reports.imaging.boxes import walk_avif, walk_heic
from reports.imaging.memory import MAX_BYTES, bytes_to_decode
from reports.imaging.structure import (
    PNG_SIGNATURE,
    Place,
    Sizes,
    walk_jpeg,
    walk_png,
    walk_webp,
)

# A HEIC file may carry a thumbnail of another picture than the one it shows. With thumbnails on,
# Pillow's draft() could decode that one, and nobody would have looked at what gets published.
# Each thread of a decoder has frames and a stack of its own, and by default there are as many as
# the machine has cores.
_THREADS = 2
register_heif_opener(
    decode_threads=_THREADS, thumbnails=False, depth_images=False, aux_images=False
)
AvifImagePlugin.DEFAULT_MAX_THREADS = _THREADS

# Pillow imports these when they are first needed, and a worker forks for each photo: what is here
# before the fork need not be imported after it, photo by photo.
Image.preinit()
for _name in ("WebPImagePlugin", "TiffImagePlugin"):
    import_module(f"PIL.{_name}")

# HEIC and JPEG may be larger than others because phones make such files, and because their decoders
# hold less beside the picture; those of them that need more are told by `photo_memory`. What is
# sold as 64 megapixels has some more or less: a photo may have whatever rounds to the number here.
_MAX_MEGAPIXELS = {"JPEG": 64, "HEIF": 64, "PNG": 24, "WEBP": 24, "AVIF": 24}
_MEGAPIXEL = 1_000_000

# Decoders keep something for every row, and resizing something for every column.
_MAX_SIDE = 65_535

# A file may hold its colours, its transparency and a preview as pictures of their own.
_MAX_LAYERS = 3

# Everything that Pillow and the libraries behind it raise for bad data. It is not `Exception`,
# because a job's time limit is raised into the middle of a decode and says nothing of the photo;
# nor does a lack of memory. Warnings are raised only where they are made errors.
_DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_NEUTRAL_BRANDS = {b"mif1", b"msf1"}

_WALKS: dict[str, Callable[[bytes], Sizes]] = {
    "PNG": walk_png,
    "WEBP": walk_webp,
    "HEIF": walk_heic,
    "AVIF": walk_avif,
}


TOO_MUCH_MEMORY = "too_much_memory"
CODES = ("empty", "unsupported_type", "broken", "too_many_pixels", TOO_MUCH_MEMORY)


class UnusablePhoto(Exception):
    """The bytes are no photo we can use.

    `code` is one of `CODES`; the words that a resident reads are made from it elsewhere.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class PhotoKind:
    """`decoder` is the name of Pillow's decoder, `media_type` what a client should be told."""

    decoder: str
    media_type: str


class OpenPhoto(NamedTuple):
    """A photo of which no pixel has been read; `places` are those of the markers of a JPEG."""

    kind: PhotoKind
    image: Image.Image
    places: Sequence[Place]


@contextmanager
def decoding() -> Iterator[None]:
    """Turn whatever a decoder raises into `UnusablePhoto`."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusablePhoto("too_many_pixels") from error
    except _DECODER_ERRORS as error:
        raise UnusablePhoto("broken") from error


def open_photo(data: bytes) -> OpenPhoto:
    """Return what `data` is, and the picture, opened but not decoded.

    The size and the memory that it takes are within the bounds, and the structure is whole to the
    end. Raises `UnusablePhoto`.
    """
    kind = identify(data)
    places: Sequence[Place] = ()
    with decoding():
        if kind.decoder == "JPEG":
            sizes, places = walk_jpeg(data)
        else:
            sizes = _WALKS[kind.decoder](data)
        _check_pixels(kind.decoder, sizes)
        image = Image.open(BytesIO(data), formats=(kind.decoder,))
        _check_pixels(kind.decoder, [image.size])
        largest = max(width * height for width, height in [image.size, *sizes])
        if bytes_to_decode(kind.decoder, data, image, largest) > MAX_BYTES:
            raise UnusablePhoto(TOO_MUCH_MEMORY)
    return OpenPhoto(kind, image, places)


def identify(data: bytes) -> PhotoKind:
    """Return the format that the first bytes announce, or raise `UnusablePhoto`."""
    if not data:
        raise UnusablePhoto("empty")
    if data.startswith(b"\xff\xd8\xff"):
        return PhotoKind("JPEG", "image/jpeg")
    if data.startswith(PNG_SIGNATURE):
        return PhotoKind("PNG", "image/png")
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return PhotoKind("WEBP", "image/webp")
    if data[4:8] == b"ftyp":
        return _identify_by_brands(data)
    raise UnusablePhoto("unsupported_type")


def _identify_by_brands(data: bytes) -> PhotoKind:
    length = int.from_bytes(data[:4], "big")
    major = data[8:12]
    compatible = {data[at : at + 4] for at in range(16, min(length, len(data), 512), 4)}
    if major in _AVIF_BRANDS or (major in _NEUTRAL_BRANDS and compatible & _AVIF_BRANDS):
        return PhotoKind("AVIF", "image/avif")
    if major in _HEIC_BRANDS or (major in _NEUTRAL_BRANDS and compatible & _HEIC_BRANDS):
        return PhotoKind("HEIF", "image/heic")
    if major in _NEUTRAL_BRANDS:
        return PhotoKind("HEIF", "image/heif")
    raise UnusablePhoto("unsupported_type")


def _check_pixels(decoder: str, sizes: Sequence[tuple[int, int]]) -> None:
    pixels = [width * height for width, height in sizes]
    too_many = _MAX_MEGAPIXELS[decoder] * _MEGAPIXEL + _MEGAPIXEL // 2
    longest = max((max(size) for size in sizes), default=0)
    is_too_large = max(pixels, default=0) >= too_many or sum(pixels) > _MAX_LAYERS * too_many
    if is_too_large or longest > _MAX_SIDE:
        raise UnusablePhoto("too_many_pixels")
