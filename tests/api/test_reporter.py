"""What a reporter does later: write, withdraw, have the contact forgotten; and tokens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.api.conftest import LogIn
from tests.reports import photo_samples
from tests.resident import (
    BASE,
    DISPATCHER,
    Resident,
    bearer,
    body_of,
    move,
    read_ticket,
)

UUID = "6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11"
OWN_ROUTES = (
    ("POST", "/messages"),
    ("POST", "/withdraw"),
    ("POST", "/photos"),
    ("PUT", f"/photos/{UUID}"),
    ("DELETE", "/contact"),
)
UNKNOWN_TOKENS = ("Bearer vgr_7KM-3QX-9PG.forged", "Bearer vgs_unknown", "Bearer x", "Bearer", "x")


def _withdraw(resident: Resident, view: dict[str, Any]) -> Any:
    path = f"{BASE}/reports/{view['reference']}/withdraw"
    return resident.client.post(path, headers=bearer(view["tracking_token"]))


def _own(resident: Resident, view: dict[str, Any]) -> dict[str, Any]:
    token = bearer(view["tracking_token"])
    return h.read(resident.client, f"/reports/{view['reference']}", token)


@pytest.mark.parametrize(("method", "part"), OWN_ROUTES)
def test_a_reporters_route_is_for_the_reporter(
    client: FlaskClient, resident: Resident, as_person: LogIn, method: str, part: str
) -> None:
    view = resident.report()
    path = f"{BASE}/reports/{view['reference']}{part}"
    answer = client.open(path, method=method)
    h.refused(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for unknown in UNKNOWN_TOKENS:
        h.refused(client.open(path, method=method, headers={"Authorization": unknown}), 401)
    others = bearer(resident.report()["tracking_token"])
    h.refused(client.open(path, method=method, headers=others), 403)
    h.refused(client.open(path, method=method, headers=as_person(DISPATCHER)), 403)
    nowhere = f"{BASE}/reports/7KM-3QX-9PG{part}"
    h.refused(client.open(nowhere, method=method, headers=others), 404)
    assert _own(resident, view)["status"] == "received"


@pytest.mark.parametrize("cut", [slice(None, -1), slice(1, None), slice(None, -8)])
def test_a_damaged_token_opens_nothing(resident: Resident, cut: slice) -> None:
    view = resident.report(**h.PRIVATE)
    path = f"{BASE}/reports/{view['reference']}"
    damaged = bearer(view["tracking_token"][cut])
    h.refused(resident.client.get(path, headers=damaged), 404)
    h.refused(resident.client.post(f"{path}/withdraw", headers=damaged), 401)


def test_the_scheme_is_told_in_any_case(resident: Resident) -> None:
    view = resident.report(**h.PRIVATE)
    headers = {"Authorization": f"bearer {view['tracking_token']}"}
    assert h.read(resident.client, f"/reports/{view['reference']}", headers)["can"]


def test_a_message_reaches_the_team_and_stays_private(
    resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    path = f"{BASE}/reports/{view['reference']}/messages"
    token = bearer(view["tracking_token"])
    answer = resident.client.post(path, json={"text": "Le trou s'agrandit."}, headers=token)
    assert answer.status_code == 201
    message = body_of(answer)
    assert set(message) == {"at", "by", "text"}
    assert re.fullmatch(h.MOMENT, message["at"])
    assert (message["by"], message["text"]) == ("resident", "Le trou s'agrandit.")
    assert _own(resident, view)["messages"] == [message]
    public = h.read(resident.client, f"/reports/{view['reference']}")
    assert "messages" not in public
    ticket, _ = read_ticket(resident.client, view["ticket"], dispatcher)
    assert ticket["events"][-1]["body"] == "Le trou s'agrandit."
    assert ticket["events"][-1]["public"] is False


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " \n"}, {"text": None}, {"text": 5}])
def test_a_message_must_say_something(resident: Resident, body: dict[str, Any]) -> None:
    view = resident.report()
    path = f"{BASE}/reports/{view['reference']}/messages"
    answer = resident.client.post(path, json=body, headers=bearer(view["tracking_token"]))
    assert h.blamed(answer) == ["/text"]
    assert _own(resident, view)["messages"] == []


def test_the_citys_answers_are_among_the_messages(
    resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    told = {"reason": "Entre nous", "public_message": "Nous passons mardi."}
    move(resident.client, view["ticket"], dispatcher, "accepted", **told)
    (message,) = _own(resident, view)["messages"]
    assert (message["by"], message["text"]) == ("city", "Nous passons mardi.")


def test_one_does_not_read_what_others_wrote(resident: Resident) -> None:
    first = resident.report()
    second = resident.report(same_as=first["ticket"])
    path = f"{BASE}/reports/{first['reference']}/messages"
    headers = bearer(first["tracking_token"])
    resident.client.post(path, json={"text": "Pour l'équipe"}, headers=headers)
    assert [one["text"] for one in _own(resident, first)["messages"]] == ["Pour l'équipe"]
    assert _own(resident, second)["messages"] == []


def test_withdrawing_closes_the_ticket_once(resident: Resident, dispatcher: dict[str, str]) -> None:
    view = resident.report()
    answer = _withdraw(resident, view)
    assert answer.status_code == 200
    withdrawn = body_of(answer)
    assert withdrawn["status"] == "declined"
    assert withdrawn["closed_at"] is not None
    assert withdrawn["can"] == ["message"]
    assert "tracking_token" not in withdrawn

    again = _withdraw(resident, view)
    assert again.status_code == 200
    assert body_of(again) == withdrawn
    ticket, _ = read_ticket(resident.client, view["ticket"], dispatcher)
    statuses = [event for event in ticket["events"] if event["kind"] == "status"]
    assert [(one["status"], one["by"], one["reason"]) for one in statuses] == [
        ("declined", "resident", "withdrawn")
    ]
    public = h.read(resident.client, f"/reports/{view['reference']}", {"Accept-Language": "en"})
    assert "ithdrawn" in public["status_text"]
    late = resident.put_photo(view, photo_samples.jpeg(64, 48))
    h.refused(late, 409)


@pytest.mark.parametrize("end", ["resolved", "declined"])
def test_what_the_city_closed_is_not_withdrawn(
    resident: Resident, dispatcher: dict[str, str], end: str
) -> None:
    view = resident.report()
    move(resident.client, view["ticket"], dispatcher, end, public_message="Voilà.")
    assert "withdraw" not in _own(resident, view)["can"]
    problem = h.refused(_withdraw(resident, view), 409)
    assert problem["allowed"] == ["reopened"]
    after = _own(resident, view)
    assert (after["status"], after["public_message"]) == (end, "Voilà.")


def test_a_compliment_cannot_be_withdrawn(resident: Resident) -> None:
    view = resident.report(kind="compliment", category="merci")
    assert h.refused(_withdraw(resident, view), 409)["allowed"] == ["reopened"]


def test_withdrawing_leaves_the_others_report_alone(
    resident: Resident, dispatcher: dict[str, str]
) -> None:
    first = resident.report()
    second = resident.report(same_as=first["ticket"])
    withdrawn = body_of(_withdraw(resident, first))
    assert withdrawn["status"] == "declined"
    assert withdrawn["ticket"] != second["ticket"]
    assert withdrawn["supports"] == 0
    assert body_of(_withdraw(resident, first))["ticket"] == withdrawn["ticket"]

    other = _own(resident, second)
    assert other["ticket"] == second["ticket"]
    assert (other["status"], other["supports"]) == ("received", 0)
    ticket, _ = read_ticket(resident.client, second["ticket"], dispatcher)
    assert h.references(ticket["reports"]) == [second["reference"]]
    moved, _ = read_ticket(resident.client, withdrawn["ticket"], dispatcher)
    assert h.references(moved["reports"]) == [first["reference"]]
    for view in (first, second):
        assert h.read(resident.client, f"/reports/{view['reference']}/decision")["text"]


def test_a_reopened_withdrawal_is_work_again(
    resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    _withdraw(resident, view)
    assert move(resident.client, view["ticket"], dispatcher, "reopened").status_code == 200
    assert _own(resident, view)["can"] == ["message", "photo", "withdraw"]


def test_the_contact_is_forgotten_for_good(resident: Resident, dispatcher: dict[str, str]) -> None:
    view = resident.report(contact={"name": "Camille", "email": "camille@example.org"})
    path = f"{BASE}/reports/{view['reference']}/contact"
    for _ in range(2):
        answer = resident.client.delete(path, headers=bearer(view["tracking_token"]))
        assert answer.status_code == 204
        assert answer.data == b""
    assert _own(resident, view)["contact"] is None
    ticket, _ = read_ticket(resident.client, view["ticket"], dispatcher)
    assert ticket["reports"][0]["contact"] is None
    assert [event["kind"] for event in ticket["events"]].count("contact_removed") == 1
    assert "camille" not in str(ticket).lower()
