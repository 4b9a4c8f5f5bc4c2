"""What another version of the map would change: open tickets that would lie elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from city import rules
from city.models import Jurisdiction
from geo import routing
from geo.conditions import Said
from geo.districts import HAIR_DEG, parts
from geo.models import LayerVersion
from geo.routing import Cover, Subject

# The district that a spot gets is chosen as by geo.routing.in_order: the first by code, and what
# only a hair parts from the spot after what covers it.
_ELSEWHERE = text(f"""
    SELECT t.team_id, t.category_id, c.group_id, now_in.district_id, now_in.code, d.overridden,
        coalesce(r.created_at, t.created_at), t.kind, r.answers
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
    LEFT JOIN LATERAL (
        SELECT s.district_id, districts.code
        FROM ({parts("ST_DWithin(piece, t.location, :hair_deg)")}) AS p
        JOIN district_shapes s ON s.id = p.shape_id
        JOIN districts ON districts.id = s.district_id
        WHERE s.layer_version_id = :version_id
        ORDER BY NOT ST_Covers(s.shape, t.location), districts.code LIMIT 1
    ) AS now_in ON true
    WHERE t.jurisdiction_id = :jurisdiction_id AND t.closed_at IS NULL
        AND t.merged_into_id IS NULL AND t.district_id IS DISTINCT FROM now_in.district_id
""")


@dataclass(frozen=True, slots=True)
class Moved:
    """How many open tickets would change district, and how many of these their team as well."""

    tickets: int
    teams: int


def count(session: Session, version: LayerVersion) -> Moved:
    """Return what would move were the tickets of today decided by this version of their layer.

    Nothing moves by itself: a ticket keeps its district and its team until somebody changes it. A
    team that a dispatcher chose would stay in any case.
    """
    city = session.get_one(Jurisdiction, version.jurisdiction_id)
    values = {"version_id": version.id, "jurisdiction_id": city.id, "hair_deg": HAIR_DEG}
    rows = session.execute(_ELSEWHERE, values).all()
    applied = rules.applied(session, city.ruleset_id)
    zone, teams = ZoneInfo(city.time_zone), 0
    for team_id, category_id, group_id, district_id, code, overridden, at, *said in rows:
        covers = [Cover(district_id, code, exact=True)] if district_id is not None else []
        subject = Subject(category_id, group_id, Said(at.astimezone(zone), *said))
        choice = routing.decide(subject, covers, applied, city.fallback_team_id or team_id)
        teams += not overridden and choice.target_id != team_id
    return Moved(len(rows), teams)
