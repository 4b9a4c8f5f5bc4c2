"""The audit: who changed what in the city's set-up and its tickets, for those who look over it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from typing import Any

from flask import Response, jsonify

from api import cursors
from api.blueprint import resource
from api.callers import staff
from api.declarations import BYTES
from api.schemas.audit import (
    AuditFiltersSchema,
    AuditQuerySchema,
    AuditSchema,
    filters_from,
    told,
)
from api.services import db, release, services
from city.access import Act
from city.staff import Staff
from reports import auditing
from reports.auditing import Line

blueprint = resource("audit", "Who changed what, for those who look over it.")

CSV, LINES = "text/csv", "application/x-ndjson"
COLUMNS = ("at", "source", "actor", "person", "act", "thing", "reference", "changes")


@blueprint.route("/admin/audit")
@staff(Act.READ_AUDIT)
@blueprint.arguments(AuditQuerySchema, location="query")
@blueprint.response(200, AuditSchema)
def list_audit(query: dict[str, Any], staff: Staff) -> Response:
    """List what was done in the city, the newest first; with `source` as `audit` no tickets."""
    page = auditing.page(
        db(), staff.jurisdiction_id, filters_from(query), query["limit"], query["cursor"]
    )
    return jsonify(
        {"items": [told(line) for line in page.items], "next": cursors.next_url(page.next)}
    )


@blueprint.route("/admin/audit.csv")
@staff(Act.READ_AUDIT)
@blueprint.arguments(AuditFiltersSchema, location="query")
@blueprint.response(200, BYTES, content_type=CSV)
def export_csv(query: dict[str, Any], staff: Staff) -> Response:
    """Hand out the same list whole, as a table."""
    return _sent(query, staff, _table, CSV, "audit.csv")


@blueprint.route("/admin/audit.jsonl")
@staff(Act.READ_AUDIT)
@blueprint.arguments(AuditFiltersSchema, location="query")
@blueprint.response(200, BYTES, content_type=LINES)
def export_lines(query: dict[str, Any], staff: Staff) -> Response:
    """Hand out the same list whole, one JSON document a line."""
    return _sent(query, staff, _documents, LINES, "audit.jsonl")


def _sent(
    query: dict[str, Any],
    staff: Staff,
    write: Callable[[Iterable[Line]], Iterator[str]],
    media_type: str,
    name: str,
) -> Response:
    """Send the lines as they are read, so that a long past takes no more memory than a short."""
    release()
    lines = auditing.export(services().sessions, staff.jurisdiction_id, filters_from(query))
    answer = Response(write(lines), mimetype=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.cache_control.no_store = True
    return answer


def _documents(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        yield json.dumps(told(line), ensure_ascii=False) + "\n"


def _table(lines: Iterable[Line]) -> Iterator[str]:
    yield _row(COLUMNS)
    for line in lines:
        cells = told(line)
        thing = cells.pop("thing")
        changes = json.dumps(cells.pop("changes"), ensure_ascii=False)
        yield _row((*cells.values(), thing["kind"], thing["reference"], changes))


def _row(cells: Iterable[object]) -> str:
    text = StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
