"""`flask photos redo`: new derivatives of all photos, after the way of making them has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import click
from flask.cli import AppGroup

from api.services import commit, db, services
from city import jurisdictions
from infra.clock import now
from infra.storage import MissingObject, StorageError
from reports import gallery
from reports.models import Photo
from reports.photo_process import RenderingCrashed, RenderingProcess
from reports.photos import UnusablePhoto

AT_ONCE = 100

group = AppGroup("photos", help="Look after photos.")


@group.command("redo")
@click.option("--jurisdiction", metavar="CODE", help="Only the photos of this city.")
@click.option("--after", type=int, default=0, help="Go on after the photo of this number.")
def redo(jurisdiction: str | None, after: int) -> None:
    """Make the derivatives of all photos anew from their originals.

    Every photo can be seen meanwhile, and new ones are taken in and worked on as always. After an
    interruption, go on with --after and the last number that was told.
    """
    city_id = _city_id(jurisdiction)
    total = gallery.count_ready(db(), after, city_id)
    done = skipped = 0
    last = after
    try:
        with closing(RenderingProcess()) as process:
            for photo in _photos(after, city_id):
                reason = _redo(process, photo)
                if reason is None:
                    done += 1
                else:
                    skipped += 1
                    click.echo(f"photo {photo.id} skipped: {reason}", err=True)
                last = photo.id
                if (done + skipped) % AT_ONCE == 0:
                    click.echo(f"{done + skipped} of {total}, up to photo {last}")
    except StorageError as error:
        raise click.ClickException(f"{error}; go on later with --after {last}") from error
    finally:
        click.echo(f"{done} photos redone, {skipped} skipped, the last one is {last}")


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


def _redo(process: RenderingProcess, photo: Photo) -> str | None:
    """Give the photo new derivatives, or say why it keeps those that it has."""
    storage = services().storage
    key = gallery.original_key(photo.report_id, photo.uuid, photo.sha256)
    try:
        rendering = process.render(storage.get(key))
    except MissingObject:
        return "its original is gone"
    except UnusablePhoto as error:
        return f"its original is not taken any more ({error.code})"
    except RenderingCrashed:
        return "its original ended the process that decoded it"
    gallery.publish(storage, photo, rendering)
    written = gallery.record_redone(db(), photo, rendering, now())
    deleted = not written and gallery.is_deleted(db(), photo)
    commit()
    if deleted:
        gallery.withdraw(storage, photo)
    return None if written else "it was changed meanwhile"
