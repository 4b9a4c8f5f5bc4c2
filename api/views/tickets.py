"""Tickets: the work of the city's staff."""

from __future__ import annotations

from typing import Any, cast

from flask import Response

from api import cursors, documents, headers, repeats, told
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises, reads
from api.loading import loaded, unchanged
from api.precedence import names_jurisdiction
from api.schemas.common import filters_from
from api.schemas.decisions import TicketDecisionSchema
from api.schemas.tickets import (
    ChangedTicketSchema,
    MergeSchema,
    NewNoteSchema,
    NoteSchema,
    SplitSchema,
    TicketChangeSchema,
    TicketSchema,
    TicketsQuerySchema,
    TicketsSchema,
    TransitionSchema,
    inbox_filters_from,
)
from api.services import commit, db, locale
from city import jurisdictions
from city.access import Act
from city.jurisdictions import UnknownJurisdiction
from city.staff import Staff
from infra.clock import now
from reports import idempotency
from reports.decisions import NoFallbackTeam
from reports.desk import colleagues, handling, joining, triage
from reports.desk.colleagues import UnfitMention
from reports.desk.handling import PublicMessageRequired, StaleVersion, Step, TicketMerged
from reports.desk.joining import NotMerged, UnfitReports, UnfitTarget
from reports.desk.templates import UnfitTemplate
from reports.desk.triage import Wanted
from reports.inbox import candidates, listing
from reports.models import Message, Ticket
from reports.status import TransitionRefused

blueprint = resource("tickets", "The work of the city's staff.")


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
    page = listing.page(
        db(),
        staff,
        filters_from(query),
        inbox_filters_from(query),
        query["limit"],
        query["cursor"],
        locale(),
        now(),
    )
    return documents.answer(
        {
            "items": [documents.line(item) for item in page.items],
            "next": cursors.next_url(page.next),
            "counts": page.counts.statuses,
            "at_least": page.counts.at_least,
            "open": {
                "total": page.counts.open,
                "late": page.counts.late,
                "teams": page.counts.teams,
            },
        }
    )


# No reference is as short as the word for several at once.
@blueprint.route("/tickets/<string(minlength=5):reference>")
@staff(Act.READ_TICKETS)
@loaded(Act.READ_TICKETS)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def get_ticket(ticket: Ticket, **_caller: Staff) -> Response:
    """Read a ticket with its reports, its decision and its history."""
    return told.ticket(ticket)


@blueprint.route("/tickets/<reference>/decision")
@staff(Act.READ_TICKETS)
@loaded(Act.READ_TICKETS)
@blueprint.response(200, TicketDecisionSchema)
def get_ticket_decision(ticket: Ticket, **_caller: Staff) -> Response:
    """Read why a ticket went to its team, with the rules that did not fit and why not.

    What fitted is told in the words of that day, what did not as the city calls things today.
    """
    return told.ticket_decision(candidates.read(db(), ticket.id, locale()))


@blueprint.route("/tickets/<string(minlength=5):reference>", methods=["PATCH"])
@staff(Act.ASSIGN)
@loaded(Act.ASSIGN)
@unchanged
@raises(*triage.REFUSALS, NoFallbackTeam)
@blueprint.arguments(TicketChangeSchema, example={"priority": "high", "reason": "Devant l'école."})
@blueprint.response(200, ChangedTicketSchema, headers=headers.named("ETag"))
def change_ticket(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Change what a ticket is about, whose it is and until when; `If-Match` names what was read.

    With a new place or category it is decided again. A team that a dispatcher chose stays.
    """
    reason = body.pop("reason", None)
    before = listing.line(db(), ticket, locale(), now())
    wanted = cast(Wanted, body)
    changed, reasons = triage.change(db(), staff, ticket.id, ticket.version, wanted, reason, now())
    commit()
    return told.changed_ticket(before, changed, reasons)


@blueprint.route("/tickets/<reference>/transitions", methods=["POST"])
@staff(Act.CHANGE_STATUS)
@loaded(Act.CHANGE_STATUS)
@unchanged
@raises(TransitionRefused, StaleVersion, TicketMerged, PublicMessageRequired, UnfitTemplate)
@blueprint.arguments(
    TransitionSchema,
    example={
        "to": "resolved",
        "reason": "Enrobé posé",
        "public_message": "Le trou est rebouché. Merci de nous l'avoir signalé !",
    },
)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def change_status(body: Step, ticket: Ticket, staff: Staff) -> Response:
    """Move a ticket on; `If-Match` must name the version that was read."""
    changed = handling.transition(db(), staff, ticket.id, ticket.version, body, now())
    commit()
    return told.ticket(changed)


@blueprint.route("/tickets/<reference>/merge", methods=["POST"])
@staff(Act.JOIN)
@loaded(Act.JOIN)
@unchanged
@raises(StaleVersion, TicketMerged, UnfitTarget)
@blueprint.arguments(MergeSchema, example={"into": "T-7KM-2QX-94B"})
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def merge_ticket(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Move all its reports into another ticket about the same thing, which is the answer.

    Their reporters are told, and go on following their own report.
    """
    target = joining.merge(db(), staff, ticket.id, ticket.version, body["into"], now())
    commit()
    return told.ticket(target)


@blueprint.route("/tickets/<reference>/unmerge", methods=["POST"])
@staff(Act.JOIN)
@loaded(Act.JOIN)
@unchanged
@raises(StaleVersion, NotMerged)
@blueprint.response(200, TicketSchema, headers=headers.named("ETag"))
def unmerge_ticket(ticket: Ticket, staff: Staff) -> Response:
    """Give a merged ticket its reports back."""
    parted = joining.unmerge(db(), staff, ticket.id, ticket.version, now())
    commit()
    return told.ticket(parted)


@blueprint.route("/tickets/<reference>/split", methods=["POST"])
@staff(Act.JOIN)
@loaded(Act.JOIN)
@unchanged
@raises(StaleVersion, TicketMerged, UnfitReports, NoFallbackTeam)
@blueprint.arguments(SplitSchema, example={"reports": ["7KM-2QX-94B"]})
@blueprint.response(201, TicketSchema, headers=headers.named("ETag"))
def split_ticket(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Response:
    """Give some of its reports a ticket of their own, which is the answer."""
    own = joining.split(db(), staff, ticket.id, ticket.version, body["reports"], now())
    commit()
    return told.ticket(own, 201)


@blueprint.route("/tickets/<reference>/notes", methods=["POST"])
@staff(Act.WRITE_NOTES)
@loaded(Act.WRITE_NOTES)
@reads(repeats.HEADER, repeats.SHAPE)
@raises(TicketMerged, UnfitMention)
@blueprint.arguments(NewNoteSchema, example={"text": "Vu sur place, prévoir une nacelle."})
@blueprint.response(201, NoteSchema)
def write_note(body: dict[str, Any], ticket: Ticket, staff: Staff) -> Message:
    """Write a note that no resident ever sees.

    With an `Idempotency-Key`, the same request gets the first answer again for 14 days.
    """
    key = repeats.given_key()
    earlier = repeats.recall(key)
    if earlier is not None:
        return db().get_one(Message, earlier.message_id)
    text, mentions = body["text"], body["mentions"]
    message = colleagues.write_note(db(), staff, ticket.id, text, mentions, now())
    if key is not None:
        idempotency.remember(db(), key, ticket.jurisdiction_id, now(), message_id=message.id)
    commit()
    return message
