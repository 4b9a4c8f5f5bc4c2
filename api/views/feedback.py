"""After the closing: reporters say whether it is solved, the city sees how often it is."""

from __future__ import annotations

from typing import Any

from api.blueprint import resource
from api.callers import reporter, staff
from api.declarations import raises
from api.schemas.feedback import (
    FeedbackSchema,
    NewFeedbackSchema,
    SatisfactionQuerySchema,
    SatisfactionSchema,
)
from api.services import commit, db, locale
from city.access import Act
from city.staff import Staff
from infra.clock import now
from reports import satisfaction
from reports.models import Message, Report
from reports.resident import feedback, reading
from reports.resident.feedback import FeedbackTooLate, NothingToAnswer
from reports.satisfaction import By

blueprint = resource("feedback", "What reporters say once the work is closed.")


@blueprint.route("/reports/<reference>/feedback", methods=["POST"])
@reporter
@raises(NothingToAnswer, FeedbackTooLate)
@blueprint.arguments(
    NewFeedbackSchema, example={"satisfied": False, "comment": "Le trou est encore là."}
)
@blueprint.response(201, FeedbackSchema)
def give_feedback(body: dict[str, Any], report: Report) -> dict[str, Any]:
    """Say whether it is solved; a "no" opens the ticket again, and its team reads the comment.

    It can be said for some days after the closing, by default 14; later it is refused, and
    `report_again` tells what a new report would say. The same answer again changes nothing.
    """
    given = feedback.give(
        db(), report, satisfied=body["satisfied"], comment=body["comment"], now=now()
    )
    commit()
    message = db().get_one(Message, given.message_id) if given.message_id else None
    return {
        "satisfied": given.satisfied,
        "comment": message and message.body,
        "at": given.answered_at,
        "closed_at": given.closed_at,
        "status": reading.current_ticket(db(), report).status,
    }


@blueprint.route("/satisfaction")
@staff(Act.SEE_FIGURES)
@blueprint.arguments(SatisfactionQuerySchema, location="query")
@blueprint.response(200, SatisfactionSchema)
def get_satisfaction(query: dict[str, Any], staff: Staff) -> dict[str, Any]:
    """Count how many reporters are satisfied, by category, team or district when it was closed."""
    by = By(query["by"])
    figures = satisfaction.figures(
        db(), staff.jurisdiction_id, by, query.get("after"), query.get("before"), locale()
    )
    return {"by": by.value, "items": figures}
