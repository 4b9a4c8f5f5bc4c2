"""The work of teams: asking the reporter, and giving back what is not theirs."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import headers, repeats, told
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises, reads
from api.loading import loaded, unchanged
from api.schemas.reports import NewMessageSchema
from api.schemas.teamwork import HandBackSchema, HandBacksSchema, ReporterQuestionSchema
from api.schemas.tickets import TicketSchema
from api.services import commit, db, locale
from city.access import Act
from city.sessions import Staff
from infra.clock import now
from reports import handing_back, idempotency, questions
from reports.decisions import NoFallbackTeam
from reports.desk import StaleVersion, TicketMerged
from reports.models import Message, Ticket
from reports.status import TransitionRefused

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
@raises(StaleVersion, TicketMerged, NoFallbackTeam)
@blueprint.arguments(HandBackSchema, example={"reason": "La rue est départementale."})
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def hand_back(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Say that a ticket is not the team's: it goes back to the dispatchers."""
    given = handing_back.hand_back(db(), staff, ticket.id, ticket.version, body["reason"], now())
    commit()
    return told.ticket(given)


@blueprint.route("/hand-backs")
@staff(Act.SEE_FIGURES)
@blueprint.response(200, HandBacksSchema)
def list_hand_backs(staff: Staff) -> dict[str, Any]:
    """Count what teams handed back, by the rule that had sent it there and by place."""
    return {"items": handing_back.counts(db(), staff.jurisdiction_id, locale())}
