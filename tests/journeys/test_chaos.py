"""Everything is killed at random while residents send: what was acknowledged is done, and once."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from infra.storage import Storage
from tests import web
from tests.conftest import load_city, running
from tests.reports import photo_samples
from tests.resident import BASE, bearer, problem_at
from tests.stack import Stack, environment, eventually

CHAOS_S = 25.0
RESIDENTS = 3
PATIENCE_S = 60.0
DERIVATIVES = 6
# What a phone sends again by itself: it got no answer, or one that says to come back.
AGAIN = (409, 429, 502, 503, 504, 507)


@dataclass
class City:
    """Everything there is to kill."""

    stack: Stack
    cluster: Cluster
    valkey: Valkey
    mails: Path


@dataclass
class Sent:
    """What the service has acknowledged."""

    reports: dict[str, str] = field(default_factory=dict)
    photos: dict[str, str] = field(default_factory=dict)
    tries: int = 0


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    cluster, valkey = Cluster(tmp_path / "postgres"), Valkey(tmp_path / "valkey")
    mailbox = Mailbox(tmp_path / "mail")
    cluster.start()
    valkey.start()
    mailbox.start()
    try:
        cluster.create_database("city")
        environ = environment(tmp_path, cluster.url("city"), valkey.url, mailbox.url)
        load_city(environ)
        with running(Stack(tmp_path, environ, tmp_path / "mail")) as stack:
            yield City(stack, cluster, valkey, tmp_path / "mail")
    finally:
        mailbox.stop()
        valkey.discard()
        cluster.discard()


def test_whatever_is_killed_all_that_was_acknowledged_is_done_once(city: City) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    tell(f"seed {seed}")
    sent, killed, until = Sent(), Counter[str](), time.monotonic() + CHAOS_S
    residents = [
        threading.Thread(target=live, args=(city.stack.url, random.Random(seed + one), sent, until))
        for one in range(1, RESIDENTS + 1)
    ]
    for resident in residents:
        resident.start()
    chance = random.Random(seed)
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.1, 1))
        killed[wreck(city, chance)] += 1
    for resident in residents:
        resident.join()
    assert sent.reports
    assert sent.photos
    with psycopg.connect(city.cluster.url("city"), autocommit=True) as database:
        eventually(lambda: is_done(database), PATIENCE_S)
        city.stack.stop_workers()
        tell(f"killed {dict(killed)}; {sent.tries} requests")
        expect_rows(database, sent)
        expect_files(city, database, sent)
        expect_mails(city, database)


def tell(text: str) -> None:
    print(text)  # noqa: T201 - for whoever runs this with `-s`, or finds it red


def live(url: str, chance: random.Random, sent: Sent, until: float) -> None:
    """Be a resident: send reports with photos, and send again what was not acknowledged."""
    photo = photo_samples.jpeg(900, 600)
    while time.monotonic() < until:
        key = uuid4().hex
        body = problem_at(description=key, contact={"email": f"{key}@example.org"})
        view = insist(
            sent, "POST", f"{url}{BASE}/reports", json=body, headers={"Idempotency-Key": key}
        )
        sent.reports[view["reference"]] = key
        if chance.random() < 0.5:
            uuid = str(uuid4())
            target = f"{url}{BASE}/reports/{view['reference']}/photos/{uuid}"
            headers = {**bearer(view["tracking_token"]), "Content-Type": "image/jpeg"}
            # Each photo has its own bytes.
            insist(sent, "PUT", target, content=photo + uuid.encode(), headers=headers)
            sent.photos[uuid] = view["reference"]
        time.sleep(chance.uniform(0, 0.2))


def insist(sent: Sent, method: str, url: str, **request: Any) -> dict[str, Any]:
    """Send until it is acknowledged, as a phone does, and return the answer."""
    deadline = time.monotonic() + CHAOS_S + PATIENCE_S
    while True:
        sent.tries += 1
        with suppress(httpx.TransportError):
            answer = web.request(method, url, timeout=20, **request)
            if answer.status_code not in AGAIN:
                assert answer.status_code in {200, 201}, answer.text
                acknowledged: dict[str, Any] = answer.json()
                return acknowledged
        assert time.monotonic() < deadline, "nobody answers"
        time.sleep(0.2)


def wreck(city: City, chance: random.Random) -> str:
    """Kill something, start it again after a while, and say what it was."""
    wrecks: dict[str, Callable[[], object]] = {
        "web": lambda: revive(city.stack.kill_web, city.stack.start_web, chance),
        "workers": lambda: revive(city.stack.kill_supervisor, city.stack.start_workers, chance),
        "valkey": lambda: revive(city.valkey.kill, city.valkey.start, chance),
        "database": lambda: revive(city.cluster.kill, city.cluster.start, chance),
        "photo worker": lambda: kill_one(city.stack.worker_pids("photos"), chance),
        "notice worker": lambda: kill_one(city.stack.worker_pids("notices"), chance),
        "sweeper": lambda: kill_one(city.stack.worker_pids("sweeper"), chance),
    }
    name = chance.choice(list(wrecks))
    wrecks[name]()
    return name


def revive(kill: Callable[[], None], start: Callable[[], None], chance: random.Random) -> None:
    kill()
    time.sleep(chance.uniform(0, 1))
    start()


def kill_one(pids: list[int], chance: random.Random) -> None:
    with suppress(IndexError, ProcessLookupError):
        os.kill(chance.choice(pids), signal.SIGKILL)


def is_done(database: psycopg.Connection) -> bool:
    waiting = """SELECT (SELECT count(*) FROM photos WHERE status = 'pending')
        + (SELECT count(*) FROM notices WHERE status = 'pending')"""
    return values(database, waiting) == [0]


def expect_rows(database: psycopg.Connection, sent: Sent) -> None:
    reports: dict[str, str] = dict(
        database.execute("SELECT reference, description FROM reports").fetchall()
    )
    assert reports == sent.reports
    photos = database.execute(
        "SELECT p.uuid::text, r.reference FROM photos p JOIN reports r ON r.id = p.report_id"
    ).fetchall()
    assert dict(photos) == sent.photos
    assert len(photos) == len(sent.photos)
    assert set(values(database, "SELECT status FROM photos")) == {"ready"}
    assert set(values(database, "SELECT status FROM notices")) == {"sent"}
    once = len(sent.reports)
    for table in ("tickets", "memberships", "decisions", "contacts", "idempotency_keys"):
        assert values(database, f"SELECT count(*) FROM {table}") == [once], table
    kinds = Counter(values(database, "SELECT kind FROM events"))
    assert kinds == {"received": once, "routed": once, "photo_added": len(sent.photos)}
    kinds = Counter(values(database, "SELECT kind FROM notices"))
    assert kinds == {"arrival": once, "receipt": once}
    leased = "SELECT count(*) FROM {} WHERE leased_until IS NOT NULL"
    for table in ("photos", "notices"):
        assert values(database, leased.format(table)) == [0], table
    tell(f"{once} reports, {len(photos)} photos, {2 * once} notices")


def expect_files(city: City, database: psycopg.Connection, sent: Sent) -> None:
    folder = city.stack.folder / "storage"
    storage = Storage.from_url(folder.as_uri())
    keys = list(storage.list(""))
    originals = [key for key in keys if key.startswith("originals/")]
    named = set(values(database, "SELECT original FROM photos"))
    assert len(named) == len(sent.photos)
    # A server that is killed before it writes the row leaves a file, which the sweeper removes in
    # its time. Nobody can reach it.
    abandoned = set(originals) - named
    assert named <= set(originals)
    sets = Counter(Path(key).parent.name for key in keys if key.startswith("derivatives/"))
    assert sets.keys() == set(values(database, "SELECT public_id::text FROM photos"))
    assert set(sets.values()) == {DERIVATIVES}
    assert len(keys) - len(abandoned) == len(sent.photos) * (1 + DERIVATIVES)
    tell(f"{len(abandoned)} originals without a row left to the sweeper")
    tell(f"{storage.tidy(-1)} half-written files found and removed")
    assert sum(path.is_file() for path in folder.rglob("*")) == len(keys)


def expect_mails(city: City, database: psycopg.Connection) -> None:
    copies: dict[str, list[tuple[str, str, str]]] = {}
    for path in city.mails.glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        text, html = (part.get_content() for part in mail.iter_parts())
        told = (mail["To"], mail["Subject"], text + html)
        copies.setdefault(mail["Message-ID"].strip("<>").partition("@")[0], []).append(told)
    total = sum(map(len, copies.values()))
    tell(f"{total} mails, {total - len(copies)} of them a second copy")
    assert copies.keys() == set(values(database, "SELECT message_key FROM notices"))
    assert all(len(set(told)) == 1 for told in copies.values())


def values(database: psycopg.Connection, query: LiteralString | str) -> list[Any]:
    return [row[0] for row in database.execute(query.encode()).fetchall()]
