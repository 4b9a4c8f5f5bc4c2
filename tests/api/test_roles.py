"""What each role sees and may do; what is not theirs is not there, or not for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from city.access import Act, Reach, Role, reach
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import BASE, DISPATCHER, Resident, body_of, move, problem_at, read_ticket

Tickets = dict[str, str]
ALL = "voirie espaces-verts reseaux proprete accueil"
LAMP = {"category": "lampadaire", "answers": {"panne": "eteint"}}
TREE = {"category": "arbre", "answers": {"danger": "non"}}
# One of each role; those who have teams are among those for roads, and not those for trees.
OF_ROLE = {
    Role.ADMINISTRATOR: h.ADMINISTRATOR,
    Role.DISPATCHER: DISPATCHER,
    Role.TEAM_LEAD: h.LEAD_OF_ROADS,
    Role.TEAM_MEMBER: h.MEMBER_OF_ROADS,
    Role.AUDITOR: h.AUDITOR,
}


class Tried(NamedTuple):
    """How an act is tried; `let_in` is what says that only the thing was wrong, not the person."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    let_in: int | None = None


TRIED = {
    Act.READ_TICKETS: Tried("GET", "tickets/{ticket}"),
    Act.CHANGE_STATUS: Tried(
        "POST", "tickets/{ticket}/transitions", {"to": "accepted", "reason": "?"}
    ),
    Act.WRITE_NOTES: Tried("POST", "tickets/{ticket}/notes", {"text": "Vu."}),
    Act.ASSIGN: Tried("PATCH", "tickets/{ticket}", {"assignee": None}),
    Act.TRIAGE: Tried("PATCH", "tickets/{ticket}", {"priority": "high"}),
    Act.HAND_BACK: Tried("POST", "tickets/{ticket}/hand-back", {"reason": "?"}),
    Act.ADD_PHOTOS: Tried(
        "PUT",
        "tickets/{ticket}/photos/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11?purpose=after",
        let_in=422,
    ),
    Act.SEE_FIGURES: Tried("GET", "hand-backs"),
    Act.SET_UP: Tried("GET", "admin/teams"),
    Act.READ_AUDIT: Tried("GET", "admin/audit?limit=1"),
    Act.JOIN: Tried("POST", "tickets/{ticket}/unmerge", let_in=409),
    Act.MODERATE: Tried("POST", "reports/7KM-2QX-94B/show", {}, let_in=404),
    Act.TAKE_IN_REPORTS: Tried("POST", "reports", problem_at()),
    Act.HANDLE_PERSONAL_DATA: Tried("POST", "residents/export", {"email": "nobody@example.org"}),
}
# Acts that are not about a ticket of somebody's.
ANYWHERE = {
    Act.MODERATE,
    Act.READ_AUDIT,
    Act.SEE_FIGURES,
    Act.SET_UP,
    Act.TAKE_IN_REPORTS,
    Act.HANDLE_PERSONAL_DATA,
}


@pytest.fixture(scope="module")
def word() -> str:
    """Return the word that the tickets of the module hold, and no others."""
    return h.a_word()


@pytest.fixture(scope="module")
def tickets(app: Flask, word: str) -> Tickets:
    """Return a ticket's reference for each team."""
    resident = Resident(app.test_client())
    sent = [
        resident.report(description=word, **members)
        for members in ({}, TREE, LAMP, {"category": "poubelle-pleine"}, h.PRIVATE)
    ]
    found = {view["team"]["code"]: view["ticket"] for view in sent}
    assert set(found) == set(ALL.split())
    return found


@pytest.mark.parametrize(
    ("email", "teams"),
    [
        (h.ADMINISTRATOR, ALL),
        (h.AUDITOR, ALL),
        (DISPATCHER, ALL),
        (h.LEAD_OF_ROADS, "voirie"),
        (h.MEMBER_OF_ROADS, "voirie reseaux"),
        (h.MEMBER_OF_PARKS, "espaces-verts proprete"),
    ],
)
def test_each_sees_what_is_theirs(
    client: FlaskClient, tickets: Tickets, word: str, as_person: LogIn, email: str, teams: str
) -> None:
    person, theirs = as_person(email), teams.split()
    page = h.read(client, f"/tickets?q={word}", person)
    assert sorted(h.references(page["items"])) == sorted(tickets[team] for team in theirs)
    assert page["counts"]["received"] == len(theirs)
    for team, reference in tickets.items():
        path = f"{BASE}/tickets/{reference}"
        found = h.read(client, f"/tickets?q={reference}", person)["items"]
        if team in theirs:
            assert client.get(path, headers=person).status_code == 200
            assert h.references(found) == [reference]
        else:
            h.refused(client.get(path, headers=person), 404)
            assert found == []


def test_asking_for_another_team_shows_nothing(
    client: FlaskClient, tickets: Tickets, word: str, as_person: LogIn
) -> None:
    person = as_person(h.MEMBER_OF_PARKS)
    page = h.read(client, f"/tickets?q={word}&team=voirie,reseaux", person)
    assert page["items"] == []
    assert set(page["counts"].values()) == {0}


@pytest.mark.parametrize("email", [h.MEMBER_OF_PARKS, h.LEAD_OF_ROADS])
def test_another_teams_ticket_is_not_there_and_stays_as_it_was(
    client: FlaskClient,
    tickets: Tickets,
    as_person: LogIn,
    dispatcher: dict[str, str],
    email: str,
) -> None:
    path = f"{BASE}/tickets/{tickets['reseaux']}"
    before = read_ticket(client, tickets["reseaux"], dispatcher)
    headers = {**as_person(email), "If-Match": before[1]}
    step = {"to": "accepted", "reason": "?"}
    h.refused(client.post(f"{path}/transitions", json=step, headers=headers), 404)
    h.refused(client.post(f"{path}/notes", json={"text": "?"}, headers=headers), 404)
    # What cannot be seen is missing before anything is said about the request's own faults.
    h.refused(client.post(f"{path}/transitions", data="{", headers=as_person(email)), 404)
    assert read_ticket(client, tickets["reseaux"], dispatcher) == before


def _try(client: FlaskClient, person: dict[str, str], act: Act, reference: str) -> int:
    """Do the act, on the ticket if it is about one, and return the status of the answer."""
    tried = TRIED[act]
    ticket = f"{BASE}/tickets/{reference}"
    tag = client.get(ticket, headers=person).headers.get("ETag", '"none"')
    answer = client.open(
        f"{BASE}/{tried.path.format(ticket=reference)}",
        method=tried.method,
        json=tried.body,
        headers={**person, "If-Match": tag},
    )
    answer.close()
    return 200 if answer.status_code == tried.let_in else answer.status_code


def _expected(role: Role, act: Act, *, theirs: bool, exists: bool) -> int:
    """Return what the table of roles and acts makes of it: 200, 403 or 404."""
    seen, done = reach(role, Act.READ_TICKETS), reach(role, act)
    # Who may assign somebody gets as far as the ticket, whatever else they want to change there.
    if reach(role, Act.ASSIGN if act is Act.TRIAGE else act) is None:
        return 403
    if act in ANYWHERE:
        return 200
    if not exists or not (seen is Reach.JURISDICTION or theirs):
        return 404
    return 200 if done is Reach.JURISDICTION or (done is Reach.TEAMS and theirs) else 403


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
def test_what_one_may_not_see_is_404_and_what_one_may_not_do_403(
    client: FlaskClient, resident: Resident, as_person: LogIn, role: Role, act: Act
) -> None:
    person = as_person(OF_ROLE[role])
    theirs, others = resident.report()["ticket"], resident.report(**TREE)["ticket"]
    for reference in (theirs, others, "T-7KM-3QX-9PG"):
        status = _try(client, person, act, reference)
        mine, exists = reference == theirs, not reference.startswith("T-7KM")
        assert (status if status >= 400 else 200) == _expected(
            role, act, theirs=mine, exists=exists
        ), reference


@pytest.mark.parametrize("email", [h.AUDITOR, h.ADMINISTRATOR])
def test_who_only_reads_changes_nothing(
    client: FlaskClient, tickets: Tickets, as_person: LogIn, email: str
) -> None:
    person = as_person(email)
    before = read_ticket(client, tickets["voirie"], person)
    path = f"{BASE}/tickets/{tickets['voirie']}"
    step = {"to": "accepted", "reason": "?"}
    headers = {**person, "If-Match": before[1]}
    h.refused(client.post(f"{path}/transitions", json=step, headers=headers), 403)
    h.refused(client.post(f"{path}/notes", json={"text": "?"}, headers=headers), 403)
    # Nor do they learn what would be wrong with it.
    for report in (problem_at(channel="phone"), problem_at(), {}):
        h.refused(client.post(f"{BASE}/reports", json=report, headers=person), 403)
    h.refused(client.post(f"{BASE}/reports", data="{", headers=person), 403)
    assert read_ticket(client, tickets["voirie"], person) == before


@pytest.mark.parametrize("email", [DISPATCHER, h.LEAD_OF_ROADS, h.MEMBER_OF_ROADS])
def test_who_does_the_work_may_change_it(
    client: FlaskClient, resident: Resident, as_person: LogIn, email: str
) -> None:
    ticket, person = resident.report()["ticket"], as_person(email)
    assert move(client, ticket, person, "accepted").status_code == 200
    path = f"{BASE}/tickets/{ticket}/notes"
    assert client.post(path, json={"text": "Vu."}, headers=person).status_code == 201
    events = read_ticket(client, ticket, person)[0]["events"]
    assert [event["person"] for event in events][-2:] == [_name(client, email)] * 2


def _name(client: FlaskClient, email: str) -> Any:
    from_login = client.post(f"{BASE}/sessions", json={"email": email, "password": "beaurive-demo"})
    return body_of(from_login)["person"]["name"]


def test_staff_read_public_reports_as_the_public_does(
    client: FlaskClient, resident: Resident, as_person: LogIn
) -> None:
    shown, private = resident.report(), resident.report(**h.PRIVATE)
    person = as_person(DISPATCHER)
    assert set(h.read(client, f"/reports/{shown['reference']}", person)) == h.PUBLIC_VIEW
    h.refused(client.get(f"{BASE}/reports/{private['reference']}", headers=person), 404)
