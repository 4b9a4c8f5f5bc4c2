"""What became of tickets, as it bears on rules: read in bulk, alike ones together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from city import rules
from city.models import Jurisdiction
from geo.conditions import Conditions, NearLayer, Said
from geo.coordinates import Position
from geo.routing import Rule, Subject
from reports.bounces.clusters import Case

MOST_TICKETS, MOST_NEAR = 100_000, 20_000
"""How many of the newest tickets of a time are looked at, and of how many what is near to them."""

DAYS = 90
"""How many days are looked at where nothing else is asked for."""

_NEAR = """
    near_matters AS MATERIALIZED (
        SELECT DISTINCT c.id FROM categories c
        JOIN rules r ON r.ruleset_id = :ruleset_id AND r.layer_id IS NOT NULL
            AND (r.category_id IS NULL OR r.category_id = c.id)
            AND (r.group_id IS NULL OR r.group_id = c.group_id)
        WHERE c.jurisdiction_id = :jurisdiction_id
    )
"""
_SINCE = text(f"""
    WITH {_NEAR}, newest AS (
        SELECT created_at, category_id FROM tickets
        WHERE jurisdiction_id = :jurisdiction_id AND created_at >= :since AND created_at < :until
        ORDER BY created_at DESC LIMIT :most
    )
    SELECT greatest(
        CAST(:since AS timestamptz),
        (SELECT min(created_at) FROM newest HAVING count(*) = :most),
        (
            SELECT created_at FROM newest WHERE category_id IN (SELECT id FROM near_matters)
            ORDER BY created_at DESC OFFSET :most_near - 1 LIMIT 1
        )
    )
""")

# Merged tickets are in another one, and what was declined tells nothing of who does such work.
_ALIKE = text(f"""
    WITH {_NEAR}, backs AS (
        SELECT ticket_id, max(at) AS at FROM events
        WHERE jurisdiction_id = :jurisdiction_id AND kind = 'handed_back' AND at >= :since
        GROUP BY ticket_id
    ), sent AS MATERIALIZED (
        SELECT t.id, t.category_id, t.district_id, t.kind, t.location, d.rule_id, d.report_id,
            t.team_id AS with_team, coalesce(rules.team_id, :fallback_id) AS sent_to,
            t.unrouted AND t.closed_at IS NULL AS waiting,
            coalesce(backs.at >= d.decided_at, false) AS handed_back,
            d.overridden_at IS NOT NULL AND t.team_id <> coalesce(rules.team_id, :fallback_id)
                AS overridden
        FROM tickets t
        CROSS JOIN LATERAL (
            SELECT rule_id, report_id, decided_at, overridden_at FROM decisions
            WHERE ticket_id = t.id ORDER BY id DESC LIMIT 1
        ) AS d
        LEFT JOIN rules ON rules.id = d.rule_id
        LEFT JOIN backs ON backs.ticket_id = t.id
        WHERE t.jurisdiction_id = :jurisdiction_id
            AND t.created_at >= :since AND t.created_at < :until
            AND t.merged_into_id IS NULL AND t.status <> 'declined'
    ), asked AS (
        SELECT array_agg(DISTINCT code) AS codes FROM questions
        WHERE jurisdiction_id = :jurisdiction_id AND type IN ('choice', 'choices')
    ), told AS (
        SELECT sent.*, handed_back OR overridden AS bounced, c.group_id, r.created_at,
            CASE WHEN NOT waiting THEN with_team END AS ended_with,
            (
                SELECT jsonb_object_agg(given.key, given.value)
                FROM jsonb_each(r.answers) AS given WHERE given.key = ANY(asked.codes)
            ) AS answers,
            CASE WHEN sent.category_id IN (SELECT id FROM near_matters) THEN
                nearby(:ruleset_id, ST_X(sent.location), ST_Y(sent.location), NULL)
            END AS near,
            width_bucket(local::date, CAST(:days AS date[])) AS day,
            width_bucket(
                CAST((extract(isodow FROM local) - 1) * 1440 + extract(hour FROM local) * 60
                    + extract(minute FROM local) AS int),
                CAST(:minutes AS int[])
            ) AS minute
        FROM sent
        JOIN categories c ON c.id = sent.category_id
        JOIN reports r ON r.id = sent.report_id
        CROSS JOIN LATERAL (SELECT r.created_at AT TIME ZONE :zone AS local) AS clock
        CROSS JOIN asked
        WHERE sent.category_id IN (
            SELECT category_id FROM sent WHERE handed_back OR overridden
        )
    )
    SELECT category_id, group_id, district_id, kind, rule_id, sent_to, ended_with, bounced, day,
        minute, answers, near, min(created_at) AS at, count(*) AS number,
        count(*) FILTER (WHERE handed_back) AS handed_back,
        count(*) FILTER (WHERE overridden) AS overridden,
        json_agg(json_build_array(ST_Y(location), ST_X(location)) ORDER BY id)
            FILTER (WHERE bounced) AS places
    FROM told
    GROUP BY category_id, group_id, district_id, kind, rule_id, sent_to, ended_with, bounced, day,
        minute, answers, near
    ORDER BY min(id)
""")
_FATE = (
    *("category_id", "group_id", "district_id", "kind", "rule_id", "sent_to", "ended_with"),
    *("bounced", "day", "minute"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """When tickets came that are looked at: from `since` on, and before `until`."""

    since: datetime
    until: datetime


def window(
    session: Session,
    city: Jurisdiction,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> Window:
    """Return the time that is looked at: what is asked for, and less where there is too much."""
    until = until or now
    values = {
        "jurisdiction_id": city.id,
        "ruleset_id": city.ruleset_id,
        "since": since or until - timedelta(days=DAYS),
        "until": until,
        "most": MOST_TICKETS,
        "most_near": MOST_NEAR,
    }
    begin: datetime = session.execute(_SINCE, values).scalar_one()
    return Window(begin.astimezone(UTC), until)


def read(
    session: Session, city: Jurisdiction, window: Window, in_force: Sequence[Rule]
) -> list[Case]:
    """Return what was sent in the window, of all categories of which something bounced.

    What the rules in force cannot tell apart, and went alike, is one case.
    """
    conditions = [rule.conditions for rule in in_force]
    layers = _distinct(one.layer for one in conditions if one.layer is not None)
    values = {
        "jurisdiction_id": city.id,
        "ruleset_id": city.ruleset_id,
        "fallback_id": city.fallback_team_id or 0,
        "since": window.since,
        "until": window.until,
        "zone": city.time_zone,
        "days": _days(conditions),
        "minutes": _minutes(conditions),
    }
    alike: dict[tuple[Any, ...], list[Row[Any]]] = {}
    for row in session.execute(_ALIKE, values):
        near = rules.near_of(row.near)
        holding = [layer.holds(near) for layer in layers]
        fate = (getattr(row, name) for name in _FATE)
        alike.setdefault((*fate, json.dumps(row.answers), *holding), []).append(row)
    return [_case(rows, ZoneInfo(city.time_zone)) for rows in alike.values()]


def _case(rows: Sequence[Row[Any]], zone: ZoneInfo) -> Case:
    """Return what rows that rules cannot tell apart say together."""
    one = rows[0]
    said = Said(one.at.astimezone(zone), one.kind, one.answers, rules.near_of(one.near))
    return Case(
        subject=Subject(one.category_id, one.group_id, said),
        district_id=one.district_id,
        rule_id=one.rule_id,
        sent_to=one.sent_to,
        ended_with=one.ended_with,
        bounced=one.bounced,
        count=sum(row.number for row in rows),
        handed_back=sum(row.handed_back for row in rows),
        overridden=sum(row.overridden for row in rows),
        places=[Position(*place) for row in rows for place in row.places or ()],
    )


def _distinct(layers: Iterable[NearLayer]) -> list[NearLayer]:
    found: list[NearLayer] = []
    for layer in layers:
        if layer not in found:
            found.append(layer)
    return found


def _days(conditions: Iterable[Conditions]) -> list[date]:
    """Return the days from which on a condition holds that did not, or no longer does."""
    first = {one.first_day for one in conditions if one.first_day is not None}
    over = {
        one.last_day + timedelta(days=1)
        for one in conditions
        if one.last_day not in (None, date.max)
    }
    return sorted(first | over)


def _minutes(conditions: Iterable[Conditions]) -> list[int]:
    """Return the same of the minutes of the week, which begins on Monday."""
    return sorted(
        {
            number * 1440 + minute
            for one in conditions
            for number, spans in enumerate(one.hours or ())
            for span in spans
            for minute in span
        }
    )
