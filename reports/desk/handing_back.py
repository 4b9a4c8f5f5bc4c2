"""Not ours: a team gives a ticket back to those who take whatever has no other team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from city.access import Act
from city.models import Jurisdiction, Team
from city.staff import Staff
from geo.models import District
from infra.words import Reader
from reports import clock, decisions, history, messages, snapshots, work
from reports.decisions import NoFallbackTeam
from reports.desk import handling
from reports.history import EventKind
from reports.models import Author, Event, Ticket
from reports.things import Thing


class HandedBackAlready(Exception):
    """The ticket has no team but those who take whatever has no other."""


@dataclass(frozen=True, slots=True)
class HandBacks:
    """How often a team gave back what a rule had sent it in a district, and when last.

    `rule` is the rule's id, or None where no rule had fitted.
    """

    rule: str | None
    district: Thing | None
    team: Thing
    count: int
    latest: datetime


def hand_back(
    session: Session, staff: Staff, ticket_id: int, version: int, reason: str, now: datetime
) -> Ticket:
    """Take the ticket from its team, for a dispatcher to find the right one.

    Raise HandedBackAlready, NoFallbackTeam, NotAllowed, NothingLeftToDo, StaleVersion,
    TicketMerged or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.HAND_BACK, ticket_id, version)
    handling.demand_open(ticket)
    jurisdiction = session.get_one(Jurisdiction, ticket.jurisdiction_id)
    if jurisdiction.fallback_team_id is None:
        raise NoFallbackTeam(jurisdiction.code)
    if ticket.unrouted and ticket.team_id == jurisdiction.fallback_team_id:
        raise HandedBackAlready
    message = messages.by_city(ticket, staff.person_id, now, reason=reason)
    team_id, before = ticket.team_id, snapshots.read(session, ticket)
    ticket.unrouted = True
    ticket.assignee_id = None
    ticket.team_id = jurisdiction.fallback_team_id
    if ticket.team_id != team_id:
        clock.follow(session, ticket)
    history.append(
        session,
        ticket,
        EventKind.HANDED_BACK,
        now,
        author=Author.CITY,
        person_id=staff.person_id,
        message=message,
        data={
            "rule": decisions.latest(session, ticket.id).rule_id,
            "district": ticket.district_id,
            "team": team_id,
            "changes": snapshots.difference(before, snapshots.read(session, ticket)),
        },
    )
    if ticket.team_id != team_id:
        work.tell_new_team(session, ticket, staff.person_id, now, message)
    return ticket


def counts(session: Session, jurisdiction_id: int, locale: str) -> list[HandBacks]:
    """Return what was handed back, by rule, district and team: the most frequent first."""
    rule, district, team = (
        Event.data[name].as_string().cast(BigInteger) for name in ("rule", "district", "team")
    )
    found = (
        select(
            rule.label("rule"),
            district.label("district"),
            team.label("team"),
            func.count().label("times"),
            func.max(Event.at).label("latest"),
        )
        .where(
            Event.jurisdiction_id == jurisdiction_id,
            Event.kind == EventKind.HANDED_BACK.value,
        )
        .group_by(rule, district, team)
        .subquery()
    )
    rows = session.execute(
        select(found, District, Team, Jurisdiction.locales)
        .outerjoin(District, District.id == found.c.district)
        .join(Team, Team.id == found.c.team)
        .join(Jurisdiction, Jurisdiction.id == Team.jurisdiction_id)
        .order_by(found.c.times.desc(), found.c.latest.desc())
    )
    told = []
    for row in rows:
        reader = Reader(locale, row.locales)
        told.append(
            HandBacks(
                rule=str(row.rule) if row.rule else None,
                district=Thing.of(row.District, reader) if row.District else None,
                team=Thing.of(row.Team, reader),
                count=row.times,
                latest=row.latest,
            )
        )
    return told
