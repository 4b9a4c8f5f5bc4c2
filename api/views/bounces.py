"""Learning from what came back, for the city's administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import documents, offices
from api.blueprint import resource
from api.callers import staff
from api.documents import GEOJSON
from api.schemas.bounces import BouncesQuerySchema, BouncesSchema
from api.schemas.layers import DistrictCollectionSchema
from api.services import locale
from city.access import Act
from city.staff import Staff
from reports.bounces import overview
from reports.bounces.overview import Overview
from reports.bounces.told import Bounce

blueprint = resource("bounces", "What came back from where the rules had sent it.")


@blueprint.route("/admin/rulesets/bounces")
@staff(Act.SET_UP)
@blueprint.arguments(BouncesQuerySchema, location="query")
@blueprint.response(200, BouncesSchema)
def list_bounces(query: dict[str, Any], staff: Staff) -> Response:
    """See what teams handed back and dispatchers sent elsewhere, by rule, category and district.

    For each the rule is told that would have sent it right, as `POST /admin/rulesets` takes it,
    with how many tickets it would have mended and spoilt. Nothing is changed.
    """
    found = _look(query, staff)
    return documents.answer(
        {
            "from": found.window.since,
            "to": found.window.until,
            "ruleset": found.version,
            "rules": found.rules,
            "clusters": found.clusters,
            "items": [_bounce(one) for one in found.bounces],
        }
    )


@blueprint.route("/admin/rulesets/bounces/map")
@staff(Act.SET_UP)
@blueprint.arguments(BouncesQuerySchema, location="query")
@blueprint.response(200, DistrictCollectionSchema, content_type=GEOJSON)
def map_bounces(query: dict[str, Any], staff: Staff) -> Response:
    """See as GeoJSON where the tickets of each cluster lie that came back."""
    return documents.answer(overview.as_geojson(_look(query, staff)), GEOJSON)


def _look(query: dict[str, Any], staff: Staff) -> Overview:
    return overview.look(
        offices.of(staff), query["since"], query["until"], query["limit"], locale()
    )


def _bounce(told: Bounce) -> dict[str, Any]:
    effect = told.effect
    return {
        "rule": told.rule,
        "category": told.category,
        "district": told.district,
        "team": told.team,
        "sent": told.sent,
        "bounced": told.bounced,
        "share": told.share,
        "handed_back": told.handed_back,
        "overridden": told.overridden,
        "ended_with": told.ended_with,
        "agreed": told.agreed,
        "location": told.location,
        "extent": told.extent,
        "separated_by": told.separated_by,
        "change": told.change,
        "would_mend": effect.mends if effect else None,
        "would_mend_elsewhere": effect.mends_elsewhere if effect else None,
        "would_spoil": effect.spoils if effect else None,
        "why_not": told.why_not,
        "text": told.text,
    }
