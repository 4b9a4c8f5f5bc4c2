"""Photos: three sizes of a 12-megapixel JPEG, against Pillow's plain way and ImageMagick's best.

Each side runs in processes of its own, in turn with the others. CPU and memory are what the kernel
counted for the whole of them, Python's start included; so a process of ours and of plain Pillow's
makes several photos one after the other, as a worker finds Python already started. ImageMagick
starts anew for each photo, which is its best: it takes next to nothing.

Likeness is structural similarity to a reference that no encoder has touched: all pixels, upright,
by Lanczos.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import ExifTags, Image, ImageOps
from skimage.metrics import structural_similarity

from bench.tools.verdict import Ratio, conclude
from reports.photos import FORMATS, JPEG_OPTIONS, SIZES, WEBP_OPTIONS, Format

ROUNDS = 3
PHOTOS = 8
# As a phone stores it: on its side, with a word on how to turn it.
STORED = (4032, 3024)
TURNED_RIGHT = 6
LARGEST_FIRST = tuple(sorted(SIZES, reverse=True))
LIKENESS_LOST = 0.01
JPEG: tuple[Format, ...] = ("jpg",)
ROOT = Path(__file__).resolve().parents[1]

OURS = """
import sys
from pathlib import Path
from reports import photos

source, out, repeats, _, *formats = sys.argv[1:]
for _ in range(int(repeats)):
    for made in photos.render(Path(source).read_bytes(), formats).derivatives:
        Path(out, f"{made.size}.{made.format}").write_bytes(made.data)
"""

PLAIN_PILLOW = """
import json, sys
from pathlib import Path
from PIL import Image, ImageOps

source, out, repeats, told, *formats = sys.argv[1:]
sizes, options = json.loads(told)
for _ in range(int(repeats)):
    for size in sizes:
        with Image.open(source) as stored:
            image = ImageOps.exif_transpose(stored)
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
        for format in formats:
            image.save(Path(out, f"{size}.{format}"), exif=b"", **options[format])
"""

# A process starts with its parent's peak as its own: the parent has to be small.
COUNTING = """
import os, sys
count, *command = sys.argv[1:]
cpu_s = peak_kb = 0
for _ in range(int(count)):
    _, status, used = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
    if status:
        sys.exit(1)
    cpu_s += used.ru_utime + used.ru_stime
    peak_kb = max(peak_kb, used.ru_maxrss)
print(cpu_s, peak_kb)
"""


@dataclass
class Side:
    """A way of making the derivatives, and what the kernel counted for it in each round.

    `starts` is how many processes make the `PHOTOS` of a round. CPU is for one photo.
    """

    name: str
    command: Sequence[str]
    starts: int
    formats: tuple[Format, ...]
    out: Path
    cpu_ms: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Make the derivatives of all photos of a round."""
        counted = subprocess.run(
            [sys.executable, "-S", "-c", COUNTING, str(self.starts), *self.command],
            env={**os.environ, "PYTHONPATH": str(ROOT), "MAGICK_THREAD_LIMIT": "1"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        cpu_s, peak_kb = map(float, counted.stdout.split())
        self.cpu_ms.append(cpu_s * 1000 / PHOTOS)
        self.peak_mb.append(peak_kb / 1000)

    def likeness(self, references: dict[int, Image.Image]) -> list[float]:
        """Return how like the references its files are, file by file."""
        return [
            similarity(Image.open(self.out / f"{size}.{name}"), references[size])
            for size in SIZES
            for name in self.formats
        ]


def in_python(name: str, program: str, formats: tuple[Format, ...], folder: Path) -> Side:
    """Return a side that is a Python program."""
    out = folder / name
    out.mkdir()
    told = json.dumps([SIZES, {"jpg": JPEG_OPTIONS, "webp": WEBP_OPTIONS}])
    source = str(folder / "photo.jpg")
    command = [sys.executable, "-c", program, source, str(out), str(PHOTOS), told, *formats]
    return Side(name, command, 1, formats, out)


def imagemagick(folder: Path) -> Iterator[Side]:
    """Yield ImageMagick at its best, if it is here: hinted, one process, each from the last."""
    program = shutil.which("magick") or shutil.which("convert-im6.q16")
    if program is None:
        return
    out = folder / "ImageMagick"
    out.mkdir()
    steps = [
        part
        for size in LARGEST_FIRST
        for part in ("-resize", f"{size}x{size}", "-write", str(out / f"{size}.jpg"))
    ]
    command = [
        *(program, "-define", f"jpeg:size={LARGEST_FIRST[0]}x{LARGEST_FIRST[0]}"),
        *(str(folder / "photo.jpg"), "-auto-orient", "-strip", "-sampling-factor", "4:2:0"),
        *("-interlace", "none", "-quality", str(JPEG_OPTIONS["quality"]), *steps, "null:"),
    ]
    yield Side("ImageMagick", command, PHOTOS, JPEG, out)


def photo() -> bytes:
    """Return a JPEG with what makes photos hard: noise at every scale, gradients and edges."""
    chance = np.random.default_rng(12)
    width, height = STORED
    picture = np.zeros((height, width, 3), np.float32)
    for scale in (1, 2, 8, 32, 128, 512):
        grain = chance.normal(0, 4 + scale**0.5, (height // scale + 2, width // scale + 2, 3))
        coarse = Image.fromarray((grain * 4 + 128).clip(0, 255).astype(np.uint8))
        fine = coarse.resize(STORED, Image.Resampling.BICUBIC)
        picture += (np.asarray(fine, np.float32) - 128) / 4
    down, across = np.mgrid[0:height, 0:width]
    for _ in range(60):
        x, y, radius = (
            chance.integers(0, width),
            chance.integers(0, height),
            chance.integers(40, 500),
        )
        inside = (across - x) ** 2 + (down - y) ** 2 < radius**2
        picture[inside] += chance.normal(0, 40, 3)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = TURNED_RIGHT
    out = BytesIO()
    image = Image.fromarray((picture + 120).clip(0, 255).astype(np.uint8))
    image.save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()


def similarity(made: Image.Image, reference: Image.Image) -> float:
    """Return the structural similarity of two pictures; 0 when their sizes differ."""
    if made.size != reference.size:
        return 0.0
    first, second = (np.asarray(image.convert("L")) for image in (made, reference))
    likeness: float = structural_similarity(first, second)  # type: ignore[no-untyped-call]
    return likeness


def references(source: Path) -> dict[int, Image.Image]:
    """Return the photo in each size, scaled from all its pixels."""
    upright = ImageOps.exif_transpose(Image.open(source))
    return {
        size: ImageOps.contain(upright, (size, size), Image.Resampling.LANCZOS) for size in SIZES
    }


def lost(ours: Side, plain: Side, wanted: dict[int, Image.Image]) -> float:
    """Return how much less like the references ours are than plain Pillow's, at most."""
    pairs = zip(ours.likeness(wanted), plain.likeness(wanted), strict=True)
    return max(theirs - own for own, theirs in pairs)


def compare(folder: Path) -> int:
    """Run all sides in turn and return the exit status."""
    (folder / "photo.jpg").write_bytes(photo())
    ours = in_python("ours", OURS, JPEG, folder)
    plain = in_python("plain Pillow", PLAIN_PILLOW, JPEG, folder)
    ours_both = in_python("ours with WebP", OURS, FORMATS, folder)
    plain_both = in_python("plain Pillow with WebP", PLAIN_PILLOW, FORMATS, folder)
    magick = list(imagemagick(folder))
    sides = [ours, plain, ours_both, plain_both, *magick]
    for _ in range(ROUNDS):
        for side in sides:
            side.run()
    wanted = references(folder / "photo.jpg")
    for side in sides:
        print(f"likeness, {side.name}: {' '.join(f'{one:.4f}' for one in side.likeness(wanted))}")
    losses = [lost(ours, plain, wanted), lost(ours_both, plain_both, wanted)]
    ratios = [
        Ratio("CPU, three JPEGs", plain.name, "ms", ours.cpu_ms, plain.cpu_ms, 0.30),
        *(
            Ratio("CPU, three JPEGs", one.name, "ms", ours.cpu_ms, one.cpu_ms, 0.55)
            for one in magick
        ),
        Ratio("CPU, with WebP", plain_both.name, "ms", ours_both.cpu_ms, plain_both.cpu_ms, 0.35),
        Ratio("peak memory", plain.name, "MB", ours.peak_mb, plain.peak_mb, 0.5),
        Ratio("likeness lost", "what may be", "of SSIM", [max(losses)], [LIKENESS_LOST], 1),
    ]
    status = conclude(ratios)
    if not magick:
        print("ImageMagick is missing (Debian: imagemagick), so its bound counts as MISSED")
        return 1
    return status


def main() -> int:
    """Compare in a folder that goes away, and return the exit status."""
    with TemporaryDirectory() as place:
        return compare(Path(place))


if __name__ == "__main__":
    sys.exit(main())
