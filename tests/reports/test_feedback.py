"""Which closing a reporter speaks of, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from city import jurisdictions
from city.file_format import UnusableCityFile, read_city_file
from city.models import Jurisdiction
from reports import closings, work
from reports.closings import Feedback
from reports.desk import joining
from reports.models import Report, Ticket
from reports.resident import feedback, reading
from reports.resident.feedback import FeedbackTooLate, NothingToAnswer
from reports.status import Status
from tests.city.towns import document, load, write
from tests.reports.desk_days import DeskDays, paris

SENT, CLOSED, LATER = "2026-03-02 09:00", "2026-03-20 10:00", "2026-03-23 08:00"
# Over the night in which the clocks go forward: fourteen days, whatever the clock on the wall says.
LAST = paris(CLOSED) + timedelta(days=14)


@pytest.fixture
def desk(session: Session) -> DeskDays:
    return DeskDays(session)


def reports_of(desk: DeskDays, ticket: Ticket) -> list[Report]:
    return [desk.session.get_one(Report, id_) for id_ in work.report_ids(desk.session, ticket)]


def closed(desk: DeskDays, reports: int = 1) -> tuple[Ticket, list[Report]]:
    ticket = desk.report(SENT)
    for _ in range(reports - 1):
        desk.report(SENT, same_as=ticket.reference)
    desk.move(ticket, Status.RESOLVED, CLOSED)
    return ticket, reports_of(desk, ticket)


def say(
    desk: DeskDays, report: Report, at: datetime, *, satisfied: bool, comment: str | None = None
) -> Feedback:
    return feedback.give(desk.session, report, satisfied=satisfied, comment=comment, now=at)


def test_a_no_is_taken_until_the_last_moment_of_the_window(desk: DeskDays) -> None:
    ticket, [report] = closed(desk)
    after = LAST + timedelta(microseconds=1)
    for satisfied in (False, True):
        with pytest.raises(FeedbackTooLate) as refused:
            say(desk, report, after, satisfied=satisfied)
    assert refused.value.again.category == "nid-de-poule"
    assert not closings.standing(desk.session, report.id).takes_answer(after)
    assert closings.standing(desk.session, report.id).takes_answer(LAST)
    say(desk, report, LAST, satisfied=False)
    assert (ticket.status, ticket.closed_at) == ("reopened", None)
    assert ticket.due_at is not None
    assert ticket.due_at > LAST


def test_what_was_said_in_time_is_answered_again_after_it(desk: DeskDays) -> None:
    _, [report] = closed(desk)
    said = say(desk, report, LAST, satisfied=True, comment="Merci.")
    again = say(desk, report, LAST + timedelta(days=1), satisfied=True, comment="Merci.")
    assert (again.id, again.answered_at) == (said.id, LAST)


def test_the_citys_own_days_count(desk: DeskDays, tmp_path: Path) -> None:
    says = document()
    says["jurisdiction"]["feedback"] = {"days": 2}
    load(desk.session, write(tmp_path / "town", says))
    days = jurisdictions.find(desk.session, "essai").feedback_days
    ticket, [report] = closed(desk)
    jurisdiction = desk.session.get_one(Jurisdiction, ticket.jurisdiction_id)
    assert (jurisdiction.feedback_days, days) == (14, 2)
    jurisdiction.feedback_days = days
    with pytest.raises(FeedbackTooLate):
        say(desk, report, paris(LATER), satisfied=False)
    says["jurisdiction"]["feedback"] = {"days": 0}
    with pytest.raises(UnusableCityFile, match=r"jurisdiction\.feedback\.days"):
        read_city_file(write(tmp_path / "never", says))


def test_who_parts_from_a_closed_ticket_keeps_its_closing(desk: DeskDays) -> None:
    ticket, [first, second] = closed(desk, reports=2)
    say(desk, second, paris(LATER), satisfied=True)
    own = joining.split(
        desk.session, desk.staff, ticket.id, ticket.version, [second.reference], paris(LATER)
    )
    assert closings.standing(desk.session, second.id).satisfied is True
    say(desk, second, paris(LATER), satisfied=False)
    assert own.status == "reopened"
    assert ticket.status == "resolved"
    # The closing was another ticket's, and is remembered all the same.
    assert say(desk, second, paris(LATER), satisfied=False).satisfied is False
    say(desk, first, paris(LATER), satisfied=False)
    assert ticket.status == "reopened"


def test_a_closing_that_came_before_a_report_joined_is_none_of_its_own(desk: DeskDays) -> None:
    ticket, _ = closed(desk)
    desk.move(ticket, Status.REOPENED, LATER)
    other = desk.report(LATER)
    [late] = reports_of(desk, other)
    desk.merge(other, ticket, LATER)
    with pytest.raises(NothingToAnswer):
        say(desk, late, paris(LATER), satisfied=False)
    desk.move(ticket, Status.DECLINED, LATER)
    say(desk, late, paris(LATER), satisfied=False)
    assert reading.current_ticket(desk.session, late).status == "reopened"


def test_the_figures_are_of_who_closed_it(desk: DeskDays) -> None:
    ticket, [report] = closed(desk)
    team_id = ticket.team_id
    desk.change(ticket, LATER, team="proprete")
    say(desk, report, paris(LATER), satisfied=False)
    [row] = desk.session.scalars(select(Feedback).where(Feedback.report_id == report.id))
    assert ticket.team_id != team_id
    assert (row.ticket_id, row.closed_at, row.team_id) == (ticket.id, paris(CLOSED), team_id)
