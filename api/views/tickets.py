"""Tickets: the work of the city's staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response

from api import cursors, documents, headers, preconditions, repeats, told
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises, reads
from api.precedence import names_jurisdiction
from api.schemas.common import filters_from
from api.schemas.reports import NewMessageSchema
from api.schemas.tickets import (
    NoteSchema,
    TicketSchema,
    TicketsQuerySchema,
    TicketsSchema,
    TransitionSchema,
)
from api.services import commit, db, locale
from city import jurisdictions
from city.access import Act
from city.jurisdictions import UnknownJurisdiction
from city.sessions import Staff
from infra.clock import now
from reports import desk, idempotency, inbox
from reports.desk import NotAllowed, PublicMessageRequired, StaleVersion, UnknownTicket
from reports.inbox import InboxFilters, Sort
from reports.models import Message, Ticket
from reports.status import Status, TransitionRefused

blueprint = resource("tickets", "The work of the city's staff.")


def _loaded(act: Act) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the view the ticket that the person may see and do the act on."""

    # Who may see a ticket may read it, but not always do more.
    refusals = (UnknownTicket,) if act is Act.READ_TICKETS else (UnknownTicket, NotAllowed)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @raises(*refusals)
        @wraps(view)
        def wrapper(reference: str, staff: Staff, **arguments: Any) -> Any:
            ticket = desk.find(db(), staff, reference)
            desk.demand(staff, act, ticket)
            return view(ticket=ticket, staff=staff, **arguments)

        return wrapper

    return decorate


def _unchanged(view: Callable[..., Any]) -> Callable[..., Any]:
    """Demand that If-Match names the ticket's version before the body is looked at."""

    @reads(preconditions.HEADER, preconditions.SHAPE, required=True)
    @wraps(view)
    def wrapper(*arguments: Any, ticket: Ticket, **named: Any) -> Any:
        preconditions.demand(ticket.version)
        return view(*arguments, ticket=ticket, **named)

    return wrapper


def _demand_own_jurisdiction(code: str | None, staff: Staff) -> None:
    if code is not None and jurisdictions.find(db(), code).id != staff.jurisdiction_id:
        raise UnknownJurisdiction


@blueprint.route("/tickets")
@staff(Act.READ_TICKETS)
@names_jurisdiction(_demand_own_jurisdiction)
@blueprint.arguments(TicketsQuerySchema, location="query")
@blueprint.response(200, TicketsSchema)
def list_tickets(query: dict[str, Any], staff: Staff) -> Response:
    """List the tickets that one may see; `q` also finds a ticket's or a report's reference."""
    _demand_own_jurisdiction(query["jurisdiction"], staff)
    extra = InboxFilters(
        words=query.get("q"),
        priority=query["priority"],
        assignee=query.get("assignee"),
        late=query.get("late"),
        unrouted=query.get("unrouted"),
        uncertain=query.get("uncertain"),
        undelivered=query.get("undelivered"),
        sort=Sort(query["sort"]),
    )
    page = inbox.page(
        db(), staff, filters_from(query), extra, query["limit"], query["cursor"], locale(), now()
    )
    return documents.answer(
        {
            "items": [documents.ticket(item) for item in page.items],
            "next": cursors.next_url(page.next),
            "counts": page.counts,
        }
    )


@blueprint.route("/tickets/<reference>")
@staff(Act.READ_TICKETS)
@_loaded(Act.READ_TICKETS)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def get_ticket(ticket: Ticket, **_caller: Staff) -> Response:
    """Read a ticket with its reports, its decision and its history."""
    return told.ticket(ticket)


@blueprint.route("/tickets/<reference>/transitions", methods=["POST"])
@staff(Act.CHANGE_STATUS)
@_loaded(Act.CHANGE_STATUS)
@_unchanged
@raises(TransitionRefused, StaleVersion, PublicMessageRequired)
@blueprint.arguments(
    TransitionSchema,
    example={
        "to": "resolved",
        "reason": "Enrobé posé",
        "public_message": "Le trou est rebouché. Merci de nous l'avoir signalé !",
    },
)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def change_status(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Move a ticket on; `If-Match` must name the version that was read."""
    changed = desk.transition(
        db(),
        staff,
        ticket.id,
        ticket.version,
        Status(body["to"]),
        body["reason"],
        body.get("public_message"),
        now(),
    )
    commit()
    return told.ticket(changed)


@blueprint.route("/tickets/<reference>/notes", methods=["POST"])
@staff(Act.WRITE_NOTES)
@_loaded(Act.WRITE_NOTES)
@reads(repeats.HEADER, repeats.SHAPE)
@blueprint.arguments(NewMessageSchema, example={"text": "Vu sur place, prévoir une nacelle."})
@blueprint.response(201, NoteSchema)
def write_note(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Message:
    """Write a note that no resident ever sees.

    With an `Idempotency-Key`, the same request gets the first answer again for 14 days.
    """
    key = repeats.given_key()
    earlier = repeats.recall(key)
    if earlier is not None:
        return db().get_one(Message, earlier.message_id)
    message = desk.write_note(db(), staff, ticket.id, body["text"], now())
    if key is not None:
        idempotency.remember(db(), key, ticket.jurisdiction_id, now(), message_id=message.id)
    commit()
    return message
