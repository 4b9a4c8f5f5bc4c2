"""What another version of the map would change: open tickets that would lie elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from city import rules
from city.models import Jurisdiction
from geo import maps, routing
from geo.conditions import Said
from geo.maps import NOWHERE
from geo.models import Layer, LayerRole, LayerVersion
from geo.routing import Cover, Subject
from infra.columns import written

_OPEN = """
    FROM tickets t
    JOIN categories c ON c.id = t.category_id
    LEFT JOIN LATERAL (
        SELECT reports.answers, reports.created_at, reports.location, reports.accuracy_m
        FROM memberships JOIN reports ON reports.id = memberships.report_id
        WHERE memberships.ticket_id = t.id AND memberships.left_at IS NULL
        ORDER BY memberships.joined_at, memberships.id LIMIT 1
    ) AS r ON true
    CROSS JOIN LATERAL (
        SELECT overridden_at IS NOT NULL AS overridden FROM decisions
        WHERE ticket_id = t.id ORDER BY id DESC LIMIT 1
    ) AS d
    {near_by}
    WHERE t.jurisdiction_id = :jurisdiction_id AND t.closed_at IS NULL AND t.merged_into_id IS NULL
"""
_NEARBY = "nearby(:ruleset_id, ST_X(t.location), ST_Y(t.location), {drafts})"
_ABOUT = """
    SELECT t.team_id, t.category_id, c.group_id, d.overridden,
        coalesce(r.created_at, t.created_at), t.kind, r.answers
"""

# A dispatcher's pin is where they put it; a phone's is as good as it said.
_PLACES = text(f"""
    SELECT t.id, coalesce(t.district_id, {NOWHERE}), ST_X(t.location), ST_Y(t.location),
        CASE WHEN r.location = t.location THEN coalesce(r.accuracy_m, 0) ELSE 0 END
    {_OPEN.format(near_by="")}
""")
_MOVED = text(f"""
    {_ABOUT}, t.id, {_NEARBY.format(drafts="NULL")}
    {_OPEN.format(near_by="")} AND t.id = ANY(CAST(:ids AS int8[]))
""")
_BOTH_WAYS = f"""
    CROSS JOIN LATERAL (
        SELECT {_NEARBY.format(drafts="NULL")} AS now,
            {_NEARBY.format(drafts="CAST(ARRAY[:version_id] AS bigint[])")} AS then
    ) AS near
"""
_NEAR_BY_BOTH = text(f"""
    {_ABOUT}, t.district_id, near.now, near.then
    {_OPEN.format(near_by=_BOTH_WAYS)} AND (near.now IS NOT NULL OR near.then IS NOT NULL)
""")


@dataclass(frozen=True, slots=True)
class Moved:
    """How many open tickets would change place, and how many of these their team as well.

    Their place is their district, or what of a reference layer is nearest to them.
    """

    tickets: int
    teams: int


def count(session: Session, version: LayerVersion) -> Moved:
    """Return what would move were the tickets of today decided by this version of their layer.

    Nothing moves by itself: a ticket keeps its district and its team until somebody changes it. A
    team that a dispatcher chose would stay in any case.
    """
    city = session.get_one(Jurisdiction, version.jurisdiction_id)
    layer = session.get_one(Layer, version.layer_id)
    values = {"jurisdiction_id": city.id, "ruleset_id": city.ruleset_id}
    if layer.role == LayerRole.REFERENCE.value:
        rows = _near_to_else(session, values | {"version_id": version.id})
    else:
        rows = _elsewhere(session, values, version.id)
    applied = rules.applied(session, city.ruleset_id)
    zone, teams = ZoneInfo(city.time_zone), 0
    for team_id, category_id, group_id, overridden, at, kind, answers, district_id, near in rows:
        covers = [] if district_id is None else [Cover(district_id, "", exact=True)]
        said = Said(at.astimezone(zone), kind, answers, rules.near_of(near))
        choice = routing.decide(
            Subject(category_id, group_id, said), covers, applied, city.fallback_team_id or team_id
        )
        teams += not overridden and choice.target_id != team_id
    return Moved(len(rows), teams)


def _elsewhere(session: Session, values: dict[str, Any], version_id: int) -> list[tuple[Any, ...]]:
    """Return the tickets that lie in another district by the version, with that district."""
    places = np.array([tuple(row) for row in session.execute(_PLACES, values)], dtype=np.float64)
    if not len(places):
        return []
    ids, before, *place, accuracy_m = places.T
    after = maps.read(session, version_id).locate(session, np.column_stack(place), accuracy_m)
    [moved] = np.nonzero(before.astype(np.int64) != after)
    district_ids = dict(
        zip(ids[moved].astype(np.int64).tolist(), after[moved].tolist(), strict=True)
    )
    # Tickets that were closed in the meantime are not among them any more.
    rows = session.execute(_MOVED, values | {"ids": written(list(district_ids))})
    return [(*about, district_ids[id_] or None, near) for *about, id_, near in rows]


def _near_to_else(session: Session, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the tickets that are near to something else by the version, with what that is."""
    return [
        (*about, then)
        for *about, now, then in session.execute(_NEAR_BY_BOTH, values)
        if _unversioned(now) != _unversioned(then)
    ]


def _unversioned(near: dict[str, list[Any]] | None) -> dict[str, list[Any]]:
    return {layer_id: found[:-1] for layer_id, found in (near or {}).items()}
