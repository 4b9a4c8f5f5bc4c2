"""Saying "me too"."""

from __future__ import annotations

from typing import Any

from api import addresses
from api.blueprint import resource
from api.callers import anyone
from api.declarations import raises
from api.schemas.supports import NewSubscriptionSchema, SubscriptionSchema, SupportSchema
from api.services import commit, db, locale, services
from infra.clock import now
from reports.desk.handling import UnknownTicket
from reports.resident import subscribing, supporting
from reports.resident.supporting import TicketClosed

blueprint = resource("supports", "Saying that one has seen the same, and asking for the news.")


@blueprint.route("/tickets/<reference>/supports", methods=["POST"])
@anyone
@raises(UnknownTicket, TicketClosed)
@blueprint.response(201, SupportSchema)
@blueprint.alt_response(200, schema=SupportSchema, description="It was counted already.")
def support_ticket(reference: str) -> tuple[dict[str, Any], int]:
    """Say "me too" without a report of one's own; nothing is kept about who says it.

    From one address it counts once a day for each ticket.
    """
    secret_key = services().settings.secret_key
    given = supporting.support(db(), reference, addresses.of_caller(), secret_key, now())
    commit()
    return {"ticket": given.ticket, "supports": given.supports}, 201 if given.new else 200


@blueprint.route("/tickets/<reference>/subscriptions", methods=["POST"])
@anyone
@raises(UnknownTicket, TicketClosed)
@blueprint.arguments(NewSubscriptionSchema, example={"email": "camille@example.org"})
@blueprint.response(202, SubscriptionSchema)
def subscribe_to_ticket(body: dict[str, Any], reference: str) -> dict[str, str]:
    """Ask for a mail at each public step; a mail to the address asks first whether it wants that.

    The answer is the same whether or not the address has subscribed before.
    """
    subscribing.subscribe(db(), reference, body["email"], locale(), now())
    commit()
    return {"ticket": reference}
