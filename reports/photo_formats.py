"""What a resident's bytes are: decided by their content alone, before any pixel is allocated."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from pillow_heif import register_heif_opener

# A HEIC file may carry a thumbnail of another picture than the one it shows. With thumbnails on,
# Pillow's draft() could decode that one, and nobody would have looked at what gets published.
register_heif_opener(thumbnails=False)

MEGAPIXEL = 1_000_000

# The bounds keep one decode under 500 MB. HEIC and JPEG may be larger because phones make such
# files, and because their decoders hold less beside the picture than those of the other formats.
MAX_PIXELS = {
    "JPEG": 64 * MEGAPIXEL,
    "HEIF": 64 * MEGAPIXEL,
    "PNG": 24 * MEGAPIXEL,
    "WEBP": 24 * MEGAPIXEL,
    "AVIF": 24 * MEGAPIXEL,
}

# Everything that Pillow and the libraries behind it raise for bad data. It is not `Exception`,
# because a job's time limit is raised into the middle of a decode and says nothing of the photo.
_DECODER_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_NEUTRAL_BRANDS = {b"mif1", b"msf1"}
_WEBP_PICTURE_CHUNKS = {b"VP8 ", b"VP8L", b"ANMF"}


class UnusablePhoto(Exception):
    """The bytes are no photo we can use.

    `code` is one of `empty`, `unsupported_type`, `broken`, `too_many_pixels`; the words a resident
    reads are made from it elsewhere.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class PhotoKind:
    """`decoder` is the name of Pillow's decoder, `media_type` what a client should be told."""

    decoder: str
    media_type: str


@contextmanager
def decoding() -> Iterator[None]:
    """Turns whatever a decoder raises into `UnusablePhoto`."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusablePhoto("too_many_pixels") from error
    except _DECODER_ERRORS as error:
        raise UnusablePhoto("broken") from error


def open_photo(data: bytes) -> tuple[PhotoKind, Image.Image]:
    """What `data` is, and the picture, opened but not decoded.

    The size is within the bounds and, but for a JPEG's scans, the structure is whole to the end.
    Raises `UnusablePhoto`.
    """
    kind = identify(data)
    with decoding():
        if kind.decoder == "PNG":
            _check_png(data)
        elif kind.decoder == "WEBP":
            _check_webp(data)
        elif kind.decoder in {"HEIF", "AVIF"}:
            _check_boxes(data)
        image = Image.open(BytesIO(data), formats=(kind.decoder,))
        _check_pixels(kind.decoder, *image.size)
        if kind.decoder == "JPEG":
            _check_jpeg_end(data, image)
    return kind, image


def identify(data: bytes) -> PhotoKind:
    """The format that the first bytes announce; raises `UnusablePhoto` for any we do not take."""
    if not data:
        raise UnusablePhoto("empty")
    if data.startswith(b"\xff\xd8\xff"):
        return PhotoKind("JPEG", "image/jpeg")
    if data.startswith(_PNG_SIGNATURE):
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


def _check_pixels(decoder: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS[decoder]:
        raise UnusablePhoto("too_many_pixels")


def _check_jpeg_end(data: bytes, image: Image.Image) -> None:
    # A baseline JPEG that lost only its last bytes still decodes. The search starts after the
    # headers, where an embedded thumbnail has an end marker of its own.
    scan_start = image.fp.tell() if isinstance(image.fp, BytesIO) else 0  # type: ignore[attr-defined]
    if data.rfind(b"\xff\xd9", scan_start) < 0:
        raise UnusablePhoto("broken")


def _check_png(data: bytes) -> None:
    """Walks the chunks to IEND; the size is judged at the first of them."""
    view = memoryview(data)
    at = len(_PNG_SIGNATURE)
    seen_pixels = False
    while True:
        length, name = struct.unpack_from(">I4s", view, at)
        body_end = at + 8 + length
        (checksum,) = struct.unpack_from(">I", view, body_end)
        if zlib.crc32(view[at + 4 : body_end]) != checksum:
            raise UnusablePhoto("broken")
        if at == len(_PNG_SIGNATURE):
            if name != b"IHDR":
                raise UnusablePhoto("broken")
            _check_pixels("PNG", *struct.unpack_from(">II", view, at + 8))
        seen_pixels = seen_pixels or name == b"IDAT"
        if name == b"IEND":
            break
        at = body_end + 4
    if not seen_pixels:
        raise UnusablePhoto("broken")


def _check_webp(data: bytes) -> None:
    """Walks the RIFF chunks; the size is judged first, since opening allocates the canvas."""
    _check_pixels("WEBP", *_webp_size(data))
    (riff_length,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff_length
    if end > len(data):
        raise UnusablePhoto("broken")
    at = 12
    seen_pixels = False
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise UnusablePhoto("broken")
        seen_pixels = seen_pixels or name in _WEBP_PICTURE_CHUNKS
        at += 8 + length + length % 2
    if not seen_pixels:
        raise UnusablePhoto("broken")


def _webp_size(data: bytes) -> tuple[int, int]:
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
    raise UnusablePhoto("broken")


def _check_boxes(data: bytes) -> None:
    """Walks the outer boxes of HEIC and AVIF: each must end within the file."""
    names = set()
    at = 0
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        elif length == 0:
            length = len(data) - at
        if length < 8 or at + length > len(data):
            raise UnusablePhoto("broken")
        names.add(name)
        at += length
    if b"mdat" not in names:
        raise UnusablePhoto("broken")
