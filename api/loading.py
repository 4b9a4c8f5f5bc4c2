"""What views about one ticket begin with: the ticket itself, as its caller may see it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from api import preconditions
from api.declarations import raises, reads
from api.services import db
from city.access import Act
from city.staff import Staff
from reports.desk import handling
from reports.desk.handling import NotAllowed, UnknownTicket
from reports.models import Ticket


def loaded(act: Act) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the view the ticket that the person may see and do the act on."""

    # Who may see a ticket may read it, but not always do more.
    refusals = (UnknownTicket,) if act is Act.READ_TICKETS else (UnknownTicket, NotAllowed)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @raises(*refusals)
        @wraps(view)
        def wrapper(reference: str, staff: Staff, **arguments: Any) -> Any:
            ticket = handling.find(db(), staff, reference)
            handling.demand(staff, act, ticket)
            return view(ticket=ticket, staff=staff, **arguments)

        return wrapper

    return decorate


def unchanged(view: Callable[..., Any]) -> Callable[..., Any]:
    """Demand that If-Match names the ticket's version before the body is looked at."""

    @reads(preconditions.HEADER, preconditions.SHAPE, required=True)
    @wraps(view)
    def wrapper(*arguments: Any, ticket: Ticket, **named: Any) -> Any:
        preconditions.demand(ticket.version)
        return view(*arguments, ticket=ticket, **named)

    return wrapper
