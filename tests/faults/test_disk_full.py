"""The disk is full: said, rolled back, nothing left behind, and well again later (fault 39)."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from infra.storage import Storage
from reports.models import Event, Photo
from tests import web
from tests.api import help as h
from tests.conftest import running
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, problem_at
from tests.stack import Stack, environment, eventually

pytestmark = pytest.mark.fault(39)

Full = Callable[[], AbstractContextManager[None]]
FILLER = "filler"
DISK_BYTES = 4 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a small file system."""
    mounted = tmp_path / "storage"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield mounted
    subprocess.run(["umount", "--lazy", str(mounted)], check=True)


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    """Leave no room in the folder's file system for a while."""
    filler = folder / FILLER
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(DISK_BYTES + 1))
    try:
        yield
    finally:
        filler.unlink()


class _NoRoom:
    """A store as obstore shows a disk without room."""

    def put(self, *_arguments: Any, **_named: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(params=["small disk", "injected"])
def full(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Full:
    """Return what takes the room of the storage away: for real, and where nobody may mount."""
    if request.param == "small disk":
        folder: Path = request.getfixturevalue("small_disk")
        return lambda: _filled(folder)

    @contextmanager
    def injected() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(Storage, "_open", lambda _storage: _NoRoom())
            yield

    return injected


def _rows(app: Flask) -> tuple[int, ...]:
    with h.parts_of(app).sessions() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(model)) or 0 for model in (Photo, Event)
        )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != FILLER]


def _readiness(client: FlaskClient) -> tuple[int, bool]:
    answer = client.get("/readyz")
    parts = body_of(answer)["parts"]
    assert parts["database"] == parts["queue"] == "ok"
    return answer.status_code, parts["storage"] == "ok"


def test_39_no_photo_is_half_taken_in(own_app: Flask, full: Full, tmp_path: Path) -> None:
    resident = Resident(own_app.test_client())
    view, uuid, data = resident.report(), uuid4(), photo_samples.jpeg()
    before = _rows(own_app)

    with full():
        for _ in range(2):
            answer = resident.put_photo(view, data, uuid)
            h.refused(answer, 507)
            assert int(answer.headers["Retry-After"]) > 0
        assert _rows(own_app) == before
        assert _files(tmp_path / "storage") == []
        assert _readiness(resident.client) == (503, False)
        assert resident.report()["status"] == "received"

    eventually(lambda: _readiness(resident.client) == (200, True))
    assert resident.put_photo(view, data, uuid).status_code == 201
    assert len(_files(tmp_path / "storage")) == 1
    assert body_of(resident.put_photo(view, data, uuid))["status"] == "pending"


@pytest.fixture
def own_stack(
    tmp_path: Path,
    small_disk: Path,
    own_database_url: str,
    own_valkey: Valkey,
    own_mailbox: Mailbox,
) -> Iterator[Stack]:
    environ = environment(tmp_path, own_database_url, own_valkey.url, own_mailbox.url)
    with running(Stack(tmp_path, environ, tmp_path / "mail")) as stack:
        yield stack


def test_39_a_photo_without_room_for_its_derivatives_waits(
    own_stack: Stack, small_disk: Path
) -> None:
    with web.Client(base_url=f"{own_stack.url}{BASE}", timeout=15) as http:
        own_stack.stop_workers()
        sent = http.post("/reports", json=problem_at()).json()
        path = f"/reports/{sent['reference']}"
        headers = {**bearer(sent["tracking_token"]), "Content-Type": "image/jpeg"}
        put = http.put(f"{path}/photos/{uuid4()}", content=photo_samples.jpeg(), headers=headers)
        assert put.status_code == 201

        with _filled(small_disk):
            own_stack.start_workers()
            eventually(lambda: "storage unavailable" in own_stack.log())
            (photo,) = http.get(path).json()["photos"]
            assert photo["status"] == "pending"
            assert http.get(photo["urls"]["320"]["jpg"]).status_code == 404

        eventually(lambda: http.get(path).json()["photos"][0]["status"] == "ready")
        for urls in photo["urls"].values():
            for url in urls.values():
                assert http.get(url).status_code == 200
    assert len(_files(small_disk)) == 7
