"""Whatever is done to a photo, it is rendered or refused; no decoder crashes, hangs or swells."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from reports import photos
from tests.reports.photo_fuzz import SPOILS, sources
from tests.stack import ROOT

SEED = 20_240
ROUNDS = 28
SLOWEST_S = 30
MOST_KB = 500_000


def test_thousands_of_spoilt_photos_are_rendered_or_refused() -> None:
    count = len(sources()) * len(SPOILS) * ROUNDS
    ran = subprocess.run(
        [sys.executable, "-m", "tests.reports.photo_fuzz", str(SEED), "0", str(count)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=150,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, f"died after {lines[-1:]}: {ran.stderr[-2000:]}"
    *files, peak_kb = lines
    outcomes = Counter(became for _, became, _ in files)
    assert outcomes.total() == count
    assert set(outcomes) <= {"rendered", *photos.CODES}
    assert min(outcomes["rendered"], outcomes["broken"]) > count // 20
    assert [number for number, _, took_s in files if took_s > SLOWEST_S] == []
    assert peak_kb < MOST_KB
