"""Triage: what staff change about a ticket, and what follows from it by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from city import jurisdictions, setup
from city.access import Act, Reach, Role, reach
from city.categories import UnknownCategory
from city.jurisdictions import OutOfArea
from city.models import Category, Person, Team, TeamMember
from city.staff import Staff
from geo.conditions import Said
from geo.coordinates import Position
from infra.words import mark
from reports import clock, decisions, history, messages, placing, snapshots, work
from reports.decisions import OwnChoice, Routing
from reports.desk import handling
from reports.desk.handling import NothingLeftToDo, StaleVersion, TicketMerged
from reports.history import EventKind
from reports.models import Author, Message, Report, Ticket


class UnfitCategory(Exception):
    """The category takes no reports of the ticket's kind."""


class UnknownTeam(Exception):
    """The jurisdiction has no such team in use."""


class UnfitAssignee(Exception):
    """There is no such person, or they could not work on the ticket."""


class NoDeadlineOwed(Exception):
    """Ideas and compliments have no deadline."""


class PinOutsideCity(Exception):
    """The pin was moved to where another jurisdiction, or none, answers."""


REFUSALS = (
    NoDeadlineOwed,
    NothingLeftToDo,
    OutOfArea,
    PinOutsideCity,
    StaleVersion,
    TicketMerged,
    UnfitAssignee,
    UnfitCategory,
    UnknownCategory,
    UnknownTeam,
)


class Wanted(TypedDict, total=False):
    """What is to be changed: codes of category and team, the e-mail of a person."""

    category: str
    location: Position
    address: str | None
    priority: str
    team: str
    assignee: str | None
    due_at: datetime | None


class Why(StrEnum):
    """Why a field of the ticket is another one now."""

    ASKED = "asked"
    DECIDED = "decided"
    NEAREST_ADDRESS = "nearest_address"
    OF_CATEGORY = "of_category"
    TARGET_TIME = "target_time"
    WORKING_TIME = "working_time"
    OTHER_TEAM = "other_team"


WHY_TEXTS = {
    Why.ASKED: mark("You changed it."),
    Why.NEAREST_ADDRESS: mark("It is the address nearest to the new spot."),
    Why.OF_CATEGORY: mark("It is what the new category has."),
    Why.TARGET_TIME: mark("It was reckoned anew from the category's target time."),
    Why.WORKING_TIME: mark("It was reckoned anew in the working time of the new team."),
    Why.OTHER_TEAM: mark("The person is not in the new team."),
}
"""Why in words; what was decided has the decision's own."""


@dataclass(slots=True)
class _Work:
    """A ticket in hand, and why which of its fields have been changed so far."""

    session: Session
    ticket: Ticket
    staff: Staff
    now: datetime
    ground: str | None
    reasons: dict[str, Why] = field(default_factory=dict)
    message: Message | None = None

    def put(self, column: str, value: Any, why: Why) -> None:
        """Give a column its value and note why, if it is another one."""
        if getattr(self.ticket, column) != value:
            setattr(self.ticket, column, value)
            self.reasons[column.removesuffix("_id")] = why

    def words(self) -> Message | None:
        """Return the ground that was given, as a row: only what did change something is kept."""
        if self.message is None and self.ground is not None:
            self.message = messages.by_city(
                self.ticket, self.staff.person_id, self.now, reason=self.ground
            )
            self.session.add(self.message)
            self.session.flush()
        return self.message


def change(
    session: Session,
    staff: Staff,
    ticket_id: int,
    version: int,
    wanted: Wanted,
    reason: str | None,
    now: datetime,
) -> tuple[Ticket, dict[str, Why]]:
    """Change the ticket, have it decided again where that follows, and say why which field changed.

    Raise NoDeadlineOwed, NotAllowed, NothingLeftToDo, OutOfArea, PinOutsideCity, StaleVersion,
    TicketMerged, UnfitAssignee, UnfitCategory, UnknownCategory, UnknownTeam or UnknownTicket.
    """
    ticket = handling.hold(session, staff, Act.ASSIGN, ticket_id, version)
    if wanted.keys() - {"assignee"}:
        handling.demand(staff, Act.TRIAGE, ticket)
    before = snapshots.read(session, ticket)
    hand = _Work(session, ticket, staff, now, reason)
    _place_and_category(hand, wanted)
    _team(hand, wanted)
    _assignee(hand, wanted)
    _deadline(hand, wanted)
    if hand.reasons:
        _write_down(hand, before)
    return ticket, hand.reasons


def refile(session: Session, staff: Staff, ticket: Ticket, now: datetime) -> None:
    """Have a held ticket be about what the oldest of its reports said, and decided for that."""
    report = work.oldest_report(session, ticket)
    category = session.get_one(Category, report.category_id)
    wanted = Wanted(location=report.location)
    if category.retired_at is None:
        wanted["category"] = category.code
    hand = _Work(session, ticket, staff, now, None)
    before = snapshots.read(session, ticket)
    _place_and_category(hand, wanted)
    _assignee(hand, Wanted())
    _deadline(hand, Wanted())
    if hand.reasons:
        _write_down(hand, before)


def _place_and_category(hand: _Work, wanted: Wanted) -> None:
    """Set what a decision depends on, and decide again where it has changed."""
    ticket, session = hand.ticket, hand.session
    old = session.get_one(Category, ticket.category_id)
    code = wanted.get("category", old.code)
    position = wanted.get("location", ticket.location)
    moved = position != ticket.location
    if moved or code != old.code:
        place = jurisdictions.find_place(session, position)
        if place.jurisdiction_id != ticket.jurisdiction_id:
            raise PinOutsideCity
        found = setup.read(session, ticket.jurisdiction_id, code, position)
        if ticket.kind not in found.category.kinds:
            raise UnfitCategory(code)
        report = work.oldest_report(session, ticket)
        # A dispatcher's pin is where they put it; a phone's is as good as it said.
        vague = report.accuracy_m if position == report.location else None
        hand.put("category_id", found.category.id, Why.ASKED)
        hand.put("location", position, Why.ASKED)
        if moved:
            hand.put("address", found.nearest_address, Why.NEAREST_ADDRESS)
        if ticket.priority == old.priority:
            hand.put("priority", found.category.priority, Why.OF_CATEGORY)
        said = Said(report.created_at, report.kind, report.answers)
        placed = placing.weigh(session, place, vague)
        _decide(hand, report, decisions.route(found, placed, said))
    if "address" in wanted:
        hand.put("address", wanted["address"], Why.ASKED)
    if "priority" in wanted:
        hand.put("priority", wanted["priority"], Why.ASKED)


def _decide(hand: _Work, report: Report, routed: Routing) -> None:
    """Keep the new decision; a team that a dispatcher chose stays the ticket's."""
    ticket = hand.ticket
    standing = decisions.latest(hand.session, ticket.id)
    row = decisions.as_row(ticket, report, routed, hand.now).as_object()
    hand.put("district_id", routed.choice.district_id, Why.DECIDED)
    if standing.overridden_at is not None:
        decisions.keep_override(row, standing)
    else:
        hand.put("team_id", row.team_id, Why.DECIDED)
        ticket.unrouted = routed.choice.rule is None
        ticket.uncertain = not routed.certain
    hand.session.add(row)
    hand.session.flush()


def _team(hand: _Work, wanted: Wanted) -> None:
    if "team" not in wanted:
        return
    team = hand.session.scalar(
        select(Team).where(
            Team.jurisdiction_id == hand.ticket.jurisdiction_id,
            Team.code == wanted["team"],
            Team.retired_at.is_(None),
        )
    )
    if team is None:
        raise UnknownTeam(wanted["team"])
    if team.id == hand.ticket.team_id:
        return
    standing = decisions.latest(hand.session, hand.ticket.id)
    own = OwnChoice(team, hand.staff.person_id, hand.words(), hand.now)
    hand.session.add(decisions.override(standing, hand.ticket, own))
    hand.put("team_id", team.id, Why.ASKED)
    # Whoever had to look at it has done so.
    hand.ticket.unrouted = hand.ticket.uncertain = False


def _assignee(hand: _Work, wanted: Wanted) -> None:
    ticket, session = hand.ticket, hand.session
    email = wanted.get("assignee")
    if email is not None:
        person = session.scalar(
            select(Person).where(
                Person.jurisdiction_id == ticket.jurisdiction_id,
                Person.email == email.strip().lower(),
                Person.retired_at.is_(None),
            )
        )
        if person is None or not can_work(session, ticket, person):
            raise UnfitAssignee(email)
        hand.put("assignee_id", person.id, Why.ASKED)
    elif "assignee" in wanted:
        hand.put("assignee_id", None, Why.ASKED)
    elif "team" in hand.reasons and ticket.assignee_id is not None:
        stays = can_work(session, ticket, session.get_one(Person, ticket.assignee_id))
        hand.put("assignee_id", ticket.assignee_id if stays else None, Why.OTHER_TEAM)


def can_work(session: Session, ticket: Ticket, person: Person) -> bool:
    """Tell whether somebody may do the work of the ticket, as they and it are now."""
    if person.retired_at is not None:
        return False
    found = reach(Role(person.role), Act.CHANGE_STATUS)
    if found is not Reach.TEAMS:
        return found is Reach.JURISDICTION
    return session.get(TeamMember, (person.id, ticket.team_id)) is not None


def _deadline(hand: _Work, wanted: Wanted) -> None:
    ticket = hand.ticket
    before = ticket.due_at
    moving = hand.reasons.keys() & {"category", "priority", "team"}
    if "due_at" in wanted:
        if wanted["due_at"] is not None and not clock.owes_deadline(ticket):
            raise NoDeadlineOwed
        handling.demand_open(ticket)
        if wanted["due_at"] == before and not moving:
            return
        clock.set_deadline(ticket, wanted["due_at"])
        ticket.due_fixed = True
    elif moving:
        clock.follow(hand.session, ticket)
    if ticket.due_at != before:
        hand.reasons["due_at"] = _why_due(hand, wanted)


def _why_due(hand: _Work, wanted: Wanted) -> Why:
    if "due_at" in wanted:
        return Why.ASKED
    return Why.TARGET_TIME if hand.reasons.keys() & {"category", "priority"} else Why.WORKING_TIME


def _write_down(hand: _Work, before: dict[str, Any]) -> None:
    """Write what has changed into the history, and tell a team that has a ticket more."""
    ticket, session = hand.ticket, hand.session
    session.flush()
    after = snapshots.read(session, ticket)
    history.append(
        session,
        ticket,
        EventKind.CHANGED,
        hand.now,
        author=Author.CITY,
        person_id=hand.staff.person_id,
        message=hand.words(),
        data={"changes": {name: [before.get(name), after.get(name)] for name in hand.reasons}},
    )
    if "team" in hand.reasons:
        work.tell_new_team(session, ticket, hand.staff.person_id, hand.now, hand.words())
