"""What another version of the map would change: open tickets that would lie elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from city import rules
from city.models import Jurisdiction
from geo import routing
from geo.conditions import Said
from geo.districts import HAIR_DEG, parts
from geo.models import Layer, LayerRole, LayerVersion
from geo.routing import Cover, Subject

_OPEN = """
    SELECT t.team_id, t.category_id, c.group_id, d.overridden,
        coalesce(r.created_at, t.created_at), t.kind, r.answers, {found}
    FROM tickets t
    JOIN categories c ON c.id = t.category_id
    LEFT JOIN LATERAL (
        SELECT reports.answers, reports.created_at
        FROM memberships JOIN reports ON reports.id = memberships.report_id
        WHERE memberships.ticket_id = t.id AND memberships.left_at IS NULL
        ORDER BY memberships.joined_at, memberships.id LIMIT 1
    ) AS r ON true
    CROSS JOIN LATERAL (
        SELECT overridden_at IS NOT NULL AS overridden FROM decisions
        WHERE ticket_id = t.id ORDER BY id DESC LIMIT 1
    ) AS d
    {where}
        AND t.jurisdiction_id = :jurisdiction_id AND t.closed_at IS NULL
        AND t.merged_into_id IS NULL
"""
_NEARBY = "nearby(:ruleset_id, ST_X(t.location), ST_Y(t.location), {drafts})"

# The district that a spot gets is chosen as by geo.routing.in_order: the first by code, and what
# only a hair parts from the spot after what covers it.
_ELSEWHERE = text(
    _OPEN.format(
        found=f"now_in.district_id, now_in.code, {_NEARBY.format(drafts='NULL')}",
        where=f"""
            LEFT JOIN LATERAL (
                SELECT s.district_id, districts.code
                FROM ({parts("ST_DWithin(piece, t.location, :hair_deg)")}) AS p
                JOIN district_shapes s ON s.id = p.shape_id
                JOIN districts ON districts.id = s.district_id
                WHERE s.layer_version_id = :version_id
                ORDER BY NOT ST_Covers(s.shape, t.location), districts.code LIMIT 1
            ) AS now_in ON true
            WHERE t.district_id IS DISTINCT FROM now_in.district_id
        """,
    )
)
_NEAR_BY_BOTH = text(
    _OPEN.format(
        found="t.district_id, districts.code, both_ways.now_near, both_ways.then_near",
        where=f"""
            LEFT JOIN districts ON districts.id = t.district_id
            CROSS JOIN LATERAL (
                SELECT {_NEARBY.format(drafts="NULL")} AS now_near,
                    {_NEARBY.format(drafts="CAST(ARRAY[:version_id] AS bigint[])")} AS then_near
            ) AS both_ways
            WHERE (both_ways.now_near IS NOT NULL OR both_ways.then_near IS NOT NULL)
        """,
    )
)


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
    values = {
        "version_id": version.id,
        "jurisdiction_id": city.id,
        "ruleset_id": city.ruleset_id,
        "hair_deg": HAIR_DEG,
    }
    if layer.role == LayerRole.REFERENCE.value:
        rows = _near_to_else(session, values)
    else:
        rows = [tuple(row) for row in session.execute(_ELSEWHERE, values)]
    applied = rules.applied(session, city.ruleset_id)
    zone, teams = ZoneInfo(city.time_zone), 0
    for team_id, category_id, group_id, overridden, at, kind, answers, *place, near in rows:
        district_id, code = place
        covers = [Cover(district_id, code, exact=True)] if district_id is not None else []
        said = Said(at.astimezone(zone), kind, answers, rules.near_of(near))
        choice = routing.decide(
            Subject(category_id, group_id, said), covers, applied, city.fallback_team_id or team_id
        )
        teams += not overridden and choice.target_id != team_id
    return Moved(len(rows), teams)


def _near_to_else(session: Session, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the tickets that are near to something else by the version, with what that is."""
    return [
        (*about, then)
        for *about, now, then in session.execute(_NEAR_BY_BOTH, values)
        if _unversioned(now) != _unversioned(then)
    ]


def _unversioned(near: dict[str, list[Any]] | None) -> dict[str, list[Any]]:
    return {layer_id: found[:-1] for layer_id, found in (near or {}).items()}
