"""What came back, told: the clusters, and for each the rule that would have sent it right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import rules
from city.administration import Administration
from city.models import Jurisdiction, RuleRow, Ruleset
from infra.words import Reader
from reports.bounces import clusters, reading, setting
from reports.bounces.changes import Adviser
from reports.bounces.clusters import Case
from reports.bounces.reading import Window
from reports.bounces.telling import Teller
from reports.bounces.told import Bounce

_SAYS = tuple(name for name in rules.COLUMNS if name != "position")


@dataclass(frozen=True, slots=True)
class Overview:
    """What came back of what was sent in a time, and the rules in force, which changes go into.

    `version` is that of the rules, `clusters` how many there are, told or not.
    """

    window: Window
    version: int | None
    rules: list[dict[str, Any]]
    clusters: int
    bounces: list[Bounce]


def look(
    office: Administration, since: datetime | None, until: datetime | None, limit: int, locale: str
) -> Overview:
    """Return the clusters of what was sent from `since` on and before `until`, largest first."""
    session = office.session
    city = session.get_one(Jurisdiction, office.jurisdiction_id)
    window = reading.window(session, city, since, until, office.now)
    in_force = session.scalars(
        select(RuleRow).where(RuleRow.ruleset_id == city.ruleset_id).order_by(RuleRow.position)
    ).all()
    applied = [rules.as_applied(row) for row in in_force]
    cases = reading.read(session, city, window, applied)
    known = _by_what_they_say(session, cases, in_force)
    cases = [
        replace(case, rule_id=known[case.rule_id].id) if case.rule_id else case for case in cases
    ]
    found = clusters.gather(cases)
    shown = found[:limit]
    city_has = setting.read(session, city.id, shown, Reader(locale, city.locales))
    adviser = Adviser(applied, city.fallback_team_id or 0, cases, city_has.in_use)
    advised = [(cluster, adviser.advise(cluster)) for cluster in shown]
    teller = Teller(session, city, city_has, known)
    ruleset = session.get(Ruleset, city.ruleset_id or 0)
    return Overview(
        window=window,
        version=ruleset.number if ruleset else None,
        rules=teller.write(in_force),
        clusters=len(found),
        bounces=teller.tell(advised),
    )


def as_geojson(overview: Overview) -> dict[str, Any]:
    """Return a FeatureCollection: the places of what bounced, cluster by cluster."""
    return {"type": "FeatureCollection", "features": [_feature(one) for one in overview.bounces]}


def _feature(bounce: Bounce) -> dict[str, Any]:
    places = [[place.longitude, place.latitude] for place in bounce.places]
    box = bounce.extent
    return {
        "type": "Feature",
        "bbox": [box.west, box.south, box.east, box.north],
        "geometry": {"type": "MultiPoint", "coordinates": places},
        "properties": {
            "rule": bounce.rule.id if bounce.rule else None,
            "category": bounce.category.code,
            "district": bounce.district.code if bounce.district else None,
            "team": bounce.team.code,
            "ended_with": bounce.ended_with.code if bounce.ended_with else None,
            "sent": bounce.sent,
            "bounced": bounce.bounced,
            "share": bounce.share,
            "text": bounce.text,
        },
    }


def _by_what_they_say(
    session: Session, cases: Sequence[Case], in_force: Sequence[RuleRow]
) -> dict[int, RuleRow]:
    """Return for each rule, by id, the one in force that says the same, or else the newest."""
    used = {case.rule_id for case in cases} - {None} - {row.id for row in in_force}
    earlier = session.scalars(
        select(RuleRow).where(RuleRow.id.in_(used)).order_by(RuleRow.id.desc())
    )
    alike: dict[str, RuleRow] = {}
    return {row.id: alike.setdefault(_what_it_says(row), row) for row in chain(in_force, earlier)}


def _what_it_says(row: RuleRow) -> str:
    return json.dumps([getattr(row, name) for name in _SAYS], sort_keys=True)
