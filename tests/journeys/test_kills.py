"""What was acknowledged is done in the end, whatever is killed in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from tests.conftest import running
from tests.reports import photo_samples
from tests.resident import bearer, problem_at
from tests.stack import Stack, environment, eventually


@pytest.fixture
def own_stack(
    tmp_path: Path, own_database_url: str, own_valkey: Valkey, own_mailbox: Mailbox
) -> Iterator[Stack]:
    environ = environment(tmp_path, own_database_url, own_valkey.url, own_mailbox.url)
    with running(Stack(tmp_path, environ, tmp_path / "mail")) as stack:
        yield stack


@pytest.mark.fault(37)
def test_valkey_killed_before_intake(own_stack: Stack, own_valkey: Valkey) -> None:
    own_valkey.kill()
    sent = _send(own_stack)
    _put(own_stack, sent, photo_samples.jpeg())
    assert _status_of_photos(own_stack, sent) == ["pending"]

    own_valkey.start()

    _expect_all_done(own_stack, sent)


@pytest.mark.fault(37)
def test_valkey_killed_and_emptied_after_intake(
    own_stack: Stack, own_valkey: Valkey, tmp_path: Path
) -> None:
    own_stack.stop_workers()
    sent = _send(own_stack)
    _put(own_stack, sent, photo_samples.jpeg())

    own_valkey.kill()
    for path in sorted((tmp_path / "valkey").rglob("*"), reverse=True):
        if path.is_file():
            path.unlink()
    own_valkey.start()
    own_stack.start_workers()

    _expect_all_done(own_stack, sent)


@pytest.mark.fault(36)
def test_photo_worker_killed_in_the_middle_of_a_resize(
    own_stack: Stack, own_database_url: str
) -> None:
    sent = _send(own_stack)
    _put(own_stack, sent, photo_samples.png(6000, 4000))
    with psycopg.connect(own_database_url, autocommit=True) as database:
        eventually(lambda: database.execute("SELECT FROM photos WHERE attempt = 1").fetchall())
        killed = own_stack.kill_workers("photos")
        assert killed
        row = database.execute("SELECT status FROM photos").fetchone()
        assert row == ("pending",)

        _expect_all_done(own_stack, sent)

        row = database.execute("SELECT attempt FROM photos").fetchone()
        assert row is not None
        assert row[0] > 1
    assert not set(killed) & set(own_stack.worker_pids("photos"))


@pytest.mark.fault(36)
def test_a_work_horse_does_not_outlive_its_worker(own_stack: Stack) -> None:
    sent = _send(own_stack)
    _put(own_stack, sent, photo_samples.png(6000, 4000))
    both = eventually(lambda: _two(own_stack.worker_pids("photos")))
    os.kill(min(both), signal.SIGKILL)

    eventually(lambda: not set(both) & set(own_stack.worker_pids("photos")), 3)
    _expect_all_done(own_stack, sent)


def test_notice_worker_killed_is_replaced(own_stack: Stack) -> None:
    eventually(lambda: own_stack.worker_pids("notices"))
    assert own_stack.kill_workers("notices")

    _expect_all_done(own_stack, _send(own_stack), photos=0)


def test_photo_sent_twice_is_kept_once(own_stack: Stack, tmp_path: Path) -> None:
    sent = _send(own_stack)
    uuid, data = uuid4(), photo_samples.jpeg()
    _put(own_stack, sent, data, uuid)
    _put(own_stack, sent, data, uuid, expected=200)

    _expect_all_done(own_stack, sent)

    originals = (tmp_path / "storage" / "originals").rglob("*")
    assert len([path for path in originals if path.is_file()]) == 1


def _two(pids: list[int]) -> list[int] | None:
    return pids if len(pids) == 2 else None


def _send(stack: Stack) -> dict[str, Any]:
    body = problem_at(contact={"email": "camille@example.org"}, locale="fr")
    answer = httpx.post(f"{stack.url}/api/v1/reports", json=body, timeout=15)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def _put(
    stack: Stack, sent: dict[str, Any], data: bytes, uuid: object = None, expected: int = 201
) -> None:
    url = f"{stack.url}/api/v1/reports/{sent['reference']}/photos/{uuid or uuid4()}"
    headers = {**bearer(sent["tracking_token"]), "Content-Type": "image/*"}
    answer = httpx.put(url, content=data, headers=headers, timeout=15)
    assert answer.status_code == expected, answer.text


def _status_of_photos(stack: Stack, sent: dict[str, Any]) -> list[str]:
    view = httpx.get(f"{stack.url}/api/v1/reports/{sent['reference']}").json()
    return [photo["status"] for photo in view["photos"]]


def _expect_all_done(stack: Stack, sent: dict[str, Any], photos: int = 1) -> None:
    wanted = ["ready"] * photos
    eventually(lambda: _status_of_photos(stack, sent) == wanted, 60)
    team = eventually(lambda: stack.mails("voirie@beaurive.example"), 60)
    reporter = eventually(lambda: stack.mails("camille@example.org"), 60)
    assert len({mail["Message-ID"] for mail in team}) == 1
    assert len({mail["Message-ID"] for mail in reporter}) == 1
    derivatives = stack.folder / "storage" / "derivatives"
    names = sorted(path.name for path in derivatives.rglob("*") if path.is_file())
    one_set = ["1600.jpg", "1600.webp", "320.jpg", "320.webp", "800.jpg", "800.webp"]
    assert names == one_set * photos
