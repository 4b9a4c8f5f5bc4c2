"""The work of teams: taking, asking, planning, handing over, and giving back what is not theirs."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import headers, repeats, told
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises, reads
from api.loading import loaded, unchanged
from api.schemas.reports import NewMessageSchema
from api.schemas.teamwork import (
    CloseReasonsSchema,
    ColleaguesSchema,
    HandBackSchema,
    HandBacksSchema,
    HandingSchema,
    OffersQuerySchema,
    OffersSchema,
    PlanSchema,
    ReporterQuestionSchema,
    ThirdPartiesSchema,
)
from api.schemas.tickets import TicketSchema
from api.services import commit, db, locale
from city.access import Act
from city.staff import Staff
from infra.clock import now
from reports import idempotency
from reports.decisions import NoFallbackTeam
from reports.desk import (
    close_reasons,
    colleagues,
    handing_back,
    planning,
    questions,
    taking,
    templates,
    third_parties,
)
from reports.desk.handing_back import HandedBackAlready
from reports.desk.handling import NothingLeftToDo, StaleVersion, TicketMerged
from reports.desk.planning import DayGone, NothingToPlan, Plan, TimeGone
from reports.desk.taking import TakenAlready
from reports.desk.third_parties import ExpectedGone, Handing, UnknownThirdParty
from reports.desk.triage import UnfitAssignee
from reports.models import Message, Ticket
from reports.status import Status, TransitionRefused

blueprint = resource("teamwork", "What teams do with their tickets.")


@blueprint.route("/tickets/<reference>/questions", methods=["POST"])
@staff(Act.CHANGE_STATUS)
@loaded(Act.CHANGE_STATUS)
@reads(repeats.HEADER, repeats.SHAPE)
@raises(TicketMerged, TransitionRefused)
@blueprint.arguments(NewMessageSchema, example={"text": "De quel côté de la rue est-ce ?"})
@blueprint.response(201, ReporterQuestionSchema)
def ask(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Message:
    """Ask the reporters something: the ticket waits until one of them answers."""
    key = repeats.given_key()
    earlier = repeats.recall(key)
    if earlier is not None:
        return db().get_one(Message, earlier.message_id)
    message = questions.ask(db(), staff, ticket.id, body["text"], now())
    if key is not None:
        idempotency.remember(db(), key, ticket.jurisdiction_id, now(), message_id=message.id)
    commit()
    return message


@blueprint.route("/tickets/<reference>/hand-back", methods=["POST"])
@staff(Act.HAND_BACK)
@loaded(Act.HAND_BACK)
@unchanged
@raises(StaleVersion, TicketMerged, NothingLeftToDo, HandedBackAlready, NoFallbackTeam)
@blueprint.arguments(HandBackSchema, example={"reason": "La rue est départementale."})
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def hand_back(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Say that a ticket is not the team's: it goes back to the dispatchers."""
    given = handing_back.hand_back(db(), staff, ticket.id, ticket.version, body["reason"], now())
    commit()
    return told.ticket(given)


@blueprint.route("/tickets/<reference>/take", methods=["POST"])
@staff(Act.CHANGE_STATUS)
@loaded(Act.CHANGE_STATUS)
@unchanged
@raises(StaleVersion, TicketMerged, TransitionRefused, TakenAlready, UnfitAssignee)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def take(ticket: Ticket, staff: Staff) -> Response:
    """Make a ticket one's own; one that nobody had accepted yet is accepted by that."""
    taken = taking.take(db(), staff, ticket.id, ticket.version, now())
    commit()
    return told.ticket(taken)


@blueprint.route("/tickets/<reference>/third-party", methods=["POST"])
@staff(Act.CHANGE_STATUS)
@loaded(Act.CHANGE_STATUS)
@unchanged
@raises(StaleVersion, TicketMerged, TransitionRefused, ExpectedGone, UnknownThirdParty)
@blueprint.arguments(
    HandingSchema, example={"code": "departement", "reason": "Route départementale."}
)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def hand_over(body: Handing, ticket: Ticket, staff: Staff) -> Response:
    """Hand the work to somebody outside the city's teams, whose name everybody reads.

    The ticket waits until it is moved on, and its clock stands still.
    """
    handed = third_parties.hand_over(db(), staff, ticket.id, ticket.version, body, now())
    commit()
    return told.ticket(handed)


@blueprint.route("/tickets/<reference>/plan", methods=["POST"])
@staff(Act.CHANGE_STATUS)
@loaded(Act.CHANGE_STATUS)
@unchanged
@raises(StaleVersion, TicketMerged, NothingToPlan, DayGone, TimeGone)
@blueprint.arguments(PlanSchema, example={"on": "2026-12-01"})
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def plan(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Plan the work for a day or a time, or for none any more; the deadline stays as it is."""
    wanted = Plan(body.get("on"), body.get("at"))
    message = body["public_message"]
    planned = planning.plan(db(), staff, ticket.id, ticket.version, wanted, message, now())
    commit()
    return told.ticket(planned)


@blueprint.route("/tickets/<reference>/templates")
@staff(Act.READ_TICKETS)
@loaded(Act.READ_TICKETS)
@blueprint.arguments(OffersQuerySchema, location="query")
@blueprint.response(200, OffersSchema)
def list_templates(query: dict[str, Any], ticket: Ticket, **_caller: Staff) -> dict[str, Any]:
    """List the answer templates for a ticket, filled with what is known of it."""
    step = Status(query["status"]) if query["status"] else None
    return {"items": templates.offered(db(), ticket, step, locale())}


@blueprint.route("/tickets/<reference>/colleagues")
@staff(Act.WRITE_NOTES)
@loaded(Act.WRITE_NOTES)
@blueprint.response(200, ColleaguesSchema)
def list_colleagues(ticket: Ticket, **_caller: Staff) -> dict[str, Any]:
    """List who may see a ticket, and can be mentioned in a note on it."""
    return {"items": colleagues.of_ticket(db(), ticket)}


@blueprint.route("/close-reasons")
@staff(Act.READ_TICKETS)
@blueprint.response(200, CloseReasonsSchema)
def list_close_reasons(staff: Staff) -> dict[str, Any]:
    """List the city's reasons to close a ticket, each for some of the closed statuses."""
    found = close_reasons.choices(db(), staff.jurisdiction_id, locale())
    return {"items": found}


@blueprint.route("/third-parties")
@staff(Act.READ_TICKETS)
@blueprint.response(200, ThirdPartiesSchema)
def list_third_parties(staff: Staff) -> dict[str, Any]:
    """List whom outside its teams the city hands work to."""
    return {"items": third_parties.choices(db(), staff.jurisdiction_id, locale())}


@blueprint.route("/hand-backs")
@staff(Act.SEE_FIGURES)
@blueprint.response(200, HandBacksSchema)
def list_hand_backs(staff: Staff) -> dict[str, Any]:
    """Count what teams handed back, by the rule that had sent it there and by place."""
    return {"items": handing_back.counts(db(), staff.jurisdiction_id, locale())}
