"""What history keeps of how a ticket stood: ids and codes, and neither places nor words.

A ticket's first line has all of it, each later one what it changed. So the lines alone tell how
the ticket stands in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from city.models import Category, Team
from geo.models import District
from infra.database import Names
from infra.notation import in_utc
from reports.models import Ticket

# What somebody wrote or where they were has to be forgotten one day, so it is kept nowhere here.
_WITHHELD = frozenset({"location", "address"})

# A plan may be for a day, which has no time zone.
_TIMES = frozenset({"due_at", "planned", "expected"})
_CODED = frozenset({"team", "third_party", "close_reason"})


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


def coded(code: str, names: Names) -> dict[str, Any]:
    """Return what history holds of a thing: its names too, since the city may change them."""
    return {"code": code, "names": names}


def told(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data as others read them: times in UTC with a Z, the city's things by code.

    Of what is not kept, `withheld` says that it has changed, and `changes` nothing.
    """
    said = {name: _told(name, value) for name, value in data.items()}
    if "state" in data:
        said["state"] = {name: _told(name, value) for name, value in data["state"].items()}
    if "changes" in data:
        kept = {name: both for name, both in data["changes"].items() if name not in _WITHHELD}
        said["changes"] = {name: [_told(name, one) for one in both] for name, both in kept.items()}
        said["withheld"] = sorted(data["changes"].keys() & _WITHHELD)
    return said


def _told(name: str, value: Any) -> Any:
    if name in _TIMES and value is not None and "T" in value:
        return in_utc(datetime.fromisoformat(value))
    if name in _CODED and isinstance(value, dict):
        return value.get("code", value)
    return value
