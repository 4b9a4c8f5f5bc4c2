"""Where a spot lies."""

from __future__ import annotations

from typing import Any

from api.blueprint import resource
from api.bodies import BadInput
from api.callers import anyone
from api.errors import UNKNOWN_CATEGORY
from api.problems import Fault
from api.schemas.city import LocateQuerySchema, LocationSchema
from api.schemas.common import position_of
from api.services import db, locale
from city.categories import UnknownCategory
from infra.clock import now
from infra.words import Reader, say
from reports import whereabouts

blueprint = resource("locations", "Where a spot lies and who answers for it.")


@blueprint.route("/locate")
@anyone
@blueprint.arguments(LocateQuerySchema, location="query")
@blueprint.response(200, LocationSchema)
def locate(query: dict[str, Any]) -> dict[str, Any]:
    """Tell which city, district and team a spot belongs to, and how sure that is.

    A spot outside of every city is no error: `jurisdiction` is null then, and `nearest` names the
    city nearby, if any.
    """
    try:
        found = whereabouts.ask(
            db(), position_of(query), query["accuracy_m"], query["category"], locale(), now()
        )
    except UnknownCategory as error:
        raise BadInput(Fault(say(locale(), UNKNOWN_CATEGORY), parameter="category")) from error
    near = found.nearest
    return {
        "jurisdiction": found.jurisdiction,
        "district": found.district,
        "team": found.team,
        "certain": found.certain,
        "candidates": [
            {"district": district, "share": share} for district, share in found.candidates
        ],
        "question": found.question,
        "nearest": near
        and {
            "code": near.code,
            "name": Reader(locale(), near.locales).name(near.names),
            "distance_m": near.distance_m,
        },
    }
