"""The database is restarted under load: a short 503, and nothing lost (fault 38)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from tests import web
from tests.conftest import load_city, running
from tests.resident import BASE, problem_at
from tests.stack import Stack, environment, eventually

PHONES = 4
MORE = 8


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "postgres", durable=False)
    cluster.start()
    cluster.create_database("city")
    yield cluster
    cluster.discard()


@pytest.fixture
def own_stack(
    tmp_path: Path, own_cluster: Cluster, own_valkey: Valkey, own_mailbox: Mailbox
) -> Iterator[Stack]:
    environ = environment(tmp_path, own_cluster.url("city"), own_valkey.url, own_mailbox.url)
    load_city(environ)
    with running(Stack(tmp_path, environ, tmp_path / "mail")) as stack:
        yield stack


class _Phones:
    """Residents who send one report after the other, each again until it is taken."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.url}{BASE}/reports"
        self._stopped = Event()
        self._threads = [Thread(target=self._send_on, daemon=True) for _ in range(PHONES)]
        self.taken: list[str] = []
        self.answers: Counter[int] = Counter()
        self.without_advice = 0

    def __enter__(self) -> _Phones:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_arguments: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def wait_for_more(self) -> None:
        """Return once each phone, and then some, has had a report taken from now on."""
        before = len(self.taken)
        eventually(lambda: len(self.taken) >= before + MORE)

    def wait_for_a_refusal(self) -> None:
        """Return once a phone has been told to come again from now on."""
        before = self.answers[503]
        eventually(lambda: self.answers[503] > before)

    def _send_on(self) -> None:
        with web.Client(timeout=30) as http:
            while not self._stopped.is_set():
                self.taken.append(self._send(http))

    def _send(self, http: httpx.Client) -> str:
        key = {"Idempotency-Key": uuid4().hex}
        body = problem_at(contact={"email": "camille@example.org"})
        while True:
            answer = http.post(self._url, json=body, headers=key)
            self.answers[answer.status_code] += 1
            if answer.status_code == 201:
                reference: str = answer.json()["reference"]
                return reference
            self.without_advice += "Retry-After" not in answer.headers
            Event().wait(0.1)


@pytest.mark.fault(38)
def test_38_a_restart_is_a_short_503_and_loses_nothing(
    own_stack: Stack, own_cluster: Cluster
) -> None:
    with _Phones(own_stack) as phones:
        for end in (own_cluster.stop, own_cluster.kill):
            phones.wait_for_more()
            end()
            phones.wait_for_a_refusal()
            ready = web.get(f"{own_stack.url}/readyz", timeout=20)
            assert (ready.status_code, ready.json()["parts"]["queue"]) == (503, "ok")
            assert ready.json()["parts"]["database"] != "ok"
            own_cluster.start()
            phones.wait_for_more()

    assert set(phones.answers) == {201, 503}
    assert phones.without_advice == 0
    eventually(lambda: web.get(f"{own_stack.url}/readyz", timeout=20).status_code == 200)
    with psycopg.connect(own_cluster.url("city"), autocommit=True) as database:
        kept = [reference for (reference,) in database.execute("SELECT reference FROM reports")]
        assert sorted(kept) == sorted(phones.taken)
        waiting = "SELECT count(*) FROM notices WHERE status <> 'sent'"
        eventually(lambda: database.execute(waiting).fetchone() == (0,), 60)
    told = {mail["Message-ID"] for mail in own_stack.mails("camille@example.org")}
    assert len(told) == len(phones.taken)
