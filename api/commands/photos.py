"""`flask photos redo`: new derivatives of all photos, after the way of making them has changed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import click
from flask.cli import AppGroup

from api.services import commit, db, services
from city import jurisdictions
from infra.clock import now
from infra.queue import QueueName
from infra.storage import MissingObject, StorageError
from reports import gallery
from reports.models import Photo
from reports.photo_process import RenderingCrashed, RenderingProcess, RenderingTooSlow
from reports.photos import UnusablePhoto

AT_ONCE = 100
# No number of a row is larger.
LAST = 2**63 - 1

group = AppGroup("photos", help="Look after photos.")


@dataclass
class _Count:
    last: int
    done: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def seen(self) -> int:
        return self.done + self.skipped + self.failed

    def __str__(self) -> str:
        outcome = f"{self.done} photos redone, {self.skipped} skipped"
        if self.failed:
            outcome += f", {self.failed} failed"
        return f"{outcome}, the last one is {self.last}"


@group.command("redo")
@click.option("--jurisdiction", metavar="CODE", help="Only the photos of this city.")
@click.option(
    "--after", type=click.IntRange(0, LAST), default=0, help="Go on after the photo of this number."
)
def redo(jurisdiction: str | None, after: int) -> None:
    """Make the derivatives of all photos anew from their originals.

    Every photo can be seen meanwhile, and new ones are taken in and worked on as always. After an
    interruption, go on with --after and the last number that was told. A photo that takes more time
    or memory than a worker would give it fails alone; the status is then 1.
    """
    city_id = _city_id(jurisdiction)
    total = gallery.count_ready(db(), after, city_id)
    most_s = services().settings.job_timeouts_s[QueueName.PHOTOS]
    count = _Count(after)
    signal.signal(signal.SIGTERM, _end)
    try:
        with closing(RenderingProcess(most_s)) as process:
            for photo in _photos(after, city_id):
                _redo_one(process, photo, count)
                if count.seen % AT_ONCE == 0:
                    click.echo(f"{count.seen} of {total}, up to photo {count.last}")
    except StorageError as error:
        raise click.ClickException(f"{error}; go on later with --after {count.last}") from error
    finally:
        click.echo(str(count))
    if count.failed:
        sys.exit(1)


def _end(number: int, _frame: object) -> None:
    # As after an interruption by the keyboard, it is told how far it came.
    sys.exit(128 + number)


def _city_id(code: str | None) -> int | None:
    if code is None:
        return None
    try:
        return jurisdictions.find(db(), code).id
    except jurisdictions.UnknownJurisdiction as error:
        raise click.ClickException(f"there is no jurisdiction {code}") from error


def _photos(after: int, city_id: int | None) -> Iterator[Photo]:
    while some := gallery.find_ready(db(), after, AT_ONCE, city_id):
        # No connection is held, and nothing locked, while a photo is worked on.
        commit()
        yield from some
        after = some[-1].id


def _redo_one(process: RenderingProcess, photo: Photo, count: _Count) -> None:
    try:
        reason = _redo(process, photo)
    except (RenderingCrashed, RenderingTooSlow) as error:
        count.failed += 1
        click.echo(f"photo {photo.id} failed: {error}", err=True)
    else:
        if reason is None:
            count.done += 1
        else:
            count.skipped += 1
            click.echo(f"photo {photo.id} skipped: {reason}", err=True)
    count.last = photo.id


def _redo(process: RenderingProcess, photo: Photo) -> str | None:
    """Give the photo new derivatives, or say why it keeps those that it has."""
    storage = services().storage
    try:
        rendering = process.render(storage.get(photo.original))
    except MissingObject:
        return "its original is gone"
    except UnusablePhoto as error:
        return f"its original is not taken any more ({error.code})"
    gallery.publish(storage, photo, rendering)
    written = gallery.record_redone(db(), photo, rendering, now())
    deleted = not written and gallery.is_deleted(db(), photo)
    commit()
    if deleted:
        gallery.withdraw(storage, photo)
    return None if written else "it was changed meanwhile"
