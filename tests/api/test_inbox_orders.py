"""The inbox by what presses most, what each line tells, and how much there is in all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from city.models import TeamMember
from infra.clock import now
from reports.inbox import narrowing, tallies
from reports.models import Ticket
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, Resident, log_in, move
from tests.statements import asked_of

Headers = dict[str, str]
Scene = dict[str, str]

# Who is calling, with their teams; the rows; their reports with photos; all counts. Where open ones
# do not fill the page, the closed ones that follow are one more.
STATEMENTS = {"newest": 5, "deadline": 6}


@pytest.fixture(scope="module")
def word() -> str:
    """Return the word that the tickets of the scene hold, and no others."""
    return h.a_word()


@pytest.fixture(scope="module")
def scene(app: Flask, word: str) -> Scene:
    """Return tickets by the name that the tests give them."""
    client = app.test_client()
    resident = Resident(client)
    names = ["soon", "late", "many", "urgent", "never", "solved", "declined"]
    sent = {name: resident.report(description=word)["ticket"] for name in names}
    for _ in range(3):
        resident.report(description="Moi aussi.", same_as=sent["many"])
    resident.report(description="Moi aussi.", same_as=sent["late"])
    staff = log_in(client)
    for name, to in (("solved", "resolved"), ("declined", "declined")):
        assert move(client, sent[name], staff, to, public_message="Fini.").status_code == 200
    changes: dict[str, dict[str, Any]] = {
        "soon": {"due_at": now() + timedelta(hours=1)},
        "late": {"due_at": now() - timedelta(hours=1), "priority": "high"},
        "many": {"due_at": now() + timedelta(days=2), "priority": "low"},
        "urgent": {"due_at": now() + timedelta(days=1), "priority": "urgent"},
        "never": {"due_at": None},
    }
    with h.parts_of(app).sessions.begin() as session:
        for name, values in changes.items():
            of_name = update(Ticket).where(Ticket.reference == sent[name])
            session.execute(of_name.values(**values))
    return sent


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sort=deadline", "late soon urgent many never declined solved"),
        ("sort=priority", "urgent late soon never many declined solved"),
        ("sort=reports", "many late soon urgent never declined solved"),
        ("sort=priority&status=received", "urgent late soon never many"),
        ("sort=priority&status=resolved", "solved"),
        ("sort=priority&status=resolved,received", "urgent late soon never many solved"),
        ("sort=deadline&late=true", "late"),
        ("sort=deadline&bbox=2,48,3,49", "late soon urgent many never declined solved"),
    ],
)
def test_open_tickets_come_by_what_presses_and_closed_ones_after(
    client: FlaskClient,
    scene: Scene,
    dispatcher: Headers,
    word: str,
    query: str,
    expected: str,
    limit: int,
) -> None:
    names = {reference: name for name, reference in scene.items()}
    found = list(h.pages(client, f"/tickets?q={word}&{query}&limit={limit}", dispatcher))
    listed = [names[item["reference"]] for page in found for item in page]
    assert listed == expected.split()
    assert all(len(page) == limit for page in found[:-1])
    # No page is asked for in vain.
    assert found[-1]


def test_cursors_of_another_order_are_none_of_this_list(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    for _ in range(2):
        resident.report()
    following = h.read(client, "/tickets?sort=reports&limit=1", dispatcher)["next"]
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]
    for path in ("/reports?", "/tickets?", "/tickets?sort=deadline&"):
        answer = client.get(f"{BASE}{path}cursor={cursor}", headers=dispatcher)
        assert h.blamed(answer) == ["cursor"]
    same = f"{BASE}/tickets?sort=reports&cursor={cursor}"
    assert client.get(same, headers=dispatcher).status_code == 200


def test_a_line_tells_what_decides(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    word = h.a_word()
    sent = resident.report(description=word)
    resident.put_photo(sent, photo_samples.jpeg(64, 48))
    resident.report(description="Moi aussi.", same_as=sent["ticket"])
    moved = move(client, sent["ticket"], dispatcher, "accepted", public_message="Vu lundi.")
    assert moved.status_code == 200
    born = datetime.now(UTC) - timedelta(hours=30)
    with h.parts_of(app).sessions.begin() as session:
        of_ticket = update(Ticket).where(Ticket.reference == sent["ticket"])
        times = {"created_at": born, "due_at": born + timedelta(hours=24)}
        session.execute(of_ticket.values(**times))
    [item] = h.read(client, f"/tickets?q={word}", dispatcher | {"Accept-Language": "en"})["items"]
    assert item["report_count"] == 2
    assert len(item["photos"]) == 1
    assert 30 * 3600 <= item["age_s"] < 30 * 3600 + 60
    assert -6 * 3600 - 60 < item["time_left_s"] <= -6 * 3600
    last = item["last_event"]
    assert (last["kind"], last["by"]) == ("status", "city")
    assert last["at"] == item["updated_at"]
    assert last["text"].startswith("Accepted:")
    assert last["text"].endswith("Vu lundi.")
    assert move(client, sent["ticket"], dispatcher, "resolved").status_code == 200
    french = dispatcher | {"Accept-Language": "fr"}
    [item] = h.read(client, f"/tickets?q={word}", french)["items"]
    assert item["time_left_s"] is None
    assert item["last_event"]["text"].startswith("Résolu")


def test_open_tickets_are_counted_by_team_and_lateness(
    client: FlaskClient, scene: Scene, dispatcher: Headers, word: str
) -> None:
    page = h.read(client, f"/tickets?q={word}", dispatcher)
    assert page["open"] == {"total": 5, "late": 1, "teams": {"voirie": 5}}
    assert page["at_least"] == []
    assert page["counts"]["resolved"] == 1
    page = h.read(client, f"/tickets?q={word}&status=resolved&team=voirie", dispatcher)
    assert page["open"]["total"] == 5
    page = h.read(client, f"/tickets?q={word}&late=true", dispatcher)
    assert page["open"] == {"total": 1, "late": 1, "teams": {"voirie": 1}}
    assert page["counts"]["resolved"] == 0


@pytest.mark.parametrize("who", [DISPATCHER, h.MEMBER_OF_ROADS])
def test_of_many_closed_tickets_the_newest_are_counted_and_it_is_said(
    own_app: Flask, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    client = own_app.test_client()
    resident, staff = Resident(client), log_in(client)
    word = h.a_word()
    old = [resident.report(description=f"{word} ancien")["ticket"] for _ in range(2)]
    new = [resident.report(description=f"{word} neuf", kind="problem")["ticket"] for _ in range(3)]
    for ticket in (*old, *new):
        assert move(client, ticket, staff, "resolved").status_code == 200
    monkeypatch.setattr(tallies, "MOST_COUNTED", 3)
    person = log_in(client, who)

    def set_most_sought(count: int) -> None:
        for module in (narrowing, tallies):
            monkeypatch.setattr(module, "MOST_SOUGHT", count)

    def counted(query: str) -> tuple[int, list[str]]:
        page = h.read(client, f"/tickets?{query}", person)
        return page["counts"]["resolved"], page["at_least"]

    assert counted("") == (3, ["resolved"])
    assert counted("kind=problem") == (3, ["resolved"])
    assert counted("kind=idea") == (0, ["resolved"])
    # Where few say the words all of those are counted.
    assert counted("q=ancien") == (2, [])
    set_most_sought(1)
    assert counted("q=ancien") == (0, ["resolved"])
    assert counted("q=neuf") == (1, ["resolved"])
    monkeypatch.setattr(tallies, "MOST_COUNTED", 5)
    assert counted("") == (5, [])
    set_most_sought(2)
    assert counted("q=ancien") == (2, [])
    assert counted("q=neuf") == (2, ["resolved"])


def test_who_has_no_team_sees_an_empty_inbox(own_app: Flask) -> None:
    client = own_app.test_client()
    Resident(client).report()
    with h.parts_of(own_app).sessions.begin() as session:
        session.execute(delete(TeamMember))
    person = log_in(client, h.MEMBER_OF_ROADS)
    for query in ("", "q=trou", "sort=deadline", "late=true"):
        page = h.read(client, f"/tickets?{query}", person)
        assert page["items"] == []
        assert set(page["counts"].values()) == {0}
        assert page["open"] == {"total": 0, "late": 0, "teams": {}}


@pytest.mark.parametrize("sort", ["newest", "deadline"])
def test_a_page_takes_few_statements(
    app: Flask, client: FlaskClient, scene: Scene, dispatcher: Headers, as_person: LogIn, sort: str
) -> None:
    for person in (dispatcher, as_person(h.MEMBER_OF_ROADS)):
        for query in ("", "&q=trou", "&late=true", "&status=received"):
            with asked_of(h.parts_of(app).engine, ends=True) as asked:
                h.read(client, f"/tickets?limit=3&sort={sort}{query}", person)
            told = [one for one in asked if one not in {"BEGIN", "COMMIT"}]
            # Which tickets say the words is asked by itself.
            most = STATEMENTS[sort] + ("q=" in query)
            assert len(told) <= most, "\n\n".join(told)
