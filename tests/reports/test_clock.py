"""A ticket's deadline from its arrival to its reopening, in the demo city's working hours.

These are 08:30-12:00 and 13:30-17:30, on Fridays until 16:30; a pothole may take 24 of them. The
team for water and lights works until 17:30 on Fridays too, from 19:00 to 22:00 on top of that, and
from 08:30 to 12:00 on Saturdays.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Kind
from reports.inbox import listing
from reports.models import Event, Ticket
from reports.status import Status
from tests.reports.desk_days import DeskDays, paris

FRIDAY_EVENING = "2026-11-27 18:00"
# 24 hours are 7.5 on Monday, Tuesday and Wednesday, and 1.5 on Thursday.
THURSDAY_TEN = "2026-12-03 10:00"
RUBBISH = {"contenu": ["meubles"]}


@pytest.fixture
def desk(session: Session) -> Iterator[DeskDays]:
    yield DeskDays(session)
    session.rollback()


def is_late(session: Session, ticket: Ticket, at: str) -> bool:
    return listing.line(session, ticket, "fr", paris(at)).late


def test_a_report_of_friday_evening_counts_from_monday(desk: DeskDays) -> None:
    assert desk.report(FRIDAY_EVENING).due_at == paris(THURSDAY_TEN)
    assert desk.report("2026-11-30 08:30").due_at == paris(THURSDAY_TEN)


def test_an_idea_has_no_deadline_and_gets_none(desk: DeskDays) -> None:
    idea = desk.report(FRIDAY_EVENING, "idee", kind=Kind.IDEA)
    assert idea.due_at is None
    assert desk.change(idea, FRIDAY_EVENING, priority="urgent") == {"priority"}
    desk.move(idea, Status.WAITING, "2026-11-30 09:00")
    desk.move(idea, Status.RESOLVED, "2026-12-01 09:00")
    desk.move(idea, Status.REOPENED, "2026-12-02 09:00")
    assert idea.due_at is None


def test_a_category_changed_at_the_last_hour_may_make_the_ticket_late(
    desk: DeskDays, session: Session
) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    assert not is_late(session, ticket, "2026-12-03 09:30")
    changes = desk.change(ticket, "2026-12-03 09:30", category="depot-sauvage")
    assert "due_at" in changes
    # Sixteen hours from the same start.
    assert ticket.due_at == paris("2026-12-02 09:30")
    assert is_late(session, ticket, "2026-12-03 09:30")
    desk.change(ticket, "2026-12-03 09:31", category="banc")
    assert not is_late(session, ticket, "2026-12-03 09:31")


def test_a_priority_has_its_own_target(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING, "depot-sauvage", answers=RUBBISH)
    assert ticket.due_at == paris("2026-12-02 09:30")
    assert desk.change(ticket, "2026-11-30 09:00", priority="urgent") == {"priority", "due_at"}
    assert ticket.due_at == paris("2026-11-30 14:00")
    assert desk.change(ticket, "2026-11-30 09:00", priority="low") == {"priority", "due_at"}
    assert ticket.due_at == paris("2026-12-02 09:30")


def test_the_clock_stands_still_while_the_ticket_waits(desk: DeskDays, session: Session) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    desk.move(ticket, Status.WAITING, "2026-12-03 09:00")
    assert ticket.due_at == paris(THURSDAY_TEN)
    # It waits far beyond, and is not late for that.
    assert not is_late(session, ticket, "2026-12-20 10:00")
    # From Thursday 09:00 to Monday 09:30: 7 hours, then 6.5 of Friday, then 1.
    desk.move(ticket, Status.IN_PROGRESS, "2026-12-07 09:30")
    assert ticket.paused_at is None
    assert ticket.due_at == paris("2026-12-07 10:30")
    assert is_late(session, ticket, "2026-12-07 10:31")
    query = select(Event.data).where(Event.ticket_id == ticket.id).order_by(Event.seq.desc())
    assert session.scalars(query).first()["changes"]["due_at"] == [  # type: ignore[index]
        paris(THURSDAY_TEN).isoformat(),
        paris("2026-12-07 10:30").isoformat(),
    ]
    # What comes after is reckoned as if the clock had begun later, on Tuesday at 17:00.
    desk.change(ticket, "2026-12-07 09:40", category="depot-sauvage")
    assert ticket.due_at == paris("2026-12-04 09:00")


def test_a_week_end_of_waiting_costs_nothing(desk: DeskDays) -> None:
    ticket = desk.report("2026-11-26 09:00")
    due_at = ticket.due_at
    desk.move(ticket, Status.WAITING, "2026-11-27 16:45")
    desk.move(ticket, Status.IN_PROGRESS, "2026-11-30 08:20")
    assert ticket.due_at == due_at


def test_a_ticket_closed_while_waiting_has_its_deadline_put_off(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    desk.move(ticket, Status.WAITING, "2026-12-03 09:00")
    desk.move(ticket, Status.RESOLVED, "2026-12-03 11:00")
    assert ticket.paused_at is None
    assert ticket.due_at == paris("2026-12-03 12:00")


def test_a_reopened_ticket_has_its_whole_time_again(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    desk.move(ticket, Status.RESOLVED, "2026-12-03 09:00")
    assert ticket.due_at == paris(THURSDAY_TEN)
    desk.move(ticket, Status.REOPENED, "2026-12-04 18:00")
    assert ticket.due_at == paris("2026-12-10 10:00")
    desk.change(ticket, "2026-12-07 10:00", category="depot-sauvage")
    assert ticket.due_at == paris("2026-12-09 09:30")


def test_a_dispatchers_own_deadline_follows_nothing(desk: DeskDays, session: Session) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    own = paris("2027-01-15 12:00")
    assert desk.change(ticket, FRIDAY_EVENING, due_at=own) == {"due_at"}
    assert "due_at" not in desk.change(ticket, "2026-11-30 09:00", category="depot-sauvage")
    assert "due_at" not in desk.change(ticket, "2026-11-30 09:00", priority="urgent")
    desk.move(ticket, Status.WAITING, "2026-11-30 10:00")
    desk.move(ticket, Status.IN_PROGRESS, "2026-12-07 10:00")
    desk.move(ticket, Status.RESOLVED, "2026-12-08 10:00")
    desk.move(ticket, Status.REOPENED, "2026-12-09 10:00")
    assert (ticket.due_at, ticket.due_fixed) == (own, True)
    # One that has passed is no deadline for work that begins again: four hours are.
    desk.move(ticket, Status.RESOLVED, "2027-01-18 10:00")
    desk.move(ticket, Status.REOPENED, "2027-01-20 10:00")
    assert (ticket.due_at, ticket.due_fixed) == (paris("2027-01-20 15:30"), False)


def test_a_report_split_off_has_the_time_since_it_was_sent(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    desk.report("2026-12-01 09:00", same_as=ticket.reference)
    own = desk.split(ticket, "2026-12-02 10:00")
    assert ticket.due_at == paris(THURSDAY_TEN)
    assert own.due_at == paris("2026-12-04 10:30")


def test_a_report_split_off_a_waiting_ticket_waits_since_it_was_sent(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    desk.move(ticket, Status.WAITING, "2026-11-30 09:00")
    desk.report("2026-12-01 09:00", same_as=ticket.reference)
    own = desk.split(ticket, "2026-12-01 10:00")
    assert own.paused_at == paris("2026-12-01 09:00")
    desk.move(own, Status.IN_PROGRESS, "2026-12-02 09:00")
    assert own.due_at == paris("2026-12-07 11:30")


def test_a_priority_that_merging_brings_brings_its_target(desk: DeskDays) -> None:
    urgent, other = (
        desk.report(FRIDAY_EVENING, "depot-sauvage", answers=RUBBISH) for _ in range(2)
    )
    desk.change(urgent, FRIDAY_EVENING, priority="urgent")
    desk.merge(urgent, other, "2026-11-30 09:00")
    assert other.due_at == paris("2026-11-30 14:00")
    desk.unmerge(urgent, "2026-11-30 09:30")
    assert other.due_at == paris("2026-12-02 09:30")
    assert urgent.due_at == paris("2026-11-30 14:00")


@pytest.mark.parametrize(
    ("category", "sent", "due"),
    [
        # 24 hours: 3 that evening, 3.5 on Saturday, 10.5 on Monday, and 7 on Tuesday.
        ("lampadaire", FRIDAY_EVENING, "2026-12-01 17:00"),
        # Four hours: one on Saturday, and after the clock was changed three on Monday.
        ("feu-tricolore", "2026-10-24 11:00", "2026-10-26 11:30"),
        # One hour on the eve of 14 July, none on the day.
        ("feu-tricolore", "2026-07-13 21:00", "2026-07-15 11:30"),
    ],
)
def test_a_team_with_a_calendar_of_its_own_counts_by_that(
    desk: DeskDays, category: str, sent: str, due: str
) -> None:
    answers = {"panne": "eteint"} if category == "lampadaire" else {}
    assert desk.report(sent, category, answers=answers).due_at == paris(due)


def test_the_clock_of_a_teams_own_calendar_stands_still_in_its_hours(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING, "lampadaire", answers={"panne": "eteint"})
    # Three hours of Saturday, and half an hour of Monday.
    desk.move(ticket, Status.WAITING, "2026-11-28 09:00")
    desk.move(ticket, Status.IN_PROGRESS, "2026-11-30 09:00")
    assert ticket.due_at == paris("2026-12-01 22:00")


def test_another_team_has_its_own_hours(desk: DeskDays) -> None:
    ticket = desk.report(FRIDAY_EVENING)
    assert ticket.due_at == paris(THURSDAY_TEN)
    assert "due_at" in desk.change(ticket, "2026-11-30 09:00", team="reseaux")
    assert ticket.due_at == paris("2026-12-01 17:00")
    # What a team gives back falls to the front desk, which has the city's hours.
    desk.hand_back(ticket, "2026-11-30 10:00")
    assert ticket.due_at == paris(THURSDAY_TEN)
    assert "due_at" not in desk.change(ticket, "2026-11-30 11:00", team="voirie")
