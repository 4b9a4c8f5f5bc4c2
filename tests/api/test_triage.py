"""Triage: what a dispatcher changes, what follows from it, and what stays as they chose."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from reports.models import Notice, Ticket
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import BASE, DISPATCHER, Resident, body_of, move, read_ticket

LAMP = {"category": "lampadaire", "answers": {"panne": "eteint"}}
Changes = dict[str, dict[str, Any]]


def _change(
    client: FlaskClient, reference: str, staff: dict[str, str], **members: Any
) -> TestResponse:
    _, tag = read_ticket(client, reference, staff)
    headers = {**staff, "If-Match": tag}
    return client.patch(f"{BASE}/tickets/{reference}", json=members, headers=headers)


def _changed(
    client: FlaskClient, reference: str, staff: dict[str, str], **members: Any
) -> tuple[dict[str, Any], Changes]:
    answer = _change(client, reference, staff, **members)
    assert answer.status_code == 200, answer.text
    ticket = body_of(answer)
    changes = ticket.pop("changes")
    assert read_ticket(client, reference, staff) == (ticket, answer.headers["ETag"])
    assert all(change["why"] for change in changes)
    return ticket, {change["field"]: change for change in changes}


def test_a_new_category_is_decided_again(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], session: Session
) -> None:
    view = resident.report()
    before, _ = read_ticket(client, view["ticket"], dispatcher)
    ticket, changes = _changed(client, view["ticket"], dispatcher, category="lampadaire")

    assert (ticket["category"]["code"], ticket["team"]["code"]) == ("lampadaire", "reseaux")
    assert changes["category"]["from"] == before["category"]
    assert changes["category"]["to"] == ticket["category"]
    assert changes["team"]["from"] == before["team"]
    # Why it went there is what the decision says.
    assert changes["team"]["why"] == ticket["decision"]["text"]
    assert ticket["decision"]["team"] == ticket["team"]
    assert ticket["decision"]["overridden"] is None
    public = h.read(client, f"/reports/{view['reference']}")
    assert public["category"]["code"] == "lampadaire"
    # The new team is told as any team is told of what reaches it.
    told = session.scalars(
        select(Notice.kind)
        .join(Ticket, Ticket.id == Notice.ticket_id)
        .where(Ticket.reference == view["ticket"], Notice.audience == "team")
        .order_by(Notice.id)
    ).all()
    assert told == ["arrival", "arrival"]


def test_a_moved_pin_is_decided_again(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    before, _ = read_ticket(client, reference, dispatcher)
    ticket, changes = _changed(client, reference, dispatcher, location=h.DOCKS)

    assert ticket["location"] == h.DOCKS
    assert ticket["district"] != before["district"]
    assert (changes["district"]["from"], changes["district"]["to"]) == (
        before["district"],
        ticket["district"],
    )
    assert changes["location"]["from"] == before["location"]
    assert ticket["reports"] == before["reports"]
    spot = h.read(
        client, f"/locate?latitude={h.DOCKS['latitude']}&longitude={h.DOCKS['longitude']}"
    )
    assert ticket["district"] == spot["district"]
    event = ticket["events"][-1] if "team" not in changes else ticket["events"][-2]
    assert (event["kind"], event["public"], event["person"]) == (
        "changed",
        False,
        "Claude Marchand",
    )
    assert str(h.DOCKS["latitude"]) not in str(ticket["events"])


def test_a_dispatchers_own_choice_of_team_stands(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    ticket, changes = _changed(
        client, view["ticket"], dispatcher, team="proprete", reason="C'est un dépôt sauvage."
    )
    assert ticket["team"]["code"] == "proprete"
    assert set(changes) == {"team"}
    decision = h.read(client, f"/reports/{view['reference']}/decision")
    assert decision["team"]["code"] == "proprete"
    assert decision["overridden"]["reason"] == "C'est un dépôt sauvage."
    assert "Claude" not in str(decision)

    for later in ({"category": "lampadaire"}, {"location": h.PORT}, {"category": "nid-de-poule"}):
        ticket, changes = _changed(client, view["ticket"], dispatcher, **later)
        assert ticket["team"]["code"] == "proprete"
        assert "team" not in changes
        assert ticket["decision"]["overridden"] == decision["overridden"]
    # To give it to the team that the rules name ends it.
    ticket, _ = _changed(client, view["ticket"], dispatcher, team="voirie")
    assert ticket["decision"]["overridden"] is None
    ticket, changes = _changed(client, view["ticket"], dispatcher, category="lampadaire")
    assert ticket["team"]["code"] == "reseaux"


def test_the_priority_follows_the_category_until_somebody_sets_it(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report(**h.PRIVATE)["ticket"]
    before, _ = read_ticket(client, reference, dispatcher)
    ticket, changes = _changed(client, reference, dispatcher, category="nid-de-poule")
    assert before["priority"] != ticket["priority"]
    assert "priority" in changes
    assert "due_at" in changes
    ticket, changes = _changed(client, reference, dispatcher, priority="high")
    assert (ticket["priority"], set(changes)) == ("high", {"priority"})
    ticket, changes = _changed(client, reference, dispatcher, category="lampadaire")
    assert (ticket["priority"], "priority" in changes) == ("high", False)


def test_a_deadline_that_was_only_sent_back_goes_on_following(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    before, tag = read_ticket(client, reference, dispatcher)
    ticket, changes = _changed(client, reference, dispatcher, due_at=before["due_at"])
    assert (changes, read_ticket(client, reference, dispatcher)[1]) == ({}, tag)
    ticket, changes = _changed(client, reference, dispatcher, category="lampadaire")
    assert "due_at" in changes
    assert ticket["due_at"] != before["due_at"]


def test_a_deadline_that_was_set_stays(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    ticket, changes = _changed(client, reference, dispatcher, due_at="2030-01-31T12:00:00+01:00")
    assert ticket["due_at"] == "2030-01-31T11:00:00Z"
    assert set(changes) == {"due_at"}
    ticket, changes = _changed(client, reference, dispatcher, category="lampadaire")
    assert ticket["due_at"] == "2030-01-31T11:00:00Z"
    ticket, _ = _changed(client, reference, dispatcher, due_at=None)
    assert ticket["due_at"] is None
    assert ticket["late"] is False


def test_somebody_is_put_in_charge_and_goes_with_the_team(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], as_person: LogIn
) -> None:
    reference = resident.report()["ticket"]
    lead = as_person(h.LEAD_OF_ROADS)
    ticket, changes = _changed(client, reference, lead, assignee=h.MEMBER_OF_ROADS.upper())
    assert ticket["assignee"] == h.MEMBER_OF_ROADS
    assert changes["assignee"]["from"] is None
    # The member is in the networks' team too.
    ticket, _ = _changed(client, reference, dispatcher, team="reseaux")
    assert ticket["assignee"] == h.MEMBER_OF_ROADS
    ticket, changes = _changed(client, reference, dispatcher, team="proprete")
    assert ticket["assignee"] is None
    assert "assignee" in changes
    ticket, _ = _changed(client, reference, dispatcher, assignee=DISPATCHER)
    assert ticket["assignee"] == DISPATCHER
    ticket, _ = _changed(client, reference, dispatcher, assignee=None)
    assert ticket["assignee"] is None


def test_what_is_as_it_was_is_no_change(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    before, tag = read_ticket(client, reference, dispatcher)
    same = {
        "category": before["category"]["code"],
        "location": before["location"],
        "address": before["address"],
        "priority": before["priority"],
        "team": before["team"]["code"],
        "reason": "Rien",
    }
    for members in (same, {}):
        ticket, changes = _changed(client, reference, dispatcher, **members)
        assert changes == {}
        assert ticket == before
    assert read_ticket(client, reference, dispatcher) == (before, tag)


@pytest.mark.parametrize(
    ("members", "blamed"),
    [
        ({"category": "nulle-part"}, "/category"),
        ({"category": "merci"}, "/category"),
        ({"team": "nulle-part"}, "/team"),
        ({"assignee": "nobody@beaurive.example"}, "/assignee"),
        ({"assignee": h.MEMBER_OF_PARKS}, "/assignee"),
        ({"assignee": h.AUDITOR}, "/assignee"),
        ({"location": h.OUTSIDE}, "/location"),
        ({"location": {"latitude": 91, "longitude": 0}}, "/location/latitude"),
        ({"priority": "top"}, "/priority"),
        ({"due_at": "tomorrow"}, "/due_at"),
        ({"status": "resolved"}, "/status"),
        ({"reason": "x" * 501, "team": "proprete"}, "/reason"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    client: FlaskClient,
    resident: Resident,
    dispatcher: dict[str, str],
    members: dict[str, Any],
    blamed: str,
) -> None:
    reference = resident.report()["ticket"]
    before = read_ticket(client, reference, dispatcher)
    answer = (
        _change(client, reference, dispatcher, priority="urgent", **members)
        if ("priority" not in members)
        else _change(client, reference, dispatcher, **members)
    )
    assert h.blamed(answer) == [blamed]
    assert read_ticket(client, reference, dispatcher) == before


def test_a_team_assigns_and_no_more(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], as_person: LogIn
) -> None:
    reference = resident.report()["ticket"]
    before = read_ticket(client, reference, dispatcher)
    member = as_person(h.MEMBER_OF_ROADS)
    for members in ({"priority": "high"}, {"team": "proprete", "assignee": h.MEMBER_OF_ROADS}):
        h.refused(_change(client, reference, member, **members), 403)
    h.refused(_change(client, reference, as_person(h.AUDITOR), assignee=None), 403)
    others = client.patch(
        f"{BASE}/tickets/{reference}", json={"assignee": None}, headers=as_person(h.MEMBER_OF_PARKS)
    )
    h.refused(others, 404)
    assert read_ticket(client, reference, dispatcher) == before


def test_a_change_names_what_was_read(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    reference = resident.report()["ticket"]
    _, tag = read_ticket(client, reference, dispatcher)
    path = f"{BASE}/tickets/{reference}"
    h.refused(client.patch(path, json={"priority": "high"}, headers=dispatcher), 428)
    assert move(client, reference, dispatcher, "accepted").status_code == 200
    stale = {**dispatcher, "If-Match": tag}
    h.refused(client.patch(path, json={"priority": "high"}, headers=stale), 412)
