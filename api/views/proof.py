"""Photos of the work on a ticket: how the spot looked before it was done, and after."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from api import pictures
from api.blueprint import resource
from api.bodies import reads_up_to
from api.callers import staff
from api.declarations import raises
from api.loading import loaded
from api.pictures import Album
from api.schemas.common import PhotoSchema
from api.schemas.proof import ClearedSchema, ClearSchema, PurposeQuerySchema
from api.services import commit, db
from api.views.moderation import of_photo
from city.access import Act
from city.staff import Staff
from infra.clock import now
from infra.storage import StorageError
from reports import gallery
from reports.desk import flags, work_photos
from reports.gallery import MAX_PHOTO_BYTES
from reports.imaging import origin
from reports.imaging.formats import UnusablePhoto
from reports.models import Photo, Ticket
from reports.purposes import Purpose

blueprint = resource("proof", "Photos of the work, and what looks odd about them.")


@blueprint.route("/tickets/<reference>/photos/<uuid:uuid>", methods=["PUT"])
@reads_up_to(MAX_PHOTO_BYTES)
@staff(Act.ADD_PHOTOS)
@loaded(Act.ADD_PHOTOS)
@raises(*work_photos.REFUSALS, StorageError, UnusablePhoto)
@blueprint.doc(requestBody=pictures.BODY)
@pictures.sent_as_body
@blueprint.arguments(PurposeQuerySchema, location="query")
@blueprint.response(201, PhotoSchema)
@blueprint.alt_response(200, schema=PhotoSchema, description="The photo is here already.")
def put_photo(
    query: dict[str, Any], data: bytes, ticket: Ticket, staff: Staff, uuid: UUID
) -> Response:
    """Show the work: send a photo as the body, under an identifier that the phone makes.

    Sending it again is harmless. At most 25 MB and five for each purpose; JPEG, PNG, WebP, HEIC or
    AVIF. Residents see it with their report. What looks odd about a photo of the work done, such as
    that it was taken far away, before the report came, or was seen with another ticket, is told to
    the dispatchers.
    """
    purpose = Purpose(query["purpose"])
    album = Album(
        key_of=partial(gallery.key_of_work, ticket.id),
        find_same=lambda upload: work_photos.find_same(db(), ticket.id, purpose, upload),
        add=lambda upload: work_photos.add(
            db(), staff, ticket.id, purpose, upload, origin.read(data), now()
        ),
    )
    return pictures.take_in(album, uuid, data)


@blueprint.route("/photos/<uuid:public_id>/clear-flags", methods=["POST"])
@staff(Act.MODERATE)
@of_photo
@blueprint.arguments(ClearSchema, example={"reason": "Le GPS du téléphone s'était trompé."})
@blueprint.response(200, ClearedSchema)
def clear_flags(body: dict[str, Any], photo: Photo, staff: Staff) -> Photo:
    """Say that what looked odd about a photo of the work is in order; again is harmless."""
    flags.clear(db(), staff, photo, body["reason"], now())
    commit()
    return photo
