"""Real maps and reports of cities, where they are at hand."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from tests.stack import ROOT

SAMPLES = Path(os.environ.get("SAMPLES", ROOT.parent / "shared" / "samples"))
"""Where the samples lie; they are not Vigie's to hand on."""


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a file of reports, none where it is absent."""
    path = SAMPLES / "reports" / name
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)
