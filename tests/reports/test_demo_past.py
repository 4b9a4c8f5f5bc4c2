"""The demo city's past: a month that could have been, and nothing left of it to be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from city import calendars, sessions
from city.access import Role
from city.addresses import read_addresses
from city.file_format import CityFile, read_city_file
from city.models import Kind, Person
from infra.embedded.cluster import Cluster
from infra.embedded.valkey import Valkey
from reports import relance
from reports.demo.month import DAYS, City, Month
from reports.desk.flags import FlagCode
from reports.status import Status
from tests.commands import run_module
from tests.conftest import DEMO, Past, copy_of
from tests.stack import environment

CITY: CityFile = read_city_file(DEMO)


@pytest.fixture(scope="module")
def db(cluster: Cluster, past: Past) -> Iterator[Session]:
    url = copy_of(cluster, past.database).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def ask(db: Session, query: str, **values: Any) -> list[Any]:
    """Return the rows of a question; of one column, what stands in it."""
    rows = db.execute(text(query), values).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


def one(db: Session, query: str, **values: Any) -> Any:
    [found] = ask(db, query, **values)
    return found


def test_there_are_about_300_tickets_of_every_status_kind_and_channel(db: Session) -> None:
    assert 270 <= one(db, "SELECT count(*) FROM tickets") <= 330
    assert set(ask(db, "SELECT DISTINCT status FROM tickets")) == set(Status)
    assert set(ask(db, "SELECT DISTINCT kind FROM tickets")) == set(Kind)
    assert {"app", "phone", "counter"} <= set(ask(db, "SELECT DISTINCT channel FROM reports"))
    english = one(db, "SELECT avg((locale = 'en')::int) FROM reports")
    assert 0.05 < english < 0.3


def test_loading_it_again_leaves_alone_what_has_become_of_the_city(
    cluster: Cluster, past: Past, valkey: Valkey, tmp_path: Path
) -> None:
    url = copy_of(cluster, past.database)
    environ = environment(tmp_path, url, valkey.url, "smtp://127.0.0.1:9")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE teams SET email = 'other@town.example' WHERE code = 'voirie'")
        run_module(environ, "flask", "--app", "wsgi", "demo", "load")
        query = "SELECT email FROM teams WHERE code = 'voirie'"
        assert connection.execute(query).fetchone() == ("other@town.example",)


def test_a_third_is_open_and_some_of_it_late_or_soon_due(db: Session, past: Past) -> None:
    total = one(db, "SELECT count(*) FROM tickets WHERE merged_into_id IS NULL")
    due = ask(
        db,
        "SELECT coalesce(due_at, 'infinity') < :at AND paused_at IS NULL FROM tickets"
        " WHERE closed_at IS NULL AND merged_into_id IS NULL",
        at=past.ended,
    )
    assert 0.25 < len(due) / total < 0.45
    assert 0.15 < sum(due) / len(due) < 0.5
    # Of the closed ones, most were done in time, and not all.
    kept = one(
        db, "SELECT avg((closed_at <= due_at)::int) FROM tickets WHERE closed_at IS NOT NULL"
    )
    assert 0.5 < kept < 0.9


def test_nobody_has_looked_at_the_newest(db: Session) -> None:
    newest = ask(db, "SELECT status FROM tickets ORDER BY created_at DESC LIMIT 20")
    oldest = ask(db, "SELECT status FROM tickets ORDER BY created_at LIMIT 150")
    assert newest.count("received") >= 5
    assert oldest.count("received") / 150 < newest.count("received") / 20 / 3


def test_every_team_has_work_and_every_district_has_reports(db: Session) -> None:
    of_team = ask(
        db,
        "SELECT count(tickets.id) FILTER (WHERE closed_at IS NULL) FROM teams"
        " LEFT JOIN tickets ON team_id = teams.id GROUP BY teams.id",
    )
    of_district = dict(
        ask(
            db,
            "SELECT code, count(*) FROM tickets"
            " JOIN districts ON districts.id = district_id GROUP BY code",
        )
    )
    drawn = json.loads((DEMO.parent / "districts.geojson").read_text("utf-8"))["features"]
    assert len(of_team) == len(CITY.teams)
    assert min(of_team) >= 3
    assert set(of_district) == {feature["properties"]["code"] for feature in drawn}
    assert min(of_district.values()) >= 3
    assert max(of_district.values()) > 2 * min(of_district.values())


def test_all_that_a_desk_does_has_happened(db: Session) -> None:
    happened = set(ask(db, "SELECT DISTINCT kind FROM events"))
    assert happened >= {
        *("received", "joined", "merged", "moved_in", "routed", "changed", "status", "message"),
        *("question", "handed_back", "note", "hidden", "due_soon", "overdue", "escalated"),
        *("photo_added", "work_photo_added", "photo_flagged", "flag_cleared", "planned"),
        *("third_party", "feedback"),
    }
    some = {
        "tickets WHERE assignee_id IS NOT NULL": 20,
        "tickets WHERE priority = 'high'": 10,
        "tickets WHERE due_fixed": 5,
        "tickets WHERE withdrawn": 2,
        "tickets WHERE unrouted AND closed_at IS NULL": 5,
        "decisions WHERE overridden_at IS NOT NULL": 2,
        "tickets WHERE close_reason_id IS NOT NULL": 30,
        "events WHERE kind = 'planned' AND message_id IS NOT NULL": 3,
        "feedback WHERE satisfied": 15,
        "feedback WHERE NOT satisfied": 3,
        "feedback JOIN messages m ON m.id = message_id": 8,
        "photos WHERE purpose = 'after'": 3,
        "events WHERE data ? 'mentions'": 3,
        "supports": 50,
        "subscriptions WHERE confirmed_at IS NOT NULL": 3,
    }
    found = {what: one(db, f"SELECT count(*) FROM {what}") for what in some}
    assert {what: count for what, count in found.items() if count < some[what]} == {}


def test_who_works_on_a_ticket_is_in_its_team(db: Session) -> None:
    strangers = ask(
        db,
        "SELECT reference FROM tickets WHERE assignee_id IS NOT NULL AND NOT EXISTS (SELECT FROM"
        " team_members m WHERE m.person_id = assignee_id AND m.team_id = tickets.team_id)",
    )
    assert strangers == []


def test_history_runs_forward_and_ends_before_now(db: Session, past: Past) -> None:
    backward = ask(
        db,
        "SELECT ticket_id FROM (SELECT ticket_id, at - lag(at) OVER (PARTITION BY ticket_id"
        " ORDER BY seq) AS step FROM events) AS steps WHERE step < interval '0'",
    )
    early = ask(
        db, "SELECT seq FROM events JOIN tickets t ON t.id = ticket_id WHERE at < created_at"
    )
    assert backward == early == []
    assert one(db, "SELECT max(at) FROM events") <= past.ended
    assert one(db, "SELECT max(created_at) FROM reports") <= past.ended
    assert one(db, "SELECT min(at) FROM events") >= past.began - timedelta(days=130)


def test_no_two_things_happen_at_the_very_same_minute_of_every_day(db: Session) -> None:
    often = ask(
        db,
        "SELECT count(*) FROM reports GROUP BY extract(hour FROM created_at),"
        " extract(minute FROM created_at) ORDER BY 1 DESC LIMIT 1",
    )
    assert often[0] <= 5


def test_closed_tickets_say_when_and_open_ones_do_not(db: Session) -> None:
    wrong = ask(
        db,
        "SELECT reference FROM tickets WHERE merged_into_id IS NULL"
        " AND (closed_at IS NOT NULL) <> (status IN ('resolved', 'declined'))",
    )
    without_words = ask(
        db,
        "SELECT reference FROM tickets WHERE status = 'declined' AND NOT withdrawn"
        " AND public_message_id IS NULL",
    )
    assert wrong == without_words == []


def test_no_two_residents_write_the_same(db: Session) -> None:
    assert ask(db, "SELECT description FROM reports GROUP BY 1 HAVING count(*) > 1") == []


def test_no_text_is_read_more_than_three_times(db: Session) -> None:
    often = "SELECT body FROM messages WHERE body IS NOT NULL GROUP BY 1 HAVING count(*) > 3"
    assert ask(db, often) == []


def test_something_waits_for_everybody_who_looks_now(db: Session, past: Past) -> None:
    still_open = "closed_at IS NULL AND merged_into_id IS NULL"
    ahead = (
        f"tickets WHERE {still_open} AND"
        " (planned_on >= CAST(:at AS date) OR planned_at > CAST(:at AS timestamptz))"
    )
    # Given back and given to no other team since, and closed until its reporter said no.
    given_back = (
        "tickets t JOIN events e ON e.ticket_id = t.id AND e.kind = 'handed_back'"
        f" WHERE {still_open} AND unrouted"
    )
    doubted = "tickets t JOIN feedback f ON f.ticket_id = t.id WHERE t.status = 'reopened'"
    with_others = (
        "tickets t JOIN events e ON e.ticket_id = t.id AND e.kind = 'third_party'"
        " WHERE t.status = 'waiting'"
    )
    for what in (ahead, given_back, f"{doubted} AND NOT satisfied", with_others):
        assert one(db, f"SELECT count(*) FROM {what}", at=past.ended) > 0, what


def test_pictures_of_the_work_are_odd_for_each_reason_and_some_was_explained(db: Session) -> None:
    standing = "SELECT DISTINCT code FROM photo_flags WHERE cleared_at IS NULL"
    assert set(ask(db, standing)) == set(FlagCode)
    assert one(db, "SELECT count(*) FROM photo_flags WHERE cleared_at IS NOT NULL") > 0
    # Most of the work is shown as it should be.
    flagged = "SELECT avg((id IN (SELECT photo_id FROM photo_flags))::int) FROM photos"
    assert 0 < one(db, f"{flagged} WHERE purpose = 'after'") < 0.5


def test_staff_act_take_calls_and_plan_for_when_they_are_at_work(db: Session) -> None:
    said = CITY.jurisdiction.calendar
    assert said is not None
    zone = CITY.jurisdiction.time_zone
    calendar = calendars.read(zone, json.dumps(said.model_dump(mode="json")))
    acted = ask(db, "SELECT at FROM events WHERE author = 'city' AND person_id IS NOT NULL")
    taken = ask(db, "SELECT created_at FROM reports WHERE channel IN ('phone', 'counter')")
    planned = ask(db, "SELECT planned_at FROM tickets WHERE planned_at IS NOT NULL")
    about = timedelta(minutes=15)
    idle = [
        at
        for at in (*acted, *taken, *planned)
        if not calendars.between(calendar, at - about, at + about)
    ]
    assert len(acted) > 300
    assert idle == []


def test_nobody_gets_a_mail_about_the_past(db: Session, past: Past) -> None:
    assert ask(db, "SELECT DISTINCT status FROM notices") == ["dropped"]
    assert ask(db, "SELECT DISTINCT status FROM photos") == ["ready"]
    [city] = relance.cities(db)
    assert relance.run_batch(db, city, past.began) == 0


def test_somebody_of_every_role_can_log_in(db: Session, past: Past) -> None:
    by_role = {person.role: person for person in CITY.people}
    assert set(by_role) == set(Role)
    for role, person in by_role.items():
        password = person.initial_password or ""
        opened = sessions.open_session(db, person.email, password, past.ended, 1)
        assert opened.staff.role == role
    assert db.query(Person).count() == len(CITY.people)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2027, 1, 2, 12, tzinfo=UTC),
        datetime(2027, 7, 14, 3, tzinfo=UTC),
    ],
    ids=["clock-change", "new-year", "holiday"],
)
def test_the_month_ends_whenever_it_is_asked_for(now: datetime) -> None:
    said = CITY.jurisdiction.calendar
    assert said is not None
    zone = CITY.jurisdiction.time_zone
    city = City(
        time_zone=zone,
        calendar=calendars.read(zone, json.dumps(said.model_dump(mode="json"))),
        targets={category.code: category.target_hours for category in CITY.categories},
        public=frozenset(part.code for part in CITY.categories if part.public),
        addresses=list(read_addresses(DEMO.parent / "addresses.csv")),
    )
    acts = Month(city, now).acts()
    assert 220 <= sum(act.sends for act in acts) <= 300
    assert all(now - timedelta(days=DAYS) <= act.at < now for act in acts)
    again = Month(city, now).acts()
    assert [act.at for act in acts] == [act.at for act in again]
