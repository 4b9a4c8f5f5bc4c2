"""Photos that arrive at the same time: one that is refused takes nothing from one that is taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from infra.clock import now
from infra.storage import Storage
from reports import gallery
from reports.models import Photo, Report
from tests.api.help import parts_of
from tests.reports import photo_samples
from tests.resident import Resident
from tests.stack import eventually

PHOTO = photo_samples.jpeg(64, 48)
_WAITS = text("SELECT cardinality(pg_blocking_pids(:pid)) > 0")


class BusyStorage(Storage):
    """A store while which is asked other things happen: one after each put, before each removal."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)
        self.after_puts: deque[Callable[[], object]] = deque()
        self.before_deletes: deque[Callable[[], object]] = deque()

    def put(self, key: str, data: bytes, media_type: str) -> None:
        """Put the object, and let the next thing happen."""
        super().put(key, data, media_type)
        _happen(self.after_puts)

    def delete(self, key: str) -> None:
        """Let the next thing happen, and remove the object."""
        _happen(self.before_deletes)
        super().delete(key)


class Crowd:
    """A resident whose phone sends the same photo more than once while others are sent."""

    def __init__(self, app: Flask, storage: BusyStorage) -> None:
        self.storage = storage
        self.statuses: list[int] = []
        self._app = app
        self._resident = Resident(app.test_client())
        self._report = self._resident.report()
        self._uuid = uuid4()

    def send(self) -> None:
        """Send the photo, always the same one."""
        self._put(PHOTO, self._uuid)

    def send_another(self) -> None:
        """Send a photo that differs from all others."""
        self._put(photo_samples.jpeg(65 + len(self.statuses), 48), uuid4())

    def have_one_rejected(self) -> None:
        """Have a worker find that a photo cannot be shown, which makes room for another."""
        with parts_of(self._app).sessions.begin() as session:
            first = session.scalars(select(Photo.id).order_by(Photo.id)).first()
            assert first is not None
            lease = gallery.claim(session, first, now(), lease_s=60)
            assert lease is not None
            gallery.record_rejected(session, lease, "broken", now())

    def demand_that_all_is_kept(self) -> None:
        """Fail unless the storage has the originals of all photos, and no others."""
        with parts_of(self._app).sessions() as session:
            named = {gallery.keys_of(photo)[0] for photo in session.scalars(select(Photo))}
        assert set(self.storage.list(gallery.ORIGINALS)) == named

    def _put(self, data: bytes, uuid: UUID) -> None:
        answer = self._resident.put_photo(self._report, data, uuid)
        self.statuses.append(answer.status_code)


def _upload(width: int) -> gallery.Upload:
    return gallery.receive(uuid4(), photo_samples.jpeg(width, 48))


def _happen(things: deque[Callable[[], object]]) -> None:
    if things:
        things.popleft()()


@pytest.fixture
def crowd(own_app: Flask, tmp_path: Path) -> Crowd:
    """Return a crowd that has sent all photos but one that its report may have."""
    storage = BusyStorage(tmp_path / "busy")
    own_app.extensions["vigie"] = replace(parts_of(own_app), storage=storage)
    crowd = Crowd(own_app, storage)
    for _ in range(gallery.MAX_PHOTOS - 1):
        crowd.send_another()
    crowd.statuses.clear()
    return crowd


def test_a_refused_photo_leaves_the_original_of_its_twin(crowd: Crowd) -> None:
    def be_overtaken() -> None:
        crowd.send()
        crowd.have_one_rejected()

    crowd.storage.after_puts += [be_overtaken, crowd.send_another]

    crowd.send()

    # The last place, then the twin for which there was none, then the one that found room again.
    assert crowd.statuses == [201, 409, 201]
    crowd.demand_that_all_is_kept()


def test_a_photo_whose_row_cannot_be_written_leaves_no_original(
    crowd: Crowd, own_app: Flask
) -> None:
    def fill_the_disk() -> None:
        with parts_of(own_app).engine.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            read_only = f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
            connection.execute(text(read_only))
        parts_of(own_app).engine.dispose()

    def empty_the_disk() -> None:
        with parts_of(own_app).engine.connect() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text("SET default_transaction_read_only = off"))
            connection.commit()
            connection.execute(text(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'))
            connection.commit()
        parts_of(own_app).engine.dispose()

    crowd.storage.after_puts += [fill_the_disk]
    crowd.storage.before_deletes += [empty_the_disk]

    crowd.send()

    assert crowd.statuses == [503]
    crowd.demand_that_all_is_kept()


def test_nobody_waits_for_the_removal_of_a_refused_photo(crowd: Crowd) -> None:
    def find_room() -> None:
        crowd.have_one_rejected()
        crowd.send()

    crowd.storage.after_puts += [crowd.send_another]
    crowd.storage.before_deletes += [find_room]

    crowd.send()

    assert crowd.statuses == [201, 201, 409]
    crowd.demand_that_all_is_kept()


def test_photos_that_wait_for_each_other_are_counted_anew(crowd: Crowd, own_app: Flask) -> None:
    sessions = parts_of(own_app).sessions
    with sessions() as first, sessions() as second, ThreadPoolExecutor(1) as pool:
        report = first.scalars(select(Report)).one()
        gallery.add(first, report, _upload(80), now())
        pid = second.scalar(select(func.pg_backend_pid()))
        waiting = pool.submit(gallery.add, second, report, _upload(81), now())
        with sessions() as watching:
            eventually(lambda: watching.scalar(_WAITS, {"pid": pid}))
        first.commit()
        with pytest.raises(gallery.TooManyPhotos):
            waiting.result()
    crowd.send()
    assert crowd.statuses == [409]


def test_a_photo_sent_twice_at_once_is_kept_once(crowd: Crowd) -> None:
    crowd.storage.after_puts += [crowd.send]

    crowd.send()

    assert crowd.statuses == [201, 200]
    crowd.demand_that_all_is_kept()
