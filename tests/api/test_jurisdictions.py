"""Two cities on one installation: lists ask which one, and staff know only their own."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from city.access import Role
from city.models import Jurisdiction, Person
from city.passwords import hash_password
from tests.api import help as h
from tests.resident import BASE, PASSWORD, Resident, log_in, problem_at, read_ticket

NEIGHBOUR = "dispatcher@voisine.example"


def _found_neighbour(session: Session) -> None:
    city = Jurisdiction(
        code="voisine", names={"fr": "Voisine"}, time_zone="Europe/Paris", locales=["fr"]
    )
    session.add(city)
    session.flush()
    session.add(
        Person(
            jurisdiction_id=city.id,
            email=NEIGHBOUR,
            name="Dominique",
            role=Role.DISPATCHER.value,
            locale="fr",
            password_hash=hash_password(PASSWORD),
        )
    )


WRONG = ["limit=0", "bbox=1", "cursor=x", "near=%00", "status=lost", "limit=1&limit=1"]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("path", ["/reports", "/tickets"])
def test_what_is_nowhere_outranks_what_is_wrong(
    client: FlaskClient, dispatcher: dict[str, str], path: str, wrong: str
) -> None:
    def ask(code: str) -> TestResponse:
        return client.get(f"{BASE}{path}?{wrong}&jurisdiction={code}", headers=dispatcher)

    h.refused(ask("nope"), 404)
    h.refused(ask("beaurive"), 422)
    h.refused(client.get(f"{BASE}{path}?{wrong}", headers=dispatcher), 422)
    # What cannot be looked up is only wrong.
    for code in ("%00", "nope&jurisdiction=nope"):
        h.refused(ask(code), 422)


@pytest.mark.parametrize(
    "place",
    [
        "latitude=48.8",
        "latitude=x&longitude=2.2",
        "latitude=48.782&longitude=2.19",
        "latitude=48.808882&longitude=2.212277",
    ],
)
def test_it_is_nowhere_beside_a_place_too(client: FlaskClient, place: str) -> None:
    h.refused(client.get(f"{BASE}/categories?{place}&jurisdiction=nope"), 404)
    known = client.get(f"{BASE}/categories?{place}&jurisdiction=beaurive")
    assert known.status_code == (200 if "212277" in place else 422)


def test_without_a_session_it_is_not_even_looked_up(client: FlaskClient) -> None:
    h.refused(client.get(f"{BASE}/tickets?jurisdiction=nope&limit=0"), 401)


def test_two_cities_are_kept_apart(own_app: Flask) -> None:
    client = own_app.test_client()
    view = Resident(client).report()
    assert h.references(h.read(client, "/reports")["items"]) == [view["reference"]]
    with h.parts_of(own_app).sessions.begin() as session:
        _found_neighbour(session)

    for path in ("/reports", "/categories"):
        assert h.blamed(client.get(BASE + path)) == ["jurisdiction"]
        h.refused(client.get(f"{BASE}{path}?jurisdiction=nowhere"), 404)
    assert len(h.read(client, "/reports?jurisdiction=beaurive")["items"]) == 1
    assert h.read(client, "/reports?jurisdiction=voisine")["items"] == []
    assert h.read(client, "/categories?jurisdiction=voisine")["items"] == []

    own, neighbour = log_in(client), log_in(client, NEIGHBOUR)
    path = f"{BASE}/tickets/{view['ticket']}"
    before = read_ticket(client, view["ticket"], own)
    assert h.read(client, "/tickets", neighbour)["items"] == []
    assert set(h.read(client, "/tickets", neighbour)["counts"].values()) == {0}
    h.refused(client.get(path, headers=neighbour), 404)
    step, tagged = {"to": "accepted", "reason": "?"}, {**neighbour, "If-Match": before[1]}
    h.refused(client.post(f"{path}/transitions", json=step, headers=tagged), 404)
    h.refused(client.post(f"{path}/notes", json={"text": "?"}, headers=neighbour), 404)
    assert read_ticket(client, view["ticket"], own) == before

    for code, headers, status in (
        ("beaurive", own, 200),
        ("voisine", own, 404),
        ("beaurive", neighbour, 404),
        ("voisine", neighbour, 200),
    ):
        answer = client.get(f"{BASE}/tickets?jurisdiction={code}", headers=headers)
        assert answer.status_code == status
        refused = client.get(f"{BASE}/tickets?limit=0&jurisdiction={code}", headers=headers)
        h.refused(refused, 422 if status == 200 else 404)
    elsewhere = client.post(f"{BASE}/reports", json=problem_at(), headers=neighbour)
    assert h.blamed(elsewhere) == ["/location"]
