"""All rules that a decision chose among, those that did not fit with the reason why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from city import setup
from city.setup import Concerned, PublishedRule
from geo import routing
from geo.conditions import Said
from geo.reasons import Reason
from geo.routing import Subject
from infra.words import Reader
from reports import decisions
from reports.decisions import Decision, Standing
from reports.models import Report

MOST_MISSES = 100
"""How many of the rules that did not fit are told."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A decision whose candidates have rules that did not fit, too.

    `rules` is how many rules of the version are about the category, its group or everything.
    """

    decision: Decision
    rules: int


def read(session: Session, ticket_id: int, locale: str) -> Considered:
    """Return the ticket's latest decision with the rules that did not fit, told in the locale.

    They follow what fitted, in the order of their strength, those for other districts last. Such
    a rule is named as the city calls things today.
    """
    stands = decisions.find(session, ticket_id)
    told, reader = decisions.tell(stands, locale), Reader(locale, stands.locales)
    report = session.get_one(Report, stands.row.report_id)
    group_id = stands.row.record.get("group")
    concerned = setup.concerned(session, stands.row.ruleset_id, stands.category_id, group_id)
    misses = _misses(stands, concerned, report)
    missed = (
        decisions.tell_candidate(
            {
                "kind": "rule",
                "taken": False,
                "reason": reason.value,
                "rule": one.told(concerned.questions),
            },
            reader,
        )
        for one, reason in misses[:MOST_MISSES]
    )
    fitted = sum(candidate.kind == "rule" for candidate in told.candidates)
    whole = replace(told, candidates=(*told.candidates, *missed))
    return Considered(whole, fitted + len(misses))


def _misses(
    stands: Standing, concerned: Concerned, report: Report
) -> list[tuple[PublishedRule, Reason]]:
    """Return why each rule that is not kept as fitting did not fit.

    What was near is kept of no other rule than the one that won. But whatever fits in all else and
    was no candidate must have failed by its layer.
    """
    said = Said(report.created_at.astimezone(concerned.zone), report.kind, report.answers)
    subject = Subject(stands.category_id, concerned.group_id, said)
    candidates = stands.row.record["candidates"]
    fitted = {part["rule"]["id"] for part in candidates if part["kind"] == "rule"}
    found = [
        (one, routing.miss(one.rule, subject, stands.row.district_id) or Reason.CHANGED_SINCE)
        for one in concerned.rules
        if one.rule.id not in fitted
    ]
    return sorted(found, key=lambda miss: (miss[1] is Reason.OTHER_DISTRICT, miss[0].rule.strength))
