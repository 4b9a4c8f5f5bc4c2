"""What history keeps of how a ticket stood: ids and codes, and neither places nor words.

A ticket's first line has all of it, each later one what it changed. So the lines alone tell how
the ticket stands in the end.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from city.models import Category, Team
from geo.models import District
from reports.models import Ticket


def codes(ticket: Ticket, category: str, team: str, district: str | None) -> dict[str, Any]:
    """Return how the ticket stands; the caller has the codes at hand."""
    return {
        "category": category,
        "priority": ticket.priority,
        "team": team,
        "assignee": ticket.assignee_id,
        "district": district,
        "due_at": ticket.due_at.isoformat() if ticket.due_at else None,
    }


def read(session: Session, ticket: Ticket) -> dict[str, Any]:
    """Return how the ticket stands."""
    district = session.get_one(District, ticket.district_id) if ticket.district_id else None
    return codes(
        ticket,
        session.get_one(Category, ticket.category_id).code,
        session.get_one(Team, ticket.team_id).code,
        district.code if district else None,
    )


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what has changed, each with what it was before and what it is now."""
    return {name: [before[name], after[name]] for name in after if before[name] != after[name]}
