"""How a picture is taken in, whatever it is of: its bytes first, and only then its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from flask import Response, jsonify, request

from api.bodies import BodyTooLarge, UnsupportedBody, read_bytes
from api.declarations import BYTES
from api.schemas.common import PhotoSchema
from api.services import commit, release, roll_back, services
from infra.storage import StorageError
from reports import gallery
from reports.gallery import MAX_PHOTO_BYTES, Upload
from reports.models import Photo
from reports.resident.reading import PhotoView

log = structlog.get_logger()

# What photos are, for the description: whatever an image is called, its bytes decide.
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")
PICTURE = {"schema": BYTES}
BODY = {
    "required": True,
    "content": dict.fromkeys((*PICTURES, "image/*", "application/octet-stream"), PICTURE),
}
PHOTO = PhotoSchema()


class Album(NamedTuple):
    """Where a picture goes: under which key, which of those there it repeats, and how it is noted.

    `add` also tells whether it was new.
    """

    key_of: Callable[[UUID], str]
    find_same: Callable[[Upload], Photo | None]
    add: Callable[[Upload], tuple[Photo, bool]]


class Original(NamedTuple):
    """A picture as it came, and under which key it is kept."""

    key: str
    data: bytes
    media_type: str


def sent_as_body(view: Callable[..., Any]) -> Callable[..., Any]:
    """Give the view the bytes of a picture, before anything is said about the query."""

    @wraps(view)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        demand_image_type()
        return view(*arguments, data=read_bytes(request, MAX_PHOTO_BYTES), **named)

    return wrapper


def take_in(album: Album, uuid: UUID, data: bytes) -> Response:
    """Take the picture in and return the answer that tells of it: 201, or 200 for a repeat."""
    upload = gallery.receive(uuid, data)
    photo = album.find_same(upload)
    release()
    new = photo is None
    if photo is None:
        key = album.key_of(upload.name)
        with stored([Original(key, data, upload.facts.media_type)]):
            photo, new = album.add(upload)
        commit()
        if not new:
            _drop(key)
    answer = jsonify(PHOTO.dump(_view(photo)))
    answer.status_code = 201 if new else 200
    return answer


@contextmanager
def stored(originals: Sequence[Original]) -> Iterator[None]:
    """Have originals in the storage while the rows that name them are written.

    They are safe before their rows are: a row never names a file that is not there. What is to be
    committed is committed afterwards, since nobody knows whether a commit that failed was one.
    """
    keys: list[str] = []
    try:
        for one in originals:
            services().storage.put(one.key, one.data, one.media_type)
            keys.append(one.key)
        yield
    except Exception:
        # Whatever has gone wrong, no row names the files, and the next try brings others.
        roll_back()
        for key in keys:
            _drop(key)
        raise


def demand_image_type() -> None:
    """Raise UnsupportedBody for what is called no picture, or BodyTooLarge where it is that too."""
    given = request.mimetype or request.content_type
    if given and not given.startswith("image/") and given != "application/octet-stream":
        if (request.content_length or 0) > MAX_PHOTO_BYTES:
            raise BodyTooLarge(MAX_PHOTO_BYTES)
        raise UnsupportedBody("image/*, application/octet-stream")


def _drop(key: str) -> None:
    """Remove a file that no row names; where the storage fails, the sweeper will find it."""
    try:
        services().storage.delete(key)
    except StorageError:
        log.warning("superfluous original left behind")


def _view(photo: Photo) -> PhotoView:
    return PhotoView(
        str(photo.public_id), photo.status, photo.reason, photo.placeholder, photo.purpose
    )
