"""The same for many tickets, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from api import preconditions
from api.blueprint import resource
from api.callers import staff
from api.errors import TABLE, problem_of, take_back
from api.schemas.bulk import BulkOutcomesSchema, BulkSchema
from api.services import commit, db, locale
from city.access import Act
from city.staff import Staff
from infra.clock import now
from reports.desk import handling, triage
from reports.desk.handling import Step
from reports.models import Ticket

blueprint = resource("bulk", "The same for many tickets.")

REFUSALS = tuple(TABLE)

Do = Callable[[Ticket], Ticket]


@blueprint.route("/tickets/bulk", methods=["POST"])
@staff(Act.ASSIGN)
@blueprint.arguments(
    BulkSchema,
    example={
        "items": [{"reference": "T-7KM-2QX-94B", "etag": '"v3"'}],
        "change": {"priority": "high"},
    },
)
@blueprint.response(200, BulkOutcomesSchema)
def change_many(body: dict[str, Any], staff: Staff) -> dict[str, Any]:
    """Change or move on up to 1,000 tickets; what one is refused leaves the others alone."""
    if "change" in body:
        act, do = Act.ASSIGN, _changing(staff, body["change"])
    else:
        act, do = Act.CHANGE_STATUS, _moving(staff, body["transition"])
    return {"items": [_outcome(staff, item, act, do) for item in body["items"]]}


def _outcome(staff: Staff, item: dict[str, Any], act: Act, do: Do) -> dict[str, Any]:
    """Do it to one ticket, in a transaction of its own, and return what became of it."""
    try:
        ticket = handling.find(db(), staff, item["reference"])
        handling.demand(staff, act, ticket)
        preconditions.check(item["etag"], ticket.version)
        done = do(ticket)
        commit()
    except REFUSALS as error:
        problem = problem_of(error)
        take_back(problem, error)
        return {
            "reference": item["reference"],
            "status": problem.status,
            "problem": problem.document(locale()),
        }
    etag = f'"{preconditions.etag(done.version)}"'
    return {"reference": done.reference, "status": 200, "etag": etag}


def _changing(staff: Staff, change: dict[str, Any]) -> Do:
    reason = change.pop("reason", None)
    wanted = cast(triage.Wanted, change)

    def do(ticket: Ticket) -> Ticket:
        changed, _ = triage.change(db(), staff, ticket.id, ticket.version, wanted, reason, now())
        return changed

    return do


def _moving(staff: Staff, step: Step) -> Do:
    def do(ticket: Ticket) -> Ticket:
        return handling.transition(db(), staff, ticket.id, ticket.version, step, now())

    return do
