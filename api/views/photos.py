"""Photos: sending them, and seeing what became of them."""

from __future__ import annotations

import hashlib
from functools import partial
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from flask import Response, request

from api import forms, headers, pictures
from api.blueprint import resource
from api.bodies import (
    BadInput,
    FormTooLarge,
    read_bytes,
    reads_up_to,
)
from api.callers import NothingHere, anyone, current_staff, sender, token_reference
from api.declarations import BYTES, raises
from api.forms import MULTIPART_ROOM
from api.pictures import Album
from api.problems import Fault
from api.schemas.common import PhotoSchema
from api.services import db, locale, release, services
from infra.clock import now
from infra.storage import MissingObject, StorageError
from infra.words import mark, say
from reports import gallery, showing
from reports.gallery import MAX_PHOTO_BYTES
from reports.imaging.formats import UnusablePhoto
from reports.models import Report
from reports.resident.reading import HiddenReport
from reports.showing import Showing

log = structlog.get_logger()

blueprint = resource("photos", "Photos of what is reported.")

DAY_S = 86_400
PART = "photo"
NOT_A_FILE = mark("Expected a file, not a text.")
ONE_PHOTO = mark("A form takes one photo. Please send each by itself.")
MISSING_FILE = mark("The file is missing.")


@blueprint.route("/reports/<reference>/photos/<uuid:uuid>", methods=["PUT"])
@reads_up_to(MAX_PHOTO_BYTES)
@sender
@raises(*gallery.REFUSALS, StorageError, UnusablePhoto)
@blueprint.doc(requestBody=pictures.BODY)
@blueprint.response(201, PhotoSchema)
@blueprint.alt_response(200, schema=PhotoSchema, description="The photo is here already.")
def put_photo(report: Report, uuid: UUID) -> Response:
    """Send a photo as the body, under an identifier that the phone makes.

    Sending it again is harmless. At most 25 MB; JPEG, PNG, WebP, HEIC or AVIF.
    """
    pictures.demand_image_type()
    return _take_in(report, uuid, read_bytes(request, MAX_PHOTO_BYTES))


@blueprint.route("/reports/<reference>/photos", methods=["POST"])
@reads_up_to(MAX_PHOTO_BYTES + MULTIPART_ROOM)
@sender
@raises(*gallery.REFUSALS, FormTooLarge, StorageError, UnusablePhoto)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {
            forms.MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": [PART],
                    "properties": {PART: BYTES},
                },
                "encoding": {PART: {"contentType": ", ".join(pictures.PICTURES)}},
            }
        },
    }
)
@blueprint.response(201, PhotoSchema)
@blueprint.alt_response(200, schema=PhotoSchema, description="The photo is here already.")
def post_photo(report: Report) -> Response:
    """Send a photo as the part `photo` of a form; sending the same bytes again is harmless."""
    return take_in_part(report)


@blueprint.route(
    '/photos/<uuid:public_id>/<any("320", "800", "1600"):size>.<any("jpg", "webp"):extension>'
)
@anyone
@raises(HiddenReport, NothingHere)
@blueprint.doc(
    responses={"200": {"content": dict.fromkeys(gallery.MEDIA_TYPES.values(), pictures.PICTURE)}}
)
@blueprint.response(200, headers=headers.named("ETag", "Cache-Control"))
@blueprint.alt_response(
    304,
    headers=headers.named("ETag"),
    description="The photo is the one that `If-None-Match` names.",
)
def get_photo(public_id: UUID, size: str, extension: str) -> Response:
    """See a photo; sizes are 320, 800 and 1600, formats jpg and webp."""
    shown = showing.find(db(), public_id)
    if shown is None:
        raise NothingHere
    if not shown.public and not _may_see(shown):
        raise NothingHere
    if shown.hidden and not _is_staffs(shown):
        raise HiddenReport
    release()
    answer = Response(content_type=gallery.MEDIA_TYPES[extension])
    answer.set_etag(f"{public_id.hex}-{size}-{extension}-{shown.photo.attempt}")
    if shown.public and not shown.hidden:
        answer.cache_control.public = True
        answer.cache_control.max_age = DAY_S
        answer.cache_control.must_revalidate = True
    else:
        # Whoever sits down at the same browser afterwards has to show a token too.
        answer.cache_control.private = True
        answer.cache_control.no_cache = True
        answer.vary.add("Authorization")
    if not request.if_none_match.contains(answer.get_etag()[0] or ""):
        answer.set_data(_bytes_of(public_id, int(size), extension))
    answer.make_conditional(request)
    return answer


def _bytes_of(public_id: UUID, size: int, extension: str) -> bytes:
    try:
        return services().storage.get(gallery.derivative_key(public_id, size, extension))
    except MissingObject as error:
        # No waiting brings it back, though `flask photos redo` does.
        log.error("derivative missing", photo=str(public_id), size=size, extension=extension)
        raise NothingHere from error


def _may_see(shown: Showing) -> bool:
    return _is_staffs(shown) or token_reference() in shown.references


def _is_staffs(shown: Showing) -> bool:
    staff = current_staff()
    return staff is not None and shown.is_for(staff)


def _take_in(report: Report, uuid: UUID, data: bytes) -> Response:
    album = Album(
        key_of=partial(gallery.original_key, report.id),
        find_same=lambda upload: gallery.find_same(db(), report.id, upload),
        add=lambda upload: gallery.add(db(), report, upload, now()),
    )
    return pictures.take_in(album, uuid, data)


def take_in_part(report: Report) -> Response:
    """Take in the photo of the request's form; the same bytes again are the same photo."""
    data = _part()
    uuid = uuid5(NAMESPACE_OID, f"{report.reference}:{hashlib.sha256(data).hexdigest()}")
    return _take_in(report, uuid, data)


def _part() -> bytes:
    form = forms.read(MAX_PHOTO_BYTES, forms.MULTIPART)
    files, texts = form.files.getlist(PART), form.texts.getlist(PART)
    if len(files) != 1 or texts:
        complaint = ONE_PHOTO if files else NOT_A_FILE if texts else MISSING_FILE
        raise BadInput(Fault(say(locale(), complaint), pointer=f"/{PART}"))
    return forms.bytes_of(files[0])
