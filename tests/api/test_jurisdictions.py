"""Two cities on one installation: lists ask which one, and staff know only their own."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

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
    elsewhere = client.post(f"{BASE}/reports", json=problem_at(), headers=neighbour)
    assert h.blamed(elsewhere) == ["/location"]
