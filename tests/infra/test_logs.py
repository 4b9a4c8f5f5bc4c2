"""Logs: one JSON object a line, and nothing in it that a person wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rq import Queue
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from infra import queue
from infra.embedded.cluster import Cluster
from infra.embedded.process import Child
from infra.embedded.valkey import Valkey
from infra.queue import QueueName
from tests.stack import ROOT, environment, eventually

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


def test_a_worker_leaves_telling_of_errors_to_the_jobs(
    own_valkey: Valkey, cluster: Cluster, tmp_path: Path
) -> None:
    environ = environment(tmp_path, cluster.url("postgres"), own_valkey.url, "smtp://127.0.0.1:9")
    connection = queue.connect(own_valkey.url)
    waiting = Queue(QueueName.NOTICES, connection=connection, serializer=JSONSerializer)
    job = waiting.enqueue("builtins.int", "camille@example.org wrote: help")
    worker = Child(
        "notices",
        [sys.executable, "-m", "workers.process", QueueName.NOTICES],
        tmp_path / "worker.log",
        cwd=ROOT,
        environ=environ,
    )
    worker.start()
    try:
        eventually(lambda: job.get_status(refresh=True) is JobStatus.FAILED)
    finally:
        worker.stop(10)
    assert "camille" not in (tmp_path / "worker.log").read_text()
