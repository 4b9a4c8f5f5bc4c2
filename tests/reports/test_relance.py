"""The relance: the team before and after the deadline, then the dispatchers, once each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from city.models import KeptText, Person
from infra.clock import now
from reports import relance, work
from reports.intake import ContactDetails
from reports.mail import delivery, writing
from reports.models import Membership, Notice, Ticket
from reports.privacy import forgetting
from reports.relance import Stage
from reports.status import Status
from tests.api import help as h
from tests.reports.desk_days import DeskDays, paris
from tests.resident import DISPATCHER
from tests.statements import asked_of

FRIDAY_EVENING = "2026-11-27 18:00"
# Its deadline is on Thursday at 10:00. Seven working hours before that it is Wednesday, 10:30, and
# seven after it Friday, 09:30.
SOON, DUE, LONG_PAST = "2026-12-02 10:30", "2026-12-03 10:00", "2026-12-04 09:30"
TEAM = [("due_soon", "team"), ("overdue", "team")]


class Watch(DeskDays):
    """A desk whose deadlines are watched."""

    def sweep(self, at: str) -> int:
        """Tell of the deadlines as the sweeper does."""
        told = 0
        while count := relance.run_batch(self.session, self.staff.jurisdiction_id, paris(at)):
            self.session.commit()
            told += count
        self.session.commit()
        return told

    def told(self, ticket: Ticket) -> list[tuple[str, str]]:
        """Return what was told of the ticket's deadline, and to whom."""
        found = self.session.execute(
            select(Notice.kind, Notice.audience)
            .where(
                Notice.ticket_id == ticket.id, Notice.kind.in_(["due_soon", "overdue", "escalated"])
            )
            .order_by(Notice.id)
        )
        return [(kind, audience) for kind, audience in found]


@pytest.fixture
def watch(own_app: Flask) -> Iterator[Watch]:
    with h.parts_of(own_app).sessions() as session:
        yield Watch(session)


def test_each_is_told_once_at_its_time(watch: Watch) -> None:
    ticket = watch.report(FRIDAY_EVENING)
    assert watch.sweep("2026-12-02 10:29") == 0
    assert watch.sweep(SOON) == 1
    assert watch.told(ticket) == TEAM[:1]
    assert watch.sweep("2026-12-03 09:59") == 0
    assert watch.sweep(DUE) == 1
    assert watch.told(ticket) == TEAM
    assert watch.sweep("2026-12-04 09:29") == 0
    assert watch.sweep(LONG_PAST) == 1
    assert watch.told(ticket) == [*TEAM, ("escalated", "dispatcher")]
    assert watch.sweep("2027-12-01 10:00") == 0


def test_a_week_end_brings_no_deadline_nearer(watch: Watch) -> None:
    # Due on Tuesday at 10:00, which is 8 hours after Friday's closing.
    ticket = watch.report("2026-11-25 17:30")
    watch.change(ticket, "2026-11-25 17:30", due_at=paris("2026-12-01 10:00"))
    assert watch.sweep("2026-11-29 23:00") == 0
    assert watch.sweep("2026-11-30 10:29") == 0
    assert watch.sweep("2026-11-30 10:30") == 1


def test_what_has_little_time_is_not_due_soon_at_once(watch: Watch) -> None:
    # Four hours from 08:30 end at 14:00, and half of that has gone at 11:15.
    ticket = watch.report("2026-11-30 08:30", "fuite-eau")
    assert watch.sweep("2026-11-30 11:14") == 0
    assert watch.sweep("2026-11-30 11:15") == 1
    assert watch.told(ticket) == TEAM[:1]


def test_what_was_late_for_long_is_told_to_both_without_a_warning(watch: Watch) -> None:
    ticket = watch.report(FRIDAY_EVENING)
    assert watch.sweep("2026-12-10 10:00") == 2
    assert watch.told(ticket) == [TEAM[1], ("escalated", "dispatcher")]


def test_nothing_is_told_of_what_is_closed_merged_or_waiting(watch: Watch) -> None:
    closed, merged, waiting, survivor = (watch.report(FRIDAY_EVENING) for _ in range(4))
    watch.move(closed, Status.RESOLVED, "2026-11-30 09:00")
    watch.move(waiting, Status.WAITING, "2026-12-01 17:30")
    watch.merge(merged, survivor, "2026-11-30 09:00")
    watch.change(survivor, "2026-11-30 09:00", due_at=None)
    assert watch.sweep("2026-12-10 10:00") == 0
    # Nine hours are left, as before: until Friday at 10:00.
    watch.move(waiting, Status.IN_PROGRESS, "2026-12-10 08:30")
    assert watch.sweep("2026-12-10 10:29") == 0
    assert watch.sweep("2026-12-10 10:30") == 1
    assert watch.told(waiting) == TEAM[:1]


def test_a_later_deadline_is_told_of_anew_and_an_earlier_is_not(watch: Watch) -> None:
    ticket = watch.report(FRIDAY_EVENING)
    watch.sweep(SOON)
    watch.change(ticket, SOON, due_at=paris("2026-12-03 09:00"))
    assert watch.sweep("2026-12-02 11:00") == 0
    watch.change(ticket, "2026-12-02 11:00", due_at=paris("2026-12-11 10:00"))
    assert watch.sweep("2026-12-09 10:00") == 0
    assert watch.sweep("2026-12-10 11:00") == 1
    assert watch.sweep("2026-12-10 11:01") == 0
    assert watch.sweep("2026-12-11 10:00") == 1
    assert watch.told(ticket) == [TEAM[0], *TEAM]


def test_a_reopened_ticket_is_told_of_anew(watch: Watch) -> None:
    ticket = watch.report(FRIDAY_EVENING)
    watch.sweep("2026-12-10 10:00")
    watch.move(ticket, Status.RESOLVED, "2026-12-10 11:00")
    watch.move(ticket, Status.REOPENED, "2026-12-10 12:00")
    assert watch.sweep("2026-12-10 12:01") == 0
    assert watch.sweep("2026-12-31 10:00") == 2


def test_two_sweepers_at_once_tell_of_nothing_twice(watch: Watch, own_app: Flask) -> None:
    tickets = [watch.report(FRIDAY_EVENING) for _ in range(3)]
    watch.session.commit()
    city, at = watch.staff.jurisdiction_id, paris(DUE)
    with h.parts_of(own_app).sessions() as first, h.parts_of(own_app).sessions() as second:
        assert relance.run_batch(first, city, at) == 3
        assert relance.run_batch(second, city, at) == 0
        first.commit()
        assert relance.run_batch(second, city, at) == 0
        second.commit()
    watch.session.rollback()
    assert [watch.told(ticket) for ticket in tickets] == [TEAM[1:]] * 3


def test_a_sweeper_that_dies_has_told_of_nothing(watch: Watch, own_app: Flask) -> None:
    ticket = watch.report(FRIDAY_EVENING)
    watch.session.commit()
    with h.parts_of(own_app).sessions() as killed:
        assert relance.run_batch(killed, watch.staff.jurisdiction_id, paris(DUE)) == 1
    assert watch.told(ticket) == []
    assert watch.sweep(DUE) == 1
    assert watch.told(ticket) == TEAM[1:]


def test_a_ticket_without_reports_holds_nothing_up(watch: Watch) -> None:
    empty, other = watch.report(FRIDAY_EVENING), watch.report(FRIDAY_EVENING)
    left = update(Membership).where(Membership.ticket_id == empty.id)
    watch.session.execute(left.values(left_at=paris(FRIDAY_EVENING)))
    watch.sweep(DUE)
    assert (watch.told(empty), watch.told(other)) == ([], TEAM[1:])
    assert watch.sweep(DUE) == 0


def test_a_report_that_was_forgotten_is_still_work(watch: Watch) -> None:
    contact = ContactDetails(email="camille@example.org")
    ticket = watch.report(FRIDAY_EVENING, contact=contact, description="Chez Camille.")
    session = watch.session
    report = work.oldest_report(session, ticket)
    forgetting.forget(session, ticket, report, KeptText.BLANK, paris("2026-11-30 09:00"))
    assert watch.sweep(DUE) == 1
    query = select(Notice).where(Notice.ticket_id == ticket.id, Notice.kind == "overdue")
    mail = writing.compose(
        session, session.scalars(query).one(), "a@b.example", "http://c.example", ""
    )
    assert ticket.reference in mail.text
    assert "amille" not in mail.text
    # Nor does forgetting drop what staff are owed.
    forgetting.forget(session, ticket, report, KeptText.BLANK, paris(DUE))
    assert (
        session.scalars(query.execution_options(populate_existing=True)).one().status == "pending"
    )


@pytest.mark.parametrize("what", ["closed", "waiting", "moved"])
def test_what_was_overtaken_is_not_sent(watch: Watch, what: str) -> None:
    ticket = watch.report(FRIDAY_EVENING)
    watch.sweep(DUE)
    query = select(Notice).where(Notice.ticket_id == ticket.id, Notice.kind == "overdue")
    notice = watch.session.scalars(query).one()
    assert writing.recipient(watch.session, notice) == "voirie@beaurive.example"
    if what == "moved":
        watch.change(ticket, DUE, due_at=paris("2027-01-15 12:00"))
    else:
        watch.move(ticket, Status.RESOLVED if what == "closed" else Status.WAITING, DUE)
    assert writing.recipient(watch.session, notice) is None


def test_every_dispatcher_is_told_in_their_language_but_none_who_left(watch: Watch) -> None:
    session, jurisdiction_id = watch.session, watch.staff.jurisdiction_id
    for number, gone in ((1, False), (2, True), (3, False)):
        session.add(
            Person(
                jurisdiction_id=jurisdiction_id,
                email=f"d{number}@beaurive.example",
                name="D",
                role="dispatcher",
                locale="en",
                retired_at=now() if gone else None,
            )
        )
    ticket = watch.report(FRIDAY_EVENING)
    watch.sweep("2026-12-10 10:00")
    owed = session.scalars(
        select(Notice).where(Notice.ticket_id == ticket.id, Notice.audience == "dispatcher")
    ).all()
    said = {}
    for notice in owed:
        to = writing.recipient(session, notice)
        assert to is not None
        said[to] = writing.compose(session, notice, to, "http://city.example", "secret")
    assert said.keys() == {DISPATCHER, "d1@beaurive.example", "d3@beaurive.example"}
    assert said[DISPATCHER].subject.startswith("En retard depuis longtemps\N{NO-BREAK SPACE}: ")
    english = said["d1@beaurive.example"]
    assert english.subject == f"Long overdue: ticket {ticket.reference}, Pothole"
    assert ticket.reference in english.text
    assert "you are a dispatcher" in english.text
    # Whoever leaves before it is sent gets none any more.
    left = session.scalars(select(Person).where(Person.email == "d3@beaurive.example")).one()
    left.retired_at = now()
    session.flush()
    assert {writing.recipient(session, notice) for notice in owed} == {*said, None} - {left.email}


def test_one_dispatchers_mail_does_not_wait_for_anothers(watch: Watch) -> None:
    session = watch.session
    session.add(
        Person(
            jurisdiction_id=watch.staff.jurisdiction_id,
            email="second@beaurive.example",
            name="D",
            role="dispatcher",
            locale="en",
        )
    )
    ticket = watch.report(FRIDAY_EVENING)
    watch.sweep("2026-12-10 10:00")
    ids = session.scalars(
        select(Notice.id).where(Notice.ticket_id == ticket.id, Notice.audience == "dispatcher")
    ).all()
    moment = paris("2026-12-10 10:01")
    assert all(delivery.claim(session, notice_id, moment, 60) for notice_id in ids)
    # What the team has waited for longest comes first.
    arrival, overdue = session.scalars(
        select(Notice.id)
        .where(Notice.ticket_id == ticket.id, Notice.audience == "team")
        .order_by(Notice.id)
    )
    assert delivery.claim(session, overdue, moment, 60) is None
    assert delivery.claim(session, arrival, moment, 60) is not None


def test_the_sweeper_reads_no_more_than_what_is_due(watch: Watch, own_app: Flask) -> None:
    session = watch.session
    tickets = [watch.report(FRIDAY_EVENING) for _ in range(3)]
    _multiply(session, tickets[0], 30_000)
    with asked_of(h.parts_of(own_app).engine) as asked:
        assert watch.sweep(SOON) == 3
    locking = [statement for statement in asked if "FOR NO KEY UPDATE" in statement]
    assert len(locking) == 2
    for statement in locking:
        plan = session.connection().exec_driver_sql(f"EXPLAIN {statement}", statement.values)
        told = "\n".join(line for (line,) in plan)
        assert "ix_tickets_relance" in told, told
        assert "Seq Scan" not in told, told


def _multiply(session: Session, ticket: Ticket, times: int) -> None:
    """Give the city a past: tickets that are closed, told of to the end, or not due for long."""
    session.flush()
    names = [
        column.name
        for column in Ticket.__table__.columns
        if column.name not in {"id", "reference", "closed_at", "relance", "due_at"}
    ]
    listed = ", ".join(names)
    session.connection().exec_driver_sql(
        f"""
        INSERT INTO tickets ({listed}, reference, closed_at, relance, due_at)
        SELECT {listed}, 'X' || n, CASE WHEN mod(n, 10) > 0 THEN now() END,
            CASE WHEN mod(n, 20) = 0 THEN {Stage.ESCALATED:d} ELSE 0 END,
            due_at + CASE WHEN mod(n, 20) = 0 THEN interval '-90 days' ELSE interval '90 days' END
        FROM tickets, generate_series(1, {times}) AS n WHERE id = {ticket.id}
        """
    )
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(relance=0))
    session.commit()
    session.connection().exec_driver_sql("ANALYZE tickets")
    session.commit()
