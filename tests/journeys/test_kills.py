"""What was acknowledged is done in the end, whatever is killed in between."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from tests import web
from tests.conftest import copy_of, running
from tests.reports import photo_samples
from tests.resident import bearer, problem_at
from tests.stack import Stack, environment, eventually


@dataclass(frozen=True)
class City:
    """What the tests kill in turn; each leaves it whole, and asks after what it sent itself."""

    stack: Stack
    valkey: Valkey
    folder: Path

    @property
    def database_url(self) -> str:
        """Return where its rows are."""
        return self.stack.environ["DATABASE_URL"]


@pytest.fixture(scope="module")
def city(
    cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("kills")
    valkey, mailbox = Valkey(folder / "valkey"), Mailbox(folder / "mail")
    valkey.start()
    mailbox.start()
    environ = environment(folder, copy_of(cluster, template), valkey.url, mailbox.url)
    try:
        with running(Stack(folder, environ, folder / "mail")) as stack:
            yield City(stack, valkey, folder)
    finally:
        mailbox.stop()
        valkey.discard()


@pytest.mark.fault(37)
def test_valkey_killed_before_intake(city: City) -> None:
    city.valkey.kill()
    sent = _send(city.stack)
    _put(city.stack, sent, photo_samples.jpeg())
    assert _statuses(_photos(city.stack, sent)) == ["pending"]

    city.valkey.start()

    _expect_all_done(city, sent)


@pytest.mark.fault(37)
def test_valkey_killed_and_emptied_after_intake(city: City) -> None:
    city.stack.stop_workers()
    sent = _send(city.stack)
    _put(city.stack, sent, photo_samples.jpeg())

    city.valkey.kill()
    for path in sorted((city.folder / "valkey").rglob("*"), reverse=True):
        if path.is_file():
            path.unlink()
    city.valkey.start()
    city.stack.start_workers()

    _expect_all_done(city, sent)


@pytest.mark.fault(36)
def test_photo_worker_killed_in_the_middle_of_a_resize(city: City) -> None:
    sent = _send(city.stack)
    _put(city.stack, sent, photo_samples.png(6000, 4000))
    with psycopg.connect(city.database_url, autocommit=True) as database:
        eventually(lambda: _work_on(database, sent)[1] == 1)
        killed = city.stack.kill_workers("photos")
        assert killed
        assert _work_on(database, sent)[0] == "pending"

        _expect_all_done(city, sent)

        assert _work_on(database, sent)[1] > 1
    assert not set(killed) & set(city.stack.worker_pids("photos"))


@pytest.mark.fault(36)
def test_a_work_horse_does_not_outlive_its_worker(city: City) -> None:
    sent = _send(city.stack)
    _put(city.stack, sent, photo_samples.png(6000, 4000))
    both = eventually(lambda: _two(city.stack.worker_pids("photos")))
    os.kill(min(both), signal.SIGKILL)

    eventually(lambda: not set(both) & set(city.stack.worker_pids("photos")), 3)
    _expect_all_done(city, sent)


def test_notice_worker_killed_is_replaced(city: City) -> None:
    eventually(lambda: city.stack.worker_pids("notices"))
    assert city.stack.kill_workers("notices")

    _expect_all_done(city, _send(city.stack), photos=0)


def test_photo_sent_twice_is_kept_once(city: City) -> None:
    originals = city.folder / "storage" / "originals"
    before = set(_files_below(originals))
    sent = _send(city.stack)
    uuid, data = uuid4(), photo_samples.jpeg()
    _put(city.stack, sent, data, uuid)
    _put(city.stack, sent, data, uuid, expected=200)

    _expect_all_done(city, sent)

    assert len(set(_files_below(originals)) - before) == 1


def _two(pids: list[int]) -> list[int] | None:
    return pids if len(pids) == 2 else None


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _work_on(database: psycopg.Connection[Any], sent: dict[str, Any]) -> tuple[str, int]:
    """Return the status of the report's only photo, and how often it was begun."""
    query = """
        SELECT photos.status, photos.attempt FROM photos
        JOIN reports ON reports.id = photos.report_id WHERE reports.reference = %s
    """
    ((status, attempt),) = database.execute(query, (sent["reference"],)).fetchall()
    return status, attempt


def _send(stack: Stack) -> dict[str, Any]:
    """Send a report of somebody who sends no other, and return the reporter's view."""
    body = problem_at(contact={"email": f"{uuid4().hex}@example.org"}, locale="fr")
    answer = web.post(f"{stack.url}/api/v1/reports", json=body, timeout=15)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def _put(
    stack: Stack, sent: dict[str, Any], data: bytes, uuid: object = None, expected: int = 201
) -> None:
    url = f"{stack.url}/api/v1/reports/{sent['reference']}/photos/{uuid or uuid4()}"
    headers = {**bearer(sent["tracking_token"]), "Content-Type": "image/*"}
    answer = web.put(url, content=data, headers=headers, timeout=15)
    assert answer.status_code == expected, answer.text


def _photos(stack: Stack, sent: dict[str, Any]) -> list[dict[str, Any]]:
    view = web.get(f"{stack.url}/api/v1/reports/{sent['reference']}").json()
    photos: list[dict[str, Any]] = view["photos"]
    return photos


def _statuses(photos: list[dict[str, Any]]) -> list[str]:
    return [photo["status"] for photo in photos]


def _expect_all_done(city: City, sent: dict[str, Any], photos: int = 1) -> None:
    stack, wanted = city.stack, ["ready"] * photos
    eventually(lambda: _statuses(_photos(stack, sent)) == wanted, 60)
    team = eventually(lambda: _about(stack.mails("voirie@beaurive.example"), sent), 60)
    reporter = eventually(lambda: stack.mails(sent["contact"]["email"]), 60)
    assert len({mail["Message-ID"] for mail in team}) == 1
    assert len({mail["Message-ID"] for mail in reporter}) == 1
    derivatives = defaultdict(list)
    for path in _files_below(city.folder / "storage" / "derivatives"):
        derivatives[path.parent.name].append(path.name)
    one_set = ["1600.jpg", "1600.webp", "320.jpg", "320.webp", "800.jpg", "800.webp"]
    assert all(sorted(names) == one_set for names in derivatives.values())
    with psycopg.connect(city.database_url) as database:
        of_all = database.execute("SELECT public_id::text FROM photos").fetchall()
    # What this test sent has its set, and nothing else has come to lie there.
    assert sorted(derivatives) == sorted(name for (name,) in of_all)
    assert {photo["id"] for photo in _photos(stack, sent)} <= derivatives.keys()


def _about(mails: list[EmailMessage], sent: dict[str, Any]) -> list[EmailMessage]:
    """Return those of the mails that name the report."""
    return [mail for mail in mails if sent["reference"] in mail["Subject"]]
