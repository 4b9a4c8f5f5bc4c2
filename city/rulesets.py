"""Rulesets: the versions of the rules that say which team answers, drafts and published ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from city import rules, told_rules
from city.administration import Administration, UnfitPart, UnknownSetting
from city.audit import AuditAct
from city.changes import touch
from city.models import Jurisdiction, RuleRow, Ruleset, Team
from city.parts import UNKNOWN
from city.rule_parts import RulePart, RulesPart
from city.rules import Targets
from city.told_rules import ToldRule
from city.unfit import Unfit

KIND = "ruleset"


class RulesetPublished(Exception):
    """What was published once decides, or has decided, and so is never written anew."""


@dataclass(frozen=True, slots=True)
class RulesetView:
    """A version of the rules."""

    ruleset: Ruleset
    current: bool
    rules: list[ToldRule]


def every(office: Administration) -> list[RulesetView]:
    """Return every version, the newest first."""
    query = select(Ruleset).where(Ruleset.jurisdiction_id == office.jurisdiction_id)
    return _views(office, office.session.scalars(query.order_by(Ruleset.number.desc())).all())


def find(office: Administration, number: int) -> Ruleset:
    """Return the version as it stands now, or raise UnknownSetting."""
    query = select(Ruleset).where(
        Ruleset.jurisdiction_id == office.jurisdiction_id, Ruleset.number == number
    )
    found = office.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise UnknownSetting
    return found


def view(office: Administration, ruleset: Ruleset) -> RulesetView:
    """Return the version as administrators read it."""
    return _views(office, [ruleset])[0]


def create(office: Administration, body: Mapping[str, Any]) -> Ruleset:
    """Keep new rules as a draft, or raise UnfitPart."""
    city = office.lock()
    wanted = _read(office, body, city)
    ruleset = add(office.session, city, wanted)
    office.note(AuditAct.ADDED, KIND, str(ruleset.number), {"rules": (None, len(wanted))})
    return ruleset


def change(office: Administration, ruleset: Ruleset, body: Mapping[str, Any]) -> None:
    """Have a draft hold these rules; raise RulesetPublished or UnfitPart."""
    city = office.lock()
    if ruleset.published_at is not None:
        raise RulesetPublished
    wanted = _read(office, body, city)
    before = rows_of(office.session, ruleset.id)
    if wanted == before:
        return
    office.session.execute(delete(RuleRow).where(RuleRow.ruleset_id == ruleset.id))
    _write(office.session, ruleset, wanted)
    touch(ruleset)
    told = {"rules": (len(before), len(wanted))}
    office.note(AuditAct.CHANGED, KIND, str(ruleset.number), told)


def publish(office: Administration, ruleset: Ruleset) -> None:
    """Have the version decide, from the end of the transaction on; an earlier one comes back so.

    Raise UnfitPart where it leads to a team that is retired by now.
    """
    city = office.lock()
    query = (
        select(RuleRow.position, Team.code)
        .join(Team, Team.id == RuleRow.team_id)
        .where(RuleRow.ruleset_id == ruleset.id, Team.retired_at.is_not(None))
        .order_by(RuleRow.position)
    )
    retired = [
        (("rules", position - 1, "team"), Unfit(UNKNOWN, what="team", code=code))
        for position, code in office.session.execute(query)
    ]
    if retired:
        raise UnfitPart(*retired)
    before = office.session.get(Ruleset, city.ruleset_id or 0)
    if before is ruleset:
        return
    put_in_force(city, ruleset, office.now)
    touch(ruleset)
    office.session.flush()
    told = {"published": (before.number if before else None, ruleset.number)}
    office.note(AuditAct.CHANGED, KIND, str(ruleset.number), told)


def numbered(targets: Targets, parts: Iterable[RulePart]) -> list[dict[str, Any]]:
    """Return the rows of rules in their order."""
    return [targets.columns(position, part) for position, part in enumerate(parts, start=1)]


def rows_of(session: Session, ruleset_id: int | None) -> list[dict[str, Any]]:
    """Return the rows of a version's rules, which compare with those that are wanted."""
    query = select(RuleRow).where(RuleRow.ruleset_id == ruleset_id).order_by(RuleRow.position)
    return [{name: getattr(row, name) for name in rules.COLUMNS} for row in session.scalars(query)]


def add(session: Session, city: Jurisdiction, wanted: Sequence[Mapping[str, Any]]) -> Ruleset:
    """Keep rules as the city's next version, which decides nothing yet."""
    highest = session.scalar(
        select(func.max(Ruleset.number)).where(Ruleset.jurisdiction_id == city.id)
    )
    ruleset = Ruleset(jurisdiction_id=city.id, number=(highest or 0) + 1)
    session.add(ruleset)
    session.flush()
    _write(session, ruleset, wanted)
    return ruleset


def put_in_force(city: Jurisdiction, ruleset: Ruleset, now: datetime) -> None:
    """Have the version decide from now on."""
    ruleset.published_at = ruleset.published_at or now
    city.ruleset_id = ruleset.id


def _write(session: Session, ruleset: Ruleset, wanted: Sequence[Mapping[str, Any]]) -> None:
    if wanted:
        keys = {"jurisdiction_id": ruleset.jurisdiction_id, "ruleset_id": ruleset.id}
        session.execute(insert(RuleRow), [{**keys, **values} for values in wanted])


def _read(
    office: Administration, body: Mapping[str, Any], city: Jurisdiction
) -> list[dict[str, Any]]:
    parts = office.read(RulesPart, body, city).rules
    targets = rules.targets(office.session, city.id, drafted=True)
    faults = [
        (("rules", index, *steps), unfit)
        for index, part in enumerate(parts)
        for steps, unfit in targets.faults(part)
    ]
    if faults:
        raise UnfitPart(*faults)
    return numbered(targets, parts)


def _views(office: Administration, rulesets: Sequence[Ruleset]) -> list[RulesetView]:
    session = office.session
    current = session.get_one(Jurisdiction, office.jurisdiction_id).ruleset_id
    rows = session.scalars(
        select(RuleRow)
        .where(RuleRow.ruleset_id.in_([one.id for one in rulesets]))
        .order_by(RuleRow.position)
    ).all()
    found: dict[int, list[ToldRule]] = {}
    for row, told in zip(rows, told_rules.tell(session, office.jurisdiction_id, rows), strict=True):
        found.setdefault(row.ruleset_id, []).append(told)
    return [RulesetView(one, one.id == current, found.get(one.id, [])) for one in rulesets]
