"""Decisions: why a report went where it went, kept for ever and told in words.

The record holds the names as they were at the time, so that a city may rename what it likes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import rule_texts
from city.models import Jurisdiction, Team
from city.setup import AnsweringTeam, Setup
from geo import routing
from geo.conditions import Said
from geo.reasons import Reason
from geo.routing import Choice
from infra.rows import New
from infra.words import Reader, mark
from reports.decision_rows import DecisionRow
from reports.models import Message, Report, Ticket
from reports.placing import Placed
from reports.snapshots import coded
from reports.things import Thing

_REASONS = {
    Reason.COVERS: mark("The spot lies in it."),
    Reason.FIRST_BY_CODE: mark(
        "The spot lies on a border or in an overlap; of the districts there, this one comes first."
    ),
    Reason.LATER_BY_CODE: mark("The spot touches it too, but another district comes first."),
    Reason.LIKELIEST: mark("The position is vague; this is where it most likely lies."),
    Reason.LESS_LIKELY: mark(
        "The position is vague; it may lie here too, but that is less likely."
    ),
    Reason.MOST_SPECIFIC: mark("It is the most specific rule that fits."),
    Reason.LESS_SPECIFIC: mark("It fits, but another rule is more specific."),
    Reason.FIRST_IN_ORDER: mark("Of several rules that are as specific, it comes first."),
    Reason.LATER_IN_ORDER: mark("It is as specific, but another rule comes first."),
    Reason.NO_DISTRICT: mark("The spot lies in none of the districts, so no rule counts."),
    Reason.OTHER_DISTRICT: mark("It is for another district."),
    Reason.OTHER_KIND: mark("It is for another kind of report."),
    Reason.OTHER_ANSWER: mark("It asks for another answer than was given."),
    Reason.OUTSIDE_HOURS: mark("The report came outside its hours."),
    Reason.OUTSIDE_DAYS: mark("The report came outside its days."),
    Reason.NOT_NEAR: mark("What it has to be near to was too far away, or not as it asks."),
    Reason.CHANGED_SINCE: mark("It did not fit then; what that depended on has changed since."),
}

_LIKELY = {Reason.LIKELIEST.value, Reason.LESS_LIKELY.value}
# At a corner three districts meet; a circle that meets more of them tells little.
_SEVERAL = 4
_IN_DISTRICT = mark("The spot lies in {district}.")
_LIKELY_IN_DISTRICT = mark("The spot most likely lies in {district}.")
_LIKELY_OF_SEVERAL = mark(
    "The position is too vague to say where: of {count} districts that it may lie in, the likeliest"
    " is {district}. The city may correct it."
)
_IN_NO_DISTRICT = mark("The spot lies in the city but in none of its districts.")
_BY_RULE = mark("By the rule “{rule}”, it goes to {team}.")
_BY_FALLBACK = mark(
    "No rule covers this, so it goes to {team}, who take whatever has no other team."
)
_NEAR_TO = mark("The nearest of “{layer}” is {metres} m away.")
_OVERRIDDEN = mark("A dispatcher gave it to {team} instead.")
_GIVEN_BACK = mark("It was handed back since, and is now with {team}.")
_NEAR_BORDER = mark("The border is close, so the district is not certain; the city may correct it.")


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a report goes: a team always, a district where there is one, and how sure that is.

    `border_distance_m` is how far the district's border is.
    """

    choice: Choice
    team: AnsweringTeam
    ruleset_id: int | None
    certain: bool
    border_distance_m: float | None
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OwnChoice:
    """The team that a dispatcher chose: who, with which ground, and when."""

    team: Team
    person_id: int
    message: Message | None
    now: datetime


@dataclass(frozen=True, slots=True)
class CandidateText:
    """A district or rule that was considered, in words."""

    kind: str
    code: str
    name: str
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True)
class RuleText:
    """The rule that was applied, in words."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Override:
    """That a dispatcher chose another team than the rules did: why, if they said so, and when."""

    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in the reader's language."""

    text: str
    decided_at: datetime
    ruleset: int | None
    district: Thing | None
    team: Thing
    rule: RuleText | None
    certain: bool
    border_distance_m: float | None
    candidates: tuple[CandidateText, ...]
    overridden: Override | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision that holds for a ticket, and what was said when it was overridden.

    Category and team are those that the ticket has now.
    """

    row: DecisionRow
    locales: list[str]
    reason: str | None
    category_id: int
    team: Team


class NoFallbackTeam(Exception):
    """The jurisdiction was never set up to the end: it names no team that takes the rest."""


def route(setup: Setup, placed: Placed, said: Said) -> Routing:
    """Decide which district and team a report of the set-up's category goes to."""
    if setup.fallback is None:
        raise NoFallbackTeam(setup.jurisdiction)
    choice = routing.decide(
        setup.category.as_subject(
            replace(said, at=said.at.astimezone(setup.zone), near=setup.near)
        ),
        placed.covers,
        [one.rule for one in setup.rules],
        setup.fallback.id,
    )
    teams = {team.id: team for team in (setup.fallback, *(one.team for one in setup.rules))}
    team = teams[choice.target_id]
    return Routing(
        choice=choice,
        team=team,
        ruleset_id=setup.ruleset_id,
        certain=placed.certain,
        border_distance_m=placed.border_distance_m,
        record={
            "ruleset": setup.ruleset,
            "group": setup.category.group_id,
            **_record(placed, choice, team, setup),
        },
    )


def as_row(ticket: Ticket, report: Report, routed: Routing, now: datetime) -> New[DecisionRow]:
    """Return the row that keeps the decision beside the ticket."""
    return New(
        DecisionRow,
        {
            "jurisdiction_id": ticket.jurisdiction_id,
            "ticket_id": ticket.id,
            "report_id": report.id,
            "decided_at": now,
            "ruleset_id": routed.ruleset_id,
            "rule_id": routed.choice.rule.id if routed.choice.rule else None,
            "team_id": routed.team.id,
            "district_id": routed.choice.district_id,
            "certain": routed.certain,
            "border_distance_m": routed.border_distance_m,
            "record": routed.record,
        },
    )


def latest(session: Session, ticket_id: int) -> DecisionRow:
    """Return the decision that holds for the ticket."""
    return session.scalars(
        select(DecisionRow)
        .where(DecisionRow.ticket_id == ticket_id)
        .order_by(DecisionRow.id.desc())
        .limit(1)
    ).one()


def copy(decided: DecisionRow, ticket: Ticket) -> DecisionRow:
    """Return the decision anew, for the ticket; it stays about the report that it was made for."""
    same = {name: getattr(decided, name) for name in _COPIED}
    return DecisionRow(**same, ticket_id=ticket.id)


def override(standing: DecisionRow, ticket: Ticket, own: OwnChoice) -> DecisionRow:
    """Return the decision with a dispatcher's choice; the rules' own team ends an override."""
    row = copy(standing, ticket)
    row.team_id = own.team.id
    if own.team.code == standing.record["team"]["code"]:
        row.record = {**standing.record, "override": None}
        row.overridden_by = row.overridden_at = row.override_message_id = None
    else:
        row.record = {**standing.record, "override": coded(own.team.code, own.team.names)}
        row.overridden_by, row.overridden_at = own.person_id, own.now
        row.override_message_id = own.message.id if own.message else None
    return row


def keep_override(row: DecisionRow, standing: DecisionRow) -> None:
    """Have the dispatcher's choice stand in the new decision as it did in the one before."""
    row.team_id = standing.team_id
    row.record = {**row.record, "override": standing.record["override"]}
    row.overridden_by, row.overridden_at = standing.overridden_by, standing.overridden_at
    row.override_message_id = standing.override_message_id


_COPIED = tuple(
    column.name
    for column in DecisionRow.__table__.columns
    if column.name not in {"id", "ticket_id"}
)


def read(session: Session, ticket_id: int, locale: str) -> Decision:
    """Return the ticket's latest decision, told in the locale."""
    return tell(find(session, ticket_id), locale)


def find(session: Session, ticket_id: int) -> Standing:
    """Return the ticket's latest decision, and what it takes to tell it."""
    found = session.execute(
        select(DecisionRow, Jurisdiction.locales, Message.reason, Ticket.category_id, Team)
        .join(Jurisdiction, Jurisdiction.id == DecisionRow.jurisdiction_id)
        .join(Ticket, Ticket.id == DecisionRow.ticket_id)
        .join(Team, Team.id == Ticket.team_id)
        .outerjoin(Message, Message.id == DecisionRow.override_message_id)
        .where(DecisionRow.ticket_id == ticket_id)
        .order_by(DecisionRow.id.desc())
        .limit(1)
    ).one()
    return Standing(*found)


def tell(stands: Standing, locale: str) -> Decision:
    """Return the decision told in the locale."""
    row, team, reader = stands.row, stands.team, Reader(locale, stands.locales)
    record = row.record
    rule = record["rule"]
    text, decided = _text(record, row.certain, reader), record.get("override") or record["team"]
    if team.code != decided["code"]:
        text = f"{text} {reader.say(_GIVEN_BACK, team=reader.name(team.names))}"
        decided = {"code": team.code, "names": team.names}
    return Decision(
        text=text,
        decided_at=row.decided_at,
        ruleset=record["ruleset"],
        district=Thing.told(record["district"], reader) if record["district"] else None,
        team=Thing.told(decided, reader),
        rule=RuleText(str(rule["id"]), rule_texts.sentence(rule, reader)) if rule else None,
        certain=row.certain,
        border_distance_m=row.border_distance_m,
        candidates=tuple(tell_candidate(part, reader) for part in record["candidates"]),
        overridden=Override(stands.reason, row.overridden_at) if row.overridden_at else None,
    )


def _record(placed: Placed, choice: Choice, team: AnsweringTeam, setup: Setup) -> dict[str, Any]:
    districts = {
        one.district_id: coded(one.code, placed.names[one.district_id]) for one in placed.covers
    }
    considered = {one.id for one in choice.candidates if one.kind == "rule"}
    rules = {one.rule.id: one.told(setup.asked) for one in setup.rules if one.rule.id in considered}
    return {
        "district": None if choice.district_id is None else districts[choice.district_id],
        "team": coded(team.code, team.names),
        "rule": rules[choice.rule.id] if choice.rule else None,
        "near": _near(choice, setup),
        "candidates": [
            {
                "kind": candidate.kind,
                "taken": candidate.taken,
                "reason": candidate.reason.value,
                **(
                    districts[candidate.id]
                    if candidate.kind == "district"
                    else {"rule": rules[candidate.id]}
                ),
            }
            for candidate in choice.candidates
        ],
    }


def _near(choice: Choice, setup: Setup) -> dict[str, Any] | None:
    """Return what of a reference layer the rule that won found near, and by which version."""
    wanted = choice.rule.conditions.layer if choice.rule else None
    if wanted is None:
        return None
    found = setup.near[wanted.layer_id]
    return {
        "layer": next(one.layer for one in setup.rules if one.rule is choice.rule),
        "code": found.code,
        "distance_m": found.distance_m,
        "version": found.version,
    }


def _text(record: dict[str, Any], certain: bool, reader: Reader) -> str:
    likely = sum(part["reason"] in _LIKELY for part in record["candidates"])
    sentences = [_place(record["district"], likely, reader)]
    team = reader.name(record["team"]["names"])
    if record["rule"] is None:
        sentences.append(reader.say(_BY_FALLBACK, team=team))
    else:
        rule = rule_texts.sentence(record["rule"], reader)
        sentences.append(reader.say(_BY_RULE, rule=rule, team=team))
    near = record.get("near")
    if near:
        metres = f"{near['distance_m']:.0f}"
        sentences.append(reader.say(_NEAR_TO, layer=reader.name(near["layer"]), metres=metres))
    own = record.get("override")
    if own and own["code"] != record["team"]["code"]:
        chosen = reader.name(own["names"])
        sentences.append(reader.say(_OVERRIDDEN, team=chosen))
    if not certain and likely < _SEVERAL:
        sentences.append(reader.say(_NEAR_BORDER))
    return " ".join(sentences)


def _place(district: dict[str, Any] | None, likely: int, reader: Reader) -> str:
    """Say in which district the spot is taken to lie, of so many that a circle of doubt meets."""
    if district is None:
        return reader.say(_IN_NO_DISTRICT)
    name = reader.name(district["names"])
    if likely >= _SEVERAL:
        return reader.say(_LIKELY_OF_SEVERAL, district=name, count=likely)
    return reader.say(_LIKELY_IN_DISTRICT if likely else _IN_DISTRICT, district=name)


def tell_candidate(part: dict[str, Any], reader: Reader) -> CandidateText:
    """Return a candidate of a decision's record in words."""
    is_rule = part["kind"] == "rule"
    return CandidateText(
        kind=part["kind"],
        code=str(part["rule"]["id"]) if is_rule else part["code"],
        name=rule_texts.sentence(part["rule"], reader) if is_rule else reader.name(part["names"]),
        taken=part["taken"],
        reason=reader.say(_REASONS[Reason(part["reason"])]),
    )
