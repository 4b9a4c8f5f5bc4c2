"""Logs: one JSON object a line, and nothing in it that a person wrote."""

from __future__ import annotations

import json
import subprocess
import sys

from infra.embedded.cluster import Cluster
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


SLOW = """
from sqlalchemy import text
from infra import logs
from infra.database import make_engine

logs.configure("INFO")
engine = make_engine("postgresql+psycopg://" + {url!r}.partition("://")[2])
with engine.connect() as connection:
    connection.execute(text("SELECT :word"), {{"word": "camille@example.org"}})
    connection.execute(text("SELECT pg_sleep(0.6), :word"), {{"word": "camille@example.org"}})
engine.dispose()
"""


def test_a_slow_statement_is_told_without_its_values(cluster: Cluster) -> None:
    program = SLOW.format(url=cluster.url("postgres"))
    line = json.loads(_logged(program))
    assert line["event"] == "slow statement"
    assert line["seconds"] >= 0.6
    assert line["statement"].startswith("SELECT pg_sleep")
    assert "camille" not in str(line)


def test_an_error_is_told_by_its_place_and_never_by_its_words() -> None:
    told = _logged(PROGRAM)
    assert "camille" not in told
    assert "48.81" not in told
    line = json.loads(told)
    assert line["event"] == "it failed"
    assert line["row_id"] == 7
    assert [told["error"] for told in line["exception"]] == ["KeyError", "ValueError"]
    assert all(told["at"] for told in line["exception"])


def _logged(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stderr
