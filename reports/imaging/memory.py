"""What decoding a photo takes in memory, told from its headers alone.

How a picture is stored matters more than how large it is: of 64 megapixels, one JPEG is decoded row
by row, and another is held whole at six bytes a pixel before its first row is known.
"""

from __future__ import annotations

import re

from PIL import Image

from reports.imaging.structure import JPEG_FRAMES, JPEG_SCAN, jpeg_segments

# A worker's process takes 95 MB before it meets a photo, and 20 MB for what it makes of it: with
# this the whole stays under 500 MB.
MAX_BYTES = 385_000_000

# Ends a process whose photo has lied. It is above what an honest one takes, because the kernel
# counts what is reserved, such as stacks, used or not.
PROCESS_BYTES = 540_000_000

_BLOCK_BYTES = 64 * 2
_SEQUENTIAL_FRAMES = {0xC0, 0xC1}

# A bit in the third byte of AV1's configuration says that samples have more than 8 bits.
_AV1_OF_MORE_BITS = re.compile(rb"av1C..[\x40-\x7f\xc0-\xff]", re.DOTALL)

# Brightness and colours, in samples for each pixel.
_HEIF_SAMPLES = {None: 1.0, 420: 1.5, 422: 2.0, 444: 3.0}


def bytes_to_decode(decoder: str, data: bytes, image: Image.Image, pixels: int) -> int:
    """Return how many bytes a file and its decoder hold at the worst moment, at most.

    `decoder` is the name of Pillow's; `image` is opened, not decoded, and `data` has passed its
    walk; `pixels` are those of the largest picture in it. Raises what a decoder raises where a
    header makes no sense.
    """
    match decoder:
        case "JPEG":
            return len(data) + _jpeg_coefficients(data)
        case "HEIF":
            return len(data) + round(pixels * _heif_bytes_per_pixel(image))
        case "AVIF":
            return len(data) + round(pixels * _avif_bytes_per_pixel(data, image))
        case "WEBP":
            # The canvas, the one before it, and the pixels; the file is copied twice.
            return 3 * len(data) + pixels * 12
        case _:
            return len(data) + pixels * 4


def _jpeg_coefficients(data: bytes) -> int:
    """Only where a single scan brings all there is does libjpeg go row by row."""
    frame: tuple[int, memoryview] | None = None
    for marker, segment in jpeg_segments(data):
        if marker == JPEG_SCAN and frame is not None:
            kind, header = frame
            if kind in _SEQUENTIAL_FRAMES and segment[0] == header[5]:
                return 0
            return _coefficient_bytes(header)
        if marker in JPEG_FRAMES:
            frame = marker, segment
    return 0


def _coefficient_bytes(header: memoryview) -> int:
    height = int.from_bytes(header[1:3], "big")
    width = int.from_bytes(header[3:5], "big")
    factors = [divmod(header[6 + 3 * number + 1], 16) for number in range(header[5])]
    most_across = max(across for across, _ in factors)
    most_down = max(down for _, down in factors)
    blocks = sum(
        -(-width * across // (8 * most_across)) * -(-height * down // (8 * most_down))
        for across, down in factors
    )
    return blocks * _BLOCK_BYTES


def _heif_bytes_per_pixel(image: Image.Image) -> float:
    """Only 4:2:0 of 8 bits becomes interleaved RGB without a second copy of its planes."""
    chroma = image.info.get("chroma")
    with_alpha = image.mode.endswith(("A", "a"))
    sample_bytes = 2 if image.info.get("bit_depth", 8) > 8 else 1
    samples = _HEIF_SAMPLES.get(chroma, 3.0) + with_alpha * 1.5
    channels = 1 if chroma is None else 3 + with_alpha
    copied = samples * (sample_bytes - 1) if chroma in {None, 420} else channels * sample_bytes
    return samples * sample_bytes + copied + channels


def _avif_bytes_per_pixel(data: bytes, image: Image.Image) -> float:
    """Planes, 8-bit pixels twice, and a little that the decoder knows of each block."""
    is_of_8_bits = b"av1C" in data and not _AV1_OF_MORE_BITS.search(data)
    return len(image.mode) * (3.25 if is_of_8_bits else 4)
