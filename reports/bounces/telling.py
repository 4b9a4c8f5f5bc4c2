"""Telling clusters: by names and sentences, and each change as a rule to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from city import told_rules
from city.models import Jurisdiction, RuleRow
from city.rule_texts import sentence
from geo import coordinates
from geo.coordinates import Box
from reports.bounces import changes, wording
from reports.bounces.changes import Change, Refusal
from reports.bounces.clusters import Cluster
from reports.bounces.setting import Setting
from reports.bounces.told import Bounce, SendingRule


class Teller:
    """Tells clusters by the names that the city has, and rules as administrators write them."""

    def __init__(
        self,
        session: Session,
        city: Jurisdiction,
        city_has: Setting,
        known: Mapping[int, RuleRow],
    ) -> None:
        self._session, self._city, self._city_has, self._known = session, city, city_has, known
        self._reader = city_has.reader

    def write(self, rows: Sequence[RuleRow]) -> list[dict[str, Any]]:
        """Return the rules as they can be written again, each with its sentence."""
        told = told_rules.tell(self._session, self._city.id, rows)
        return [{**codes, "text": sentence(names, self._reader)} for codes, names in told]

    def tell(self, advised: Sequence[tuple[Cluster, Change | Refusal]]) -> list[Bounce]:
        """Return each cluster with what is advised on it."""
        senders = [self._known[cluster.rule_id or 0] for cluster, _ in advised if cluster.rule_id]
        wanted = [self._as_row(advice) for _, advice in advised if isinstance(advice, Change)]
        written = self.write([*senders, *wanted])
        by_rule = {row.id: rule for row, rule in zip(senders, written, strict=False)}
        changed = iter(written[len(senders) :])
        return [
            self._bounce(
                cluster,
                advice,
                by_rule[cluster.rule_id]["text"] if cluster.rule_id else None,
                next(changed) if isinstance(advice, Change) else None,
            )
            for cluster, advice in advised
        ]

    def _bounce(
        self,
        cluster: Cluster,
        advice: Change | Refusal,
        rule: str | None,
        change: dict[str, Any] | None,
    ) -> Bounce:
        named, ending = self._city_has, cluster.ending
        effect = advice.effect if isinstance(advice, Change) else None
        places = [place for case in cluster.came_back for place in case.places]
        told = Bounce(
            rule=self._sender(cluster.rule_id, rule),
            category=named.category(cluster.category_id),
            district=named.district(cluster.district_id),
            team=named.team(cluster.sent_to),
            sent=cluster.sent,
            bounced=cluster.bounced,
            share=round(cluster.bounced / cluster.sent, 4),
            handed_back=sum(case.handed_back for case in cluster.cases),
            overridden=sum(case.overridden for case in cluster.cases),
            ended_with=named.team(ending[0]) if ending else None,
            agreed=ending[1] if ending else 0,
            places=places,
            location=coordinates.centre(places),
            extent=Box.holding(places),
            separated_by=changes.parting(cluster, advice),
            change=change,
            effect=effect,
            why_not=advice if isinstance(advice, Refusal) else None,
            text="",
        )
        return replace(told, text=" ".join(wording.sentences(told, self._reader)))

    def _sender(self, rule_id: int | None, text: str | None) -> SendingRule | None:
        if rule_id is None or text is None:
            return None
        row = self._known[rule_id]
        is_in_force = row.ruleset_id == self._city.ruleset_id
        return SendingRule(str(row.id), row.position if is_in_force else None, text)

    def _as_row(self, change: Change) -> RuleRow:
        """Return a change as its row would be; it is kept nowhere."""
        base = self._known[change.base_id] if change.base_id else None
        asked, conditions = change.rule.conditions, dict(base.conditions) if base else {}
        if asked.kind is not None:
            conditions["kind"] = asked.kind
        if asked.answers:
            conditions["answers"] = {
                question: sorted(choices) for question, choices in asked.answers
            }
        return RuleRow(
            position=change.rule.position,
            category_id=change.rule.category_id,
            district_id=change.rule.district_id,
            layer_id=base.layer_id if base else None,
            team_id=change.rule.target_id,
            conditions=conditions,
        )
