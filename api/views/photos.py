"""Photos: sending them, and seeing what became of them."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api import headers
from api.blueprint import resource
from api.bodies import (
    MAX_PHOTO_BYTES,
    BadInput,
    BodyTooLarge,
    FormTooLarge,
    MalformedBody,
    UnsupportedBody,
    read_bytes,
    reads_up_to,
)
from api.callers import NothingHere, anyone, current_staff, holds, sender
from api.declarations import BYTES, raises
from api.problems import Fault
from api.schemas.common import PhotoSchema
from api.services import commit, db, locale, release, roll_back, services
from city.access import Act
from infra.clock import now
from infra.storage import MissingObject, StorageError
from infra.words import mark, say
from reports import gallery, reading
from reports.models import Photo, Report, Visibility
from reports.photo_formats import UnusablePhoto
from reports.reading import HiddenReport, PhotoView

log = structlog.get_logger()

blueprint = resource("photos", "Photos of what is reported.")

DAY_S = 86_400
# The rest of a multipart body: its boundaries and the headers of its parts.
MULTIPART_ROOM = 16 * 1024
MAX_PARTS = 1_000
MAX_FIELD_BYTES = 500_000
PART = "photo"
# What photos are, for the description: whatever an image is called, its bytes decide.
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")
PICTURE = {"schema": BYTES}
NOT_A_FILE = mark("Expected a file, not a text.")
ONE_PHOTO = mark("A form takes one photo. Please send each by itself.")
MISSING_FILE = mark("The file is missing.")
PHOTO = PhotoSchema()


@blueprint.route("/reports/<reference>/photos/<uuid:uuid>", methods=["PUT"])
@reads_up_to(MAX_PHOTO_BYTES)
@sender
@raises(*gallery.REFUSALS, StorageError, UnusablePhoto)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": dict.fromkeys((*PICTURES, "image/*", "application/octet-stream"), PICTURE),
    }
)
@blueprint.response(201, PhotoSchema)
@blueprint.alt_response(200, schema=PhotoSchema, description="The photo is here already.")
def put_photo(report: Report, uuid: UUID) -> Response:
    """Send a photo as the body, under an identifier that the phone makes.

    Sending it again is harmless. At most 25 MB; JPEG, PNG, WebP, HEIC or AVIF.
    """
    _demand_image_type()
    return _take_in(report, uuid, read_bytes(request, MAX_PHOTO_BYTES))


@blueprint.route("/reports/<reference>/photos", methods=["POST"])
@reads_up_to(MAX_PHOTO_BYTES + MULTIPART_ROOM)
@sender
@raises(*gallery.REFUSALS, FormTooLarge, StorageError, UnusablePhoto)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [PART],
                    "properties": {PART: BYTES},
                },
                "encoding": {PART: {"contentType": ", ".join(PICTURES)}},
            }
        },
    }
)
@blueprint.response(201, PhotoSchema)
@blueprint.alt_response(200, schema=PhotoSchema, description="The photo is here already.")
def post_photo(report: Report) -> Response:
    """Send a photo as the part `photo` of a form; sending the same bytes again is harmless."""
    data = _part()
    uuid = uuid5(NAMESPACE_OID, f"{report.reference}:{hashlib.sha256(data).hexdigest()}")
    return _take_in(report, uuid, data)


@blueprint.route(
    '/photos/<uuid:public_id>/<any("320", "800", "1600"):size>.<any("jpg", "webp"):extension>'
)
@anyone
@raises(HiddenReport, NothingHere)
@blueprint.doc(responses={"200": {"content": dict.fromkeys(gallery.MEDIA_TYPES.values(), PICTURE)}})
@blueprint.response(200, headers=headers.named("ETag", "Cache-Control"))
@blueprint.alt_response(
    304,
    headers=headers.named("ETag"),
    description="The photo is the one that `If-None-Match` names.",
)
def get_photo(public_id: UUID, size: str, extension: str) -> Response:
    """See a photo; sizes are 320, 800 and 1600, formats jpg and webp."""
    photo = reading.public_photo(db(), public_id)
    if photo is None:
        raise NothingHere
    report = reading.report_of_photo(db(), photo)
    public = reading.in_public_category(db(), report)
    if not public and not _may_see(report):
        raise NothingHere
    hidden = Visibility.HIDDEN.value in (photo.visibility, report.visibility)
    if hidden and not _is_staffs(report):
        raise HiddenReport
    release()
    answer = Response(content_type=gallery.MEDIA_TYPES[extension])
    answer.set_etag(f"{public_id.hex}-{size}-{extension}-{photo.attempt}")
    if public and not hidden:
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


def _may_see(report: Report) -> bool:
    return _is_staffs(report) or holds(report)


def _is_staffs(report: Report) -> bool:
    """Tell whether the caller is a person who may read the report's ticket."""
    staff = current_staff()
    if staff is None:
        return False
    ticket = reading.current_ticket(db(), report)
    same_city = staff.jurisdiction_id == report.jurisdiction_id
    return same_city and staff.may(Act.READ_TICKETS, ticket.team_id)


def _take_in(report: Report, uuid: UUID, data: bytes) -> Response:
    upload = gallery.receive(uuid, data)
    photo = gallery.find_same(db(), report.id, upload)
    release()
    new = photo is None
    if photo is None:
        # The original is safe before its row is: a row never names a file that is not there.
        key = gallery.original_key(report.id, upload.name)
        services().storage.put(key, data, upload.facts.media_type)
        try:
            photo, new = gallery.add(db(), report, upload, now())
        except Exception:
            # Whatever has gone wrong, no row names the file, and the next try brings another.
            roll_back()
            _drop(key)
            raise
        commit()
        if not new:
            _drop(key)
    answer = jsonify(PHOTO.dump(_view(photo)))
    answer.status_code = 201 if new else 200
    return answer


def _drop(key: str) -> None:
    """Remove a file that no row names; where the storage fails, the sweeper will find it."""
    try:
        services().storage.delete(key)
    except StorageError:
        log.warning("superfluous original left behind")


def _view(photo: Photo) -> PhotoView:
    return PhotoView(str(photo.public_id), photo.status, photo.reason, photo.placeholder)


def _demand_image_type() -> None:
    given = request.mimetype or request.content_type
    if given and not given.startswith("image/") and given != "application/octet-stream":
        if (request.content_length or 0) > MAX_PHOTO_BYTES:
            raise BodyTooLarge(MAX_PHOTO_BYTES)
        raise UnsupportedBody("image/*, application/octet-stream")


def _part() -> bytes:
    request.max_content_length = MAX_PHOTO_BYTES + MULTIPART_ROOM
    request.max_form_parts = MAX_PARTS
    request.max_form_memory_size = MAX_FIELD_BYTES
    if (request.content_length or 0) > request.max_content_length:
        raise BodyTooLarge(MAX_PHOTO_BYTES)
    if request.mimetype != "multipart/form-data":
        raise UnsupportedBody("multipart/form-data")
    if not request.mimetype_params.get("boundary"):
        raise MalformedBody
    files = _files().getlist(PART)
    texts = request.form.getlist(PART)
    if len(files) != 1 or texts:
        complaint = ONE_PHOTO if files else NOT_A_FILE if texts else MISSING_FILE
        raise BadInput(Fault(say(locale(), complaint), pointer=f"/{PART}"))
    data: bytes = files[0].read(MAX_PHOTO_BYTES + 1)
    if len(data) > MAX_PHOTO_BYTES:
        raise BodyTooLarge(MAX_PHOTO_BYTES)
    return data


def _files() -> Any:
    try:
        return request.files
    except RequestEntityTooLarge as error:
        # How long the whole may be has been looked at before.
        raise FormTooLarge(MAX_PARTS, MAX_FIELD_BYTES) from error
    except (HTTPException, ValueError) as error:
        raise MalformedBody from error
