"""Retention as it runs: twice at once, killed half-way, by its command, and what it tells."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from city.models import Actor, Jurisdiction, KeptText
from infra.clock import now
from reports.models import Message, Notice
from reports.privacy import retention
from reports.privacy.removals import Removal
from tests import traces
from tests.api import help as h
from tests.reports.retained import EVERY_CONTACT, Town
from tests.resident import log_in
from workers import sweeper


def test_two_at_once_share_the_tickets(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        town.closed(months=24)
    town.keep_for(24)
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    city = town.session.scalars(select(Jurisdiction)).one()
    with town.kit.sessions() as one, town.kit.sessions() as other:
        first = retention.run_batch(one, city, now(), Actor.WORKERS)
        second = retention.run_batch(other, city, now(), Actor.WORKERS)
        other.commit()
        one.commit()
    assert (first.counts["tickets"], second.counts["tickets"]) == (2, 1)
    assert traces.in_database(town.session, *EVERY_CONTACT) == []
    assert sorted(entry.changes["tickets"] for entry in town.audit()) == [1, 2]


def test_killed_before_the_commit_it_leaves_everything(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24, KeptText.BLANK)
    before = traces.rows(town.session)
    stored = sorted(traces.files(town.folder))
    city = town.session.scalars(select(Jurisdiction)).one()
    with town.kit.sessions() as session:
        assert retention.run_batch(session, city, now(), Actor.WORKERS).counts["tickets"] == 1
    assert traces.rows(town.session) == before
    assert sorted(traces.files(town.folder)) == stored


def test_killed_before_the_files_are_gone_the_next_one_removes_them(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24)
    assert sweeper.retain(town.kit)
    # The rows are as they will be, and no file that is still there is forgotten.
    owed = town.session.scalars(select(Removal.key)).all()
    assert [str(path) for path in traces.files(town.folder, "originals")] == [
        str(town.folder / "storage" / key) for key in owed
    ]
    sweeper.remove(town.kit)
    sweeper.remove(town.kit)
    assert traces.files(town.folder, "originals") == []
    assert town.session.scalars(select(Removal)).all() == []


def test_the_command_says_how_many_of_what_and_does_as_it_said(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        town.closed(months=24)
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    assert _command(town) == (0, ["no city has a retention"])
    assert _command(town, "--jurisdiction", "beaurive") == (
        1,
        ["Error: there is no city 'beaurive' with a retention"],
    )
    town.keep_for(24, KeptText.BLANK)
    before = traces.rows(town.session)
    code, lines = _command(town, "--dry-run", "--jurisdiction", "beaurive")
    assert (code, lines[-1]) == (0, "nothing was changed")
    assert traces.rows(town.session) == before

    code, done = _command(town)
    assert (code, done) == (0, lines[:-1])
    assert done[-1].startswith("beaurive: 3 tickets, 3 reports, 3 contacts")
    assert done[-2].endswith("3 of 3 tickets")
    changes: Counter[str] = Counter()
    for entry in town.audit():
        assert entry.actor == "command"
        changes.update({what: n for what, n in entry.changes.items() if what != "text"})
    told = {f"{count} {what}" for what, count in changes.items() if what != "months"}
    assert set(done[-1].removeprefix("beaurive: ").split(", ")) == told
    assert _command(town) == (0, ["beaurive: nothing to do"])


def _command(town: Town, *arguments: str) -> tuple[int, list[str]]:
    done = town.app.test_cli_runner().invoke(args=["retention", "run", *arguments])
    return done.exit_code, done.output.splitlines()


def test_no_message_is_sent_to_somebody_forgotten(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24)
    town.sweep()
    theirs = select(Notice.status).where(Notice.audience == "reporter")
    assert set(town.session.scalars(theirs)) == {"dropped"}
    teams = select(Notice.status).where(Notice.audience == "team")
    assert set(town.session.scalars(teams)) == {"pending"}


def test_history_says_so_to_staff_alone(town: Town) -> None:
    view = town.closed(months=24)
    town.keep_for(24)
    town.sweep()
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    events = h.read(client, f"/tickets/{view['ticket']}", staff)["events"]
    assert [event["kind"] for event in events][-1] == "anonymised"
    public = h.read(client, f"/reports/{view['reference']}/events")["items"]
    assert "anonymised" not in {event["kind"] for event in public}
    assert town.session.scalars(select(Message.id)).all()
