"""Residents: handing out and erasing what is held about one of them.

The contact details come in the body, so that no address and no log ever holds them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Response, send_file

from api import archives
from api.blueprint import resource
from api.callers import staff
from api.declarations import BYTES
from api.schemas.residents import ErasedSchema, ErasureSchema, ResidentSchema
from api.services import commit, db, release, services
from city.access import Act
from city.models import KeptText
from city.staff import Staff
from infra.clock import now
from reports.privacy import personal
from reports.privacy.forgetting import COUNTED

blueprint = resource("residents", "What is held about one resident.")


@blueprint.route("/residents/export", methods=["POST"])
@staff(Act.HANDLE_PERSONAL_DATA)
@blueprint.arguments(ResidentSchema, example={"email": "camille@example.org"})
@blueprint.response(200, BYTES, content_type="application/zip")
def export_resident(body: dict[str, Any], staff: Staff) -> Response:
    """Hand out all that one's city holds about a resident.

    A ZIP archive: `data.json`, and the photos as they were sent. Notes among staff are not in it.
    """
    who, parts = body["who"], services()
    held = personal.collect(db(), staff, who, now())
    release()
    packed = archives.pack(held, parts.storage)
    personal.record_export(db(), staff, who, held, now(), parts.settings.secret_key)
    commit()
    answer = send_file(
        packed, mimetype="application/zip", as_attachment=True, download_name="resident.zip"
    )
    answer.cache_control.no_store = True
    return answer


@blueprint.route("/residents/erase", methods=["POST"])
@staff(Act.HANDLE_PERSONAL_DATA)
@blueprint.arguments(ErasureSchema, example={"email": "camille@example.org", "text": "blank"})
@blueprint.response(200, ErasedSchema)
def erase_resident(body: dict[str, Any], staff: Staff) -> dict[str, int]:
    """Forget a resident in all reports of one's city; a second time finds nothing.

    The reports stay as anonymous facts. With `text` as `blank`, what the resident wrote and their
    photos go too. Files leave the storage within seconds, by the workers.
    """
    secret_key = services().settings.secret_key
    text = KeptText(body["text"])
    counts: Counter[str] = personal.erase(db(), staff, body["who"], text, now(), secret_key)
    commit()
    return {what: counts[what] for what in COUNTED}
