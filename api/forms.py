"""Forms: read whole and within bounds, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api.bodies import (
    MAX_JSON_BYTES,
    BodyTooLarge,
    FormTooLarge,
    MalformedBody,
    UnsupportedBody,
)
from reports.gallery import MAX_PHOTO_BYTES

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
# The rest of a multipart body: its boundaries and the headers of its parts.
MULTIPART_ROOM = 16 * 1024
MAX_PARTS = 1_000
MAX_FIELD_BYTES = 500_000


class Form(NamedTuple):
    """What a form holds, by name: texts, and files that are closed with the request."""

    texts: MultiDict[str, str]
    files: MultiDict[str, FileStorage]


def read(most_bytes: int, *kinds: str) -> Form:
    """Return the form of the request, whose media type has to be one of the kinds.

    `most_bytes` is for what it holds, beside what divides it. Raise BodyTooLarge, UnsupportedBody,
    MalformedBody or FormTooLarge.
    """
    if request.mimetype == URLENCODED:
        # It holds no files, and is taken apart as a whole.
        most_bytes = min(most_bytes, MAX_JSON_BYTES)
    request.max_content_length = most_bytes + MULTIPART_ROOM
    request.max_form_parts = MAX_PARTS
    request.max_form_memory_size = MAX_FIELD_BYTES
    if (request.content_length or 0) > request.max_content_length:
        raise BodyTooLarge(most_bytes)
    if request.mimetype not in kinds:
        raise UnsupportedBody(", ".join(kinds))
    if request.mimetype == MULTIPART and not request.mimetype_params.get("boundary"):
        raise MalformedBody
    form = Form(_parsed(lambda: request.form), _parsed(lambda: request.files))
    if any(len(text) > MAX_FIELD_BYTES for _, text in form.texts.items(multi=True)):
        raise FormTooLarge(MAX_PARTS, MAX_FIELD_BYTES)
    return form


def bytes_of(file: FileStorage) -> bytes:
    """Return the bytes of a photo; raise BodyTooLarge where there are more than one may have."""
    data: bytes = file.read(MAX_PHOTO_BYTES + 1)
    if len(data) > MAX_PHOTO_BYTES:
        raise BodyTooLarge(MAX_PHOTO_BYTES)
    return data


def _parsed(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except RequestEntityTooLarge as error:
        # How long the whole may be has been looked at before.
        raise FormTooLarge(MAX_PARTS, MAX_FIELD_BYTES) from error
    except (HTTPException, ValueError) as error:
        raise MalformedBody from error
