"""Filters of the inbox that staff save for themselves; everybody has their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from api.blueprint import BASE, resource
from api.callers import staff
from api.declarations import raises
from api.schemas.saved_filters import (
    FilterChangeSchema,
    FilterSchema,
    FiltersSchema,
    NewFilterSchema,
)
from api.services import commit, db, public_url
from city.access import Act
from city.staff import Staff
from infra.clock import now
from reports.desk_models import SavedFilter
from reports.inbox import saved_filters
from reports.inbox.saved_filters import FilterNameTaken, TooManyFilters, UnknownFilter

blueprint = resource("filters", "Filters of the inbox that one has saved.")

_EXAMPLE = {"name": "En retard à la voirie", "query": {"team": ["voirie"], "late": True}}


@blueprint.route("/filters")
@staff(Act.READ_TICKETS)
@blueprint.response(200, FiltersSchema)
def list_filters(staff: Staff) -> dict[str, Any]:
    """List the filters that one has saved, by name."""
    return {"items": [_told(saved) for saved in saved_filters.of_person(db(), staff)]}


@blueprint.route("/filters", methods=["POST"])
@staff(Act.READ_TICKETS)
@raises(FilterNameTaken, TooManyFilters)
@blueprint.arguments(NewFilterSchema, example=_EXAMPLE)
@blueprint.response(201, FilterSchema)
def save_filter(body: dict[str, Any], staff: Staff) -> dict[str, Any]:
    """Save a filter of the inbox under a name."""
    saved = saved_filters.save(db(), staff, body["name"], body["query"], now())
    commit()
    return _told(saved)


@blueprint.route("/filters/<uuid:filter_id>", methods=["PATCH"])
@staff(Act.READ_TICKETS)
@raises(UnknownFilter, FilterNameTaken)
@blueprint.arguments(FilterChangeSchema, required=False, example={"name": "Voirie"})
@blueprint.response(200, FilterSchema)
def change_filter(body: dict[str, Any], filter_id: UUID, staff: Staff) -> dict[str, Any]:
    """Rename a filter, or let it say something else."""
    saved = saved_filters.find(db(), staff, filter_id)
    saved_filters.change(db(), staff, saved, body.get("name"), body.get("query"), now())
    commit()
    return _told(saved)


@blueprint.route("/filters/<uuid:filter_id>", methods=["DELETE"])
@staff(Act.READ_TICKETS)
@raises(UnknownFilter)
@blueprint.response(204)
def remove_filter(filter_id: UUID, staff: Staff) -> None:
    """Remove a filter."""
    saved_filters.remove(db(), saved_filters.find(db(), staff, filter_id))
    commit()


def _told(saved: SavedFilter) -> dict[str, Any]:
    pairs = [(name, _written(value)) for name, value in sorted(saved.query.items())]
    return {
        "id": saved.public_id,
        "name": saved.name,
        "query": saved.query,
        "url": f"{public_url(f'{BASE}/tickets')}?{urlencode(pairs)}",
        "created_at": saved.created_at,
        "updated_at": saved.updated_at,
    }


def _written(value: object) -> str:
    """Return the value as the address of the inbox says it."""
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
