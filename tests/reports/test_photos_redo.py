"""`flask photos redo`: what an operator sees of it, and what residents do not."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from infra.clock import now
from infra.embedded.valkey import Valkey
from reports import gallery, photos
from reports.models import Photo
from tests.api.help import parts_of, render_photos
from tests.city.towns import write
from tests.reports import photo_samples as samples
from tests.resident import BASE, Resident
from tests.stack import ROOT, environment, eventually

LARGE = Path(__file__).parent / "large"
OLD = b"made in the old way"


@pytest.fixture
def shown(own_app: Flask) -> list[Photo]:
    """Return three photos that are shown, and whose derivatives were made in some old way."""
    resident = Resident(own_app.test_client())
    sent = resident.report()
    for width in (64, 72, 80):
        assert resident.put_photo(sent, samples.jpeg(width, 48)).status_code == 201
    render_photos(own_app, sent["reference"])
    with parts_of(own_app).sessions() as session:
        found = list(session.scalars(select(Photo).order_by(Photo.id)))
    for photo in found:
        for size in photos.SIZES:
            key = gallery.derivative_key(photo.public_id, size, "jpg")
            parts_of(own_app).storage.put(key, OLD, "image/jpeg")
    return found


@pytest.fixture
def variables(
    own_app: Flask, own_database_url: str, valkey: Valkey, tmp_path: Path
) -> dict[str, str]:
    """Return what a command needs to work on the application's photos, without any hurry."""
    environ = environment(tmp_path, own_database_url, valkey.url, "smtp://127.0.0.1:9")
    return {**environ, "PHOTO_LEASE_SECONDS": "100"}


def redo(app: Flask, *arguments: str) -> tuple[int, list[str]]:
    done = app.test_cli_runner().invoke(args=["photos", "redo", *arguments])
    return done.exit_code, done.output.splitlines()


def served(app: Flask, photo: Photo) -> Any:
    answer = app.test_client().get(f"{BASE}/photos/{photo.public_id}/320.jpg")
    assert answer.status_code == 200
    return answer


def forget_original(app: Flask, photo: Photo) -> str:
    parts_of(app).storage.delete(photo.original)
    return photo.original


def test_all_photos_are_made_anew_and_caches_notice(own_app: Flask, shown: list[Photo]) -> None:
    before = [served(own_app, photo) for photo in shown]
    assert {answer.data for answer in before} == {OLD}

    code, lines = redo(own_app)

    assert (code, lines) == (0, [f"3 photos redone, 0 skipped, the last one is {shown[-1].id}"])
    for photo, old in zip(shown, before, strict=True):
        answer = served(own_app, photo)
        assert samples.quadrants(answer.data) == samples.UPRIGHT
        assert answer.headers["ETag"] != old.headers["ETag"]


def test_a_photo_whose_original_is_gone_or_no_photo_is_told_and_stays_as_it_is(
    own_app: Flask, shown: list[Photo]
) -> None:
    forget_original(own_app, shown[0])
    key = forget_original(own_app, shown[1])
    parts_of(own_app).storage.put(key, b"no photo", "image/jpeg")

    code, lines = redo(own_app)

    assert code == 0
    assert lines == [
        f"photo {shown[0].id} skipped: its original is gone",
        f"photo {shown[1].id} skipped: its original is not taken any more (unsupported_type)",
        f"1 photos redone, 2 skipped, the last one is {shown[2].id}",
    ]
    assert [served(own_app, photo).data == OLD for photo in shown] == [True, True, False]


def replace_original(app: Flask, photo: Photo, data: bytes) -> None:
    parts_of(app).storage.put(photo.original, data, "image/jpeg")


@pytest.fixture
def hurried_app(own_app: Flask) -> Flask:
    """Return the application with a second for each photo."""
    parts = parts_of(own_app)
    settings = replace(parts.settings, photo_lease_s=1)
    own_app.extensions["vigie"] = replace(parts, settings=settings)
    return own_app


def test_a_photo_that_takes_too_long_fails_alone(hurried_app: Flask, shown: list[Photo]) -> None:
    replace_original(hurried_app, shown[1], samples.jpeg_of_many_scans(85, 9248, 6936))

    code, lines = redo(hurried_app)

    assert code == 1
    assert lines == [
        f"photo {shown[1].id} failed: decoding its original takes longer than 1 s",
        f"2 photos redone, 0 skipped, 1 failed, the last one is {shown[2].id}",
    ]
    assert [served(hurried_app, photo).data == OLD for photo in shown] == [False, True, False]
    assert active_children() == []


def test_a_number_that_no_photo_can_have_is_refused_in_words(own_app: Flask) -> None:
    for number in ("99999999999999999999", "-1"):
        code, lines = redo(own_app, "--after", number)
        assert code == 2
        assert "Invalid value for '--after'" in lines[-1]


def rendering_process(command: subprocess.Popen[str]) -> int | None:
    """Return the process that the command renders in, once it is at work."""
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text("ascii").split()
    for pid in map(int, children):
        spent = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        # By then it has long begun, and it is at the photo that takes its time.
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes() and int(spent[11]) > 120:
            return pid
    return None


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_that_is_ended_leaves_no_process_behind(
    own_app: Flask, shown: list[Photo], variables: dict[str, str], number: signal.Signals
) -> None:
    replace_original(own_app, shown[1], samples.jpeg_of_many_scans(85, 9248, 6936))
    command = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "photos", "redo"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = eventually(lambda: rendering_process(command))
    command.send_signal(number)
    output, _ = command.communicate(timeout=20)

    eventually(lambda: not is_there(pid), patience_s=5)
    if number is signal.SIGTERM:
        assert command.returncode == 128 + number
        assert output == f"1 photos redone, 0 skipped, the last one is {shown[0].id}\n"


@contextmanager
def death_of_the_first_child() -> Iterator[None]:
    def kill() -> None:
        while not (children := active_children()):
            time.sleep(0.01)
        children[0].kill()

    with ThreadPoolExecutor(1) as killer:
        killed = killer.submit(kill)
        yield
        killed.result()


def test_a_photo_that_ends_the_process_fails_alone(own_app: Flask, shown: list[Photo]) -> None:
    with death_of_the_first_child():
        code, lines = redo(own_app)

    assert code == 1
    assert lines == [
        f"photo {shown[0].id} failed: its original ended the process that decoded it",
        f"2 photos redone, 0 skipped, 1 failed, the last one is {shown[2].id}",
    ]
    assert [served(own_app, photo).data == OLD for photo in shown] == [True, False, False]


def test_a_photo_that_lies_of_its_memory_holds_nobody_up(
    own_app: Flask, shown: list[Photo]
) -> None:
    replace_original(own_app, shown[0], (LARGE / "lying-444-10-bit.heic").read_bytes())

    code, lines = redo(own_app)

    # libheif refuses it where it lives to say so.
    assert code in {0, 1}
    assert lines[0].startswith((f"photo {shown[0].id} failed", f"photo {shown[0].id} skipped"))
    assert lines[-1].startswith("2 photos redone")
    assert lines[-1].endswith(f"the last one is {shown[2].id}")


def test_it_goes_on_after_a_given_photo(own_app: Flask, shown: list[Photo]) -> None:
    code, lines = redo(own_app, "--after", str(shown[1].id))
    assert (code, lines) == (0, [f"1 photos redone, 0 skipped, the last one is {shown[2].id}"])
    assert [served(own_app, photo).data == OLD for photo in shown] == [True, True, False]


def test_a_storage_that_fails_says_where_to_go_on(
    own_app: Flask, shown: list[Photo], tmp_path: Path
) -> None:
    folder = tmp_path / "storage" / "derivatives" / str(shown[1].public_id)
    shutil.rmtree(folder)
    folder.write_text("no folder")

    code, lines = redo(own_app)

    assert code == 1
    assert f"go on later with --after {shown[0].id}" in lines[-1]


def test_one_city_can_be_redone_alone(own_app: Flask, shown: list[Photo], tmp_path: Path) -> None:
    town = write(tmp_path / "town")
    loaded = own_app.test_cli_runner().invoke(args=["city", "load", str(town)])
    assert loaded.exit_code == 0, loaded.output

    assert redo(own_app, "--jurisdiction", "essai")[1] == [
        "0 photos redone, 0 skipped, the last one is 0"
    ]
    assert redo(own_app, "--jurisdiction", "beaurive")[1][-1].startswith("3 photos redone")
    assert redo(own_app, "--jurisdiction", "nowhere")[0] == 1


def test_a_photo_that_is_deleted_meanwhile_leaves_nothing_behind(
    own_app: Flask, shown: list[Photo]
) -> None:
    parts = parts_of(own_app)
    photo = shown[0]
    rendering = photos.render(samples.jpeg(64, 48))
    with parts.sessions.begin() as session:
        session.execute(delete(Photo).where(Photo.id == photo.id))
    gallery.publish(parts.storage, photo, rendering)

    with parts.sessions.begin() as session:
        assert not gallery.record_redone(session, photo, rendering, now())
        assert gallery.is_deleted(session, photo)
    gallery.withdraw(parts.storage, photo)

    assert list(parts.storage.list(f"derivatives/{photo.public_id}")) == []
