"""Photos: proving what arrived, and rebuilding from its pixels what the public may see.

Bytes in, bytes out; nothing here knows of rows, files or queues.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal, NamedTuple

from PIL import ExifTags, Image, ImageCms

from reports.imaging.formats import CODES, TOO_MUCH_MEMORY, UnusablePhoto, decoding, open_photo
from reports.imaging.proof import prove_jpeg

__all__ = [
    "CODES",
    "FORMATS",
    "JPEG_OPTIONS",
    "SIZES",
    "TOO_MUCH_MEMORY",
    "WEBP_OPTIONS",
    "Derivative",
    "PhotoFacts",
    "Rendering",
    "UnusablePhoto",
    "probe",
    "render",
]

Size = Literal[320, 800, 1600]
Format = Literal["jpg", "webp"]
SIZES: tuple[Size, ...] = (320, 800, 1600)
FORMATS: tuple[Format, ...] = ("jpg", "webp")

# A progressive JPEG would be 4 % smaller and take more than twice as long. The next method of WebP
# saves 6 % for half as much time again.
JPEG_OPTIONS = {"quality": 80, "optimize": True}
WEBP_OPTIONS = {"quality": 75, "method": 1}

_PLACEHOLDER_SIZE = 20
_TONES_OF_A_PICTURE = 4
_SRGB = ImageCms.createProfile("sRGB")
# Averaging down to one and a half times the target before the good filter looks the same as the
# good filter alone, and costs a fraction of its time.
_REDUCING_GAP = 1.5
# The first step is between one and three times, where this filter takes half of what a bicubic one
# does and cannot be told from it. The next ones are two times and more: averaging comes first, and
# what is left of the way is short enough for the best filter.
_FIRST_FILTER = Image.Resampling.HAMMING
_NEXT_FILTER, _NEXT_GAP = Image.Resampling.LANCZOS, 1.0
_BAND_PIXELS = 2_000_000
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = {5, 6, 7, 8}


@dataclass(frozen=True)
class PhotoFacts:
    """What a file is, without its pixels having been read.

    `media_type` is `image/jpeg`, `image/png`, `image/webp`, `image/heic`, `image/heif` or
    `image/avif`. `width` and `height` are in pixels as stored, before the turn that its EXIF asks
    for; `Rendering` has those of the upright picture.
    """

    media_type: str
    width: int
    height: int


class Derivative(NamedTuple):
    """One file to publish; `size` bounds its longer side, in pixels."""

    size: Size
    format: Format
    data: bytes


@dataclass(frozen=True)
class Rendering:
    """What is published of one photo.

    `derivatives` are one of each of `SIZES` in each of the formats. `placeholder` is a `data:` URI
    of a few hundred characters. `perceptual_hash` fits a signed 64-bit column; the number of bits
    in which two hashes differ says how unlike the pictures are; it is None for a picture of a
    single tone, which is like every other such picture. `width` and `height` are those of the
    upright original, in pixels.
    """

    derivatives: tuple[Derivative, ...]
    placeholder: str
    perceptual_hash: int | None
    width: int
    height: int


class _Pixels(NamedTuple):
    """A decoded picture; `raw_mode` is how Pillow calls its layout, `stride` a row's bytes."""

    data: memoryview
    size: tuple[int, int]
    mode: str
    raw_mode: str
    stride: int


def probe(data: bytes) -> PhotoFacts:
    """Prove that `data` is a whole photo of a format and size we take, without a full decode.

    Raises `UnusablePhoto`.
    """
    kind, image, places = open_photo(data)
    width, height = image.size
    if kind.decoder == "JPEG":
        # A JPEG's scans carry no lengths or checksums: only decoding shows that they can be read.
        with decoding():
            prove_jpeg(data, image, places)
    return PhotoFacts(kind.media_type, width, height)


def render(data: bytes, formats: Sequence[Format] = FORMATS) -> Rendering:
    """Return upright sRGB derivatives without any metadata, decoded once.

    Raises `UnusablePhoto`.
    """
    smaller, upright = _decode(data)
    derivatives = []
    for size in reversed(SIZES):
        smaller = _shrink(smaller, _fit(upright, size))
        derivatives += [Derivative(size, name, _ENCODERS[name](smaller)) for name in formats]
    return Rendering(tuple(derivatives), _placeholder(smaller), _perceptual_hash(smaller), *upright)


def _decode(data: bytes) -> tuple[Image.Image, tuple[int, int]]:
    """The picture for the largest derivative, and the size of the upright original."""
    kind, image, _ = open_photo(data)
    width, height = image.size
    target = _fit(image.size, max(SIZES))
    with decoding():
        if kind.decoder in _AT_ONCE:
            small = _scale_pixels(_AT_ONCE[kind.decoder](image), target)
        else:
            small = _scale(image, target)
        # A PNG tells its orientation and its profile only once its pixels have been read.
        orientation, profile = _orientation(image), image.info.get("icc_profile")
        # What is not needed any more would add to the peak.
        del image
        largest = _to_plain_srgb(small, profile)
        del small
    if orientation in _UPRIGHT:
        largest = largest.transpose(_UPRIGHT[orientation])
    if orientation in _QUARTER_TURNS:
        width, height = height, width
    return largest, (width, height)


def _fit(original: tuple[int, int], size: int) -> tuple[int, int]:
    """`original` scaled to `size` on its longer side, never enlarged.

    Reckoned from the original each time, so that rounding does not add up along the chain.
    """
    width, height = original
    longer = max(width, height)
    if longer <= size:
        return original
    return max(1, round(width * size / longer)), max(1, round(height * size / longer))


def _shrink(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    if image.size == target:
        return image
    return image.resize(target, _NEXT_FILTER, reducing_gap=_NEXT_GAP)


def _scale(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    # A JPEG can be decoded at a half, a quarter or an eighth. The reduced picture is rounded up to
    # whole pixels; the box is the part of it that the original really covers.
    drafted = image.draft(None, target)
    _, covered = drafted or (image.mode, (0, 0, float(image.width), float(image.height)))
    image.load()

    def band(top: int, bottom: int) -> Image.Image:
        is_whole = (top, bottom) == (0, image.height)
        return image if is_whole else image.crop((0, top, image.width, bottom))

    return _scale_in_bands(band, image.size, covered, target)


def _scale_pixels(pixels: _Pixels, target: tuple[int, int]) -> Image.Image:
    width, height = pixels.size

    def band(top: int, bottom: int) -> Image.Image:
        rows = bytes(pixels.data[top * pixels.stride : bottom * pixels.stride])
        size = (width, bottom - top)
        return Image.frombuffer(pixels.mode, size, rows, "raw", pixels.raw_mode, pixels.stride, 1)

    return _scale_in_bands(band, pixels.size, (0, 0, float(width), float(height)), target)


# Through `load` of these three the whole picture would be held once more, by Pillow beside what the
# decoder made of it, and the decoder until the image goes. So their decoders are asked directly.


def _decode_heif(image: Image.Image) -> _Pixels:
    file = vars(image)["_heif_file"]
    picture = file[file.primary_index]
    # The size and the stride are known for sure once the pixels are.
    pixels = memoryview(picture.data)
    return _Pixels(pixels, picture.size, picture.mode, picture.mode, picture.stride)


def _decode_webp(image: Image.Image) -> _Pixels:
    decoder = vars(image).pop("_decoder")
    raw_mode = vars(image)["rawmode"]
    # It gives None in place of a frame that it cannot decode.
    pixels, _ = decoder.get_next()
    return _Pixels(memoryview(pixels), image.size, image.mode, raw_mode, 4 * image.width)


def _decode_avif(image: Image.Image) -> _Pixels:
    pixels, *_ = vars(image).pop("_decoder").get_frame(0)
    stride = len(image.mode) * image.width
    return _Pixels(memoryview(pixels), image.size, image.mode, image.mode, stride)


_AT_ONCE: dict[str, Callable[[Image.Image], _Pixels]] = {
    "HEIF": _decode_heif,
    "WEBP": _decode_webp,
    "AVIF": _decode_avif,
}


def _scale_in_bands(
    band: Callable[[int, int], Image.Image],
    size: tuple[int, int],
    covered: tuple[float, float, float, float],
    target: tuple[int, int],
) -> Image.Image:
    """The part `covered` of a picture of `size`, scaled to `target`.

    `band(top, bottom)` gives some rows of it. It is averaged down by a whole number first, one band
    at a time, so that no second full-size copy (for a palette, for transparency) ever exists.
    """
    width, height = size
    factor = max(1, int(min(width / target[0], height / target[1]) / _REDUCING_GAP))
    if factor == 1:
        reduced = _resizable(band(0, height))
    else:
        rows = factor * max(1, _BAND_PIXELS // (width * factor))
        first = _resizable(band(0, 1))
        reduced = Image.new(first.mode, (-(-width // factor), -(-height // factor)))
        for top in range(0, height, rows):
            strip = _resizable(band(top, min(top + rows, height)))
            reduced.paste(strip.reduce(factor), (0, top // factor))
    if factor == 1 and size == target:
        return reduced
    left, upper, right, lower = (edge / factor for edge in covered)
    return reduced.resize(target, _FIRST_FILTER, box=(left, upper, right, lower))


def _resizable(image: Image.Image) -> Image.Image:
    """`image` in a mode whose neighbouring values may be averaged."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data and image.mode not in {"LA", "RGBA"}:
        return image.convert("RGBA")
    if image.mode == "P":
        return image.convert("RGB")
    if image.mode == "1":
        return image.convert("L")
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8.

    HEIC and AVIF turn by their own boxes. libheif has turned the pixels already and its plugin
    sets the tag to 1; Pillow's AVIF decoder leaves the pixels and writes the boxes into the tag.
    """
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (LookupError, OSError, SyntaxError, TypeError, ValueError):
        return 1


def _to_plain_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An RGB picture on white that has nothing of `image` but its looks."""
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    if image.mode in {"LA", "RGBA"}:
        image = image.convert(image.mode.removesuffix("A"))
    plain = _to_srgb(image, profile)
    if alpha is not None:
        canvas = Image.new("RGB", image.size, "white")
        canvas.paste(plain, mask=alpha)
        return canvas
    # What the camera wrote is in here, and an encoder would take it from here.
    plain.info = {}
    return plain


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(BytesIO(profile)), _SRGB, outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            # A profile that cannot be read, or is of another colour space, is as good as none.
            converted = None
        if converted is not None:
            return converted
    return image if image.mode == "RGB" else image.convert("RGB")


def _encode_jpeg(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", **JPEG_OPTIONS)
    return out.getvalue()


def _encode_webp(image: Image.Image, quality: int = WEBP_OPTIONS["quality"]) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", **WEBP_OPTIONS | {"quality": quality})
    return out.getvalue()


_ENCODERS: dict[Format, Callable[[Image.Image], bytes]] = {
    "jpg": _encode_jpeg,
    "webp": _encode_webp,
}


def _placeholder(image: Image.Image) -> str:
    tiny = image.resize(_fit(image.size, _PLACEHOLDER_SIZE), Image.Resampling.BOX)
    return "data:image/webp;base64," + b64encode(_encode_webp(tiny, quality=30)).decode("ascii")


def _perceptual_hash(image: Image.Image) -> int | None:
    """One bit for each pixel of an 8 x 8 picture: is its right neighbour brighter (a "dHash")?"""
    grey = image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    if max(grey) - min(grey) < _TONES_OF_A_PICTURE:
        return None
    bits = 0
    for row in range(8):
        for column in range(8):
            at = row * 9 + column
            bits = bits << 1 | (grey[at] < grey[at + 1])
    return bits - (1 << 64) if bits >= 1 << 63 else bits
