"""Logs: one JSON object a line, and nothing in it that a person wrote."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.stack import ROOT

PROGRAM = """
import structlog
from infra import logs

logs.configure("INFO")
log = structlog.get_logger("reports.test")
try:
    raise ValueError("camille@example.org wrote: help")
except ValueError as error:
    try:
        raise KeyError("48.81, 2.21") from error
    except KeyError:
        log.exception("it failed", row_id=7)
"""


def test_an_error_is_told_by_its_place_and_never_by_its_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "camille" not in done.stderr
    assert "48.81" not in done.stderr
    line = json.loads(done.stderr)
    assert line["event"] == "it failed"
    assert line["row_id"] == 7
    assert [told["error"] for told in line["exception"]] == ["KeyError", "ValueError"]
    assert all(told["at"] for told in line["exception"])
