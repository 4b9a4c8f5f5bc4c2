"""Counts: what one process hands over, and what all of them come to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra import queue
from infra.database import make_engine
from infra.embedded.valkey import Valkey
from infra.metrics import Metrics
from infra.settings import Settings
from tests.stack import environment, eventually


def test_who_waits_for_a_connection_is_counted(
    database_url: str, valkey: Valkey, tmp_path: Path
) -> None:
    environ = environment(tmp_path, database_url, valkey.url, "smtp://127.0.0.1:9")
    engine = make_engine(Settings.from_env(environ).database_url, pool_size=1)
    metrics = Metrics(queue.connect(valkey.url))
    metrics.watch(engine)
    waits = "vigie_database_waits_total"
    before = _handed_over(metrics, waits)

    held = [engine.connect(), engine.connect()]
    with ThreadPoolExecutor(1) as threads:
        third = threads.submit(engine.connect)
        eventually(lambda: _handed_over(metrics, waits) > before)
        assert _handed_over(metrics, "vigie_database_connections_in_use") >= 2
        held.pop().close()
        third.result().close()
    held.pop().close()
    assert _handed_over(metrics, waits) == before + 1
    engine.dispose()


def test_what_was_handed_over_is_not_handed_over_again(valkey: Valkey) -> None:
    one, other = Metrics(queue.connect(valkey.url)), Metrics(queue.connect(valkey.url))
    before = _handed_over(one, "vigie_photo_bytes_total")
    one.photo_bytes.inc(100)
    other.photo_bytes.inc(10)
    for metrics in (one, other, one, other):
        metrics.flush()
    for metrics in (one, other):
        assert _handed_over(metrics, "vigie_photo_bytes_total") == before + 110


def _handed_over(metrics: Metrics, name: str) -> float:
    metrics.flush()
    return sum(
        sample.value
        for family in metrics.sums()
        for sample in family.samples
        if sample.name == name
    )
