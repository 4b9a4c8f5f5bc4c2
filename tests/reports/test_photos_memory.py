"""No photo that is taken in takes a worker's process over its bound, nor one that lies of itself.

The files in `large/` are of one colour, and stored in ways that Pillow cannot write in a test's
time, or at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from reports import photos
from reports.imaging import memory
from tests.reports import photo_samples as samples
from tests.stack import ROOT

LARGE = Path(__file__).parent / "large"
# A worker may take 500, and holds up to 10 more than this for its connection and its storage.
MOST_MB = 490
JPEG_64 = (9280, 6950)
JPEG_OF_FULL_COLOUR = (9000, 6900)
OTHER_24 = (6050, 4049)

# Each file is rendered as a worker does it: in a fork of a process that has loaded everything.
HORSE = """
import json, os, sys
from pathlib import Path
from infra import memory
from infra.queue import QueueName
from reports import photos
from reports.imaging.memory import PROCESS_BYTES
from workers import process, queues

queues.load_jobs(QueueName.PHOTOS)

def outcome(path):
    memory.bound(PROCESS_BYTES)
    try:
        photos.render(Path(path).read_bytes())
    except photos.UnusablePhoto as refused:
        return refused.code
    return "rendered"

told = {}
for path in sys.argv[1:]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, outcome(path).encode())
        os._exit(0)
    os.close(writer)
    _, status, used = os.wait4(child, 0)
    peak_mb = used.ru_maxrss * 1024 // 1_000_000
    told[Path(path).name] = [os.read(reader, 100).decode(), status, peak_mb]
print(json.dumps(told))
"""


def rendered_by_a_worker(*paths: Path) -> dict[str, list[object]]:
    ran = subprocess.run(
        [sys.executable, "-c", HORSE, *map(str, paths)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    told: dict[str, list[object]] = json.loads(ran.stdout)
    return told


def test_the_costliest_photos_that_are_taken_stay_under_the_bound(tmp_path: Path) -> None:
    files = {
        "progressive-turned.jpg": samples.saved(
            "JPEG",
            Image.new("RGB", JPEG_OF_FULL_COLOUR, "red"),
            orientation=6,
            progressive=True,
            subsampling="4:4:4",
        ),
        "wide-gamut.png": samples.saved(
            "PNG",
            Image.new("RGBA", OTHER_24, "red"),
            compress_level=1,
            icc_profile=samples.swapped_profile(),
        ),
        "lossless.webp": samples.saved(
            "WEBP", Image.new("RGBA", OTHER_24, (9, 9, 9, 99)), lossless=True, method=0
        ),
        "clear.avif": samples.saved(
            "AVIF",
            Image.new("RGBA", OTHER_24, (9, 9, 9, 99)),
            subsampling="4:4:4",
            speed=10,
            quality=5,
        ),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    honest = [path for path in LARGE.iterdir() if not path.name.startswith("lying")]

    told = rendered_by_a_worker(*tmp_path.iterdir(), *honest)

    assert {name: ending for name, (ending, *_) in told.items()} == dict.fromkeys(told, "rendered")
    assert {name: peak for name, (*_, peak) in told.items() if int(str(peak)) > MOST_MB} == {}
    assert len(told) == len(files) + len(honest)


def test_a_photo_that_lies_of_what_it_takes_ends_at_the_bound() -> None:
    # libheif refuses it, or, where even an error would take memory, does not live to say so. The
    # job is then taken up again, and given up like that of every photo that ends its worker.
    told = rendered_by_a_worker(LARGE / "lying-444-10-bit.heic")
    ((ending, status, peak_mb),) = told.values()
    assert ending == "broken" or status != 0
    assert int(str(peak_mb)) * 1_000_000 <= memory.PROCESS_BYTES


@pytest.mark.parametrize("act", [photos.probe, photos.render])
def test_what_cannot_be_opened_within_the_bound_is_refused_by_name(
    act: Callable[[bytes], object],
) -> None:
    cmyk = samples.saved("JPEG", samples.picture(64, 48, "CMYK"), progressive=True)
    for data in (
        samples.with_size_in_frame(cmyk, *JPEG_64),
        samples.with_size_in_boxes(
            samples.saved("HEIF", samples.picture(64, 64), chroma=444), *JPEG_64
        ),
        samples.with_size_in_boxes(
            samples.saved("HEIF", samples.picture(64, 64, "RGBA")), *JPEG_64
        ),
    ):
        with pytest.raises(photos.UnusablePhoto) as refused:
            act(data)
        assert refused.value.code == photos.TOO_MUCH_MEMORY


PROOFS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from reports import photos
from tests.reports.photo_samples import peak_kb

data = Path(sys.argv[1]).read_bytes()
photos.probe(data)
alone = peak_kb()
with ThreadPoolExecutor(4) as pool:
    assert len(set(pool.map(photos.probe, [data] * 4))) == 1
print(alone, peak_kb())
"""


def test_many_large_photos_at_once_are_proved_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "progressive.jpg"
    path.write_bytes(
        samples.saved(
            "JPEG", Image.new("RGB", OTHER_24, "red"), progressive=True, subsampling="4:4:4"
        )
    )
    ran = subprocess.run(
        [sys.executable, "-c", PROOFS, str(path)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    alone, together = map(int, ran.stdout.split())
    assert together < alone * 1.3
