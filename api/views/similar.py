"""What may be about the same thing."""

from __future__ import annotations

from typing import Any

from api.blueprint import resource
from api.bodies import BadInput
from api.callers import anyone, staff
from api.declarations import raises
from api.errors import UNKNOWN_CATEGORY
from api.problems import Fault
from api.schemas.common import position_of
from api.schemas.similar import SimilarQuerySchema, SimilarTicketsSchema
from api.services import db, locale
from city.access import Act
from city.categories import UnknownCategory
from city.jurisdictions import OutOfArea
from city.staff import Staff
from infra.clock import now
from infra.words import say
from reports.desk import handling
from reports.desk.handling import UnknownTicket
from reports.resident import similar

blueprint = resource("similar", "What may be about the same thing.")


@blueprint.route("/similar")
@anyone
@raises(OutOfArea)
@blueprint.arguments(SimilarQuerySchema, location="query")
@blueprint.response(200, SimilarTicketsSchema)
def find_similar(query: dict[str, Any]) -> dict[str, Any]:
    """Tell which open tickets a report that is about to be sent may be about, and why.

    `same_as` of a new report takes the `ticket` that its sender chooses; nothing is chosen for
    them.
    """
    try:
        found = similar.near_spot(
            db(), position_of(query), query["category"], query["description"], locale(), now()
        )
    except UnknownCategory as error:
        raise BadInput(Fault(say(locale(), UNKNOWN_CATEGORY), parameter="category")) from error
    return {"items": found}


@blueprint.route("/tickets/<reference>/similar")
@staff(Act.READ_TICKETS)
@raises(UnknownTicket)
@blueprint.response(200, SimilarTicketsSchema)
def find_similar_to_ticket(reference: str, staff: Staff) -> dict[str, Any]:
    """Tell which open tickets may be about the same thing as this one, and why.

    Photos are compared too, and what the public may not see is told where it could be merged.
    """
    ticket = handling.find(db(), staff, reference)
    return {"items": similar.near_ticket(db(), staff, ticket, locale())}
