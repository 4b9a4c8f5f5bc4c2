"""How much the desk asks of the database: as much for one report as for many, and never much."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.resident import BASE, Resident, log_in, move, read_ticket
from tests.statements import asked_of

MANY = 6
Act = Callable[[FlaskClient, str, dict[str, str]], object]


def _patch(client: FlaskClient, ticket: str, staff: dict[str, str], **wanted: object) -> None:
    _, tag = read_ticket(client, ticket, staff)
    path, headers = f"{BASE}/tickets/{ticket}", {**staff, "If-Match": tag}
    assert client.patch(path, json=wanted, headers=headers).status_code == 200


# Each step reads the ticket first, as whoever takes it does.
ACTS: dict[str, tuple[Act, int]] = {
    "read": (read_ticket, 11),
    "move": (lambda client, ticket, staff: move(client, ticket, staff, "accepted"), 31),
    "change": (lambda client, ticket, staff: _patch(client, ticket, staff, priority="high"), 38),
}


@pytest.mark.parametrize("name", ACTS)
def test_many_reports_ask_no_more_than_one(
    app: Flask, client: FlaskClient, resident: Resident, name: str
) -> None:
    act, most = ACTS[name]
    staff = log_in(client)
    counted = []
    for count in (1, MANY):
        contacts = [{"email": f"{name}{count}-{n}@example.org"} for n in range(count)]
        ticket = resident.report(contact=contacts[0])["ticket"]
        for contact in contacts[1:]:
            resident.report(contact=contact, same_as=ticket)
        with asked_of(h.parts_of(app).engine) as statements:
            act(client, ticket, staff)
        counted.append(len(statements))
    assert counted[0] == counted[1] <= most
