"""The status graph walked at random through the API, by everybody who can move a ticket."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.api.help import LEAD_OF_ROADS
from tests.resident import (
    BASE,
    Resident,
    bearer,
    log_in,
    move_from,
    read_ticket,
)

STEPS = 400
TICKETS = 8
# Nothing leads back to where a ticket begins, so new ones come in all the time.
NEW_EVERY = 5
SEED = 14
_FROM_ACCEPTED = {"in_progress", "waiting", "resolved", "declined"}
_FROM_RECEIVED = {"accepted"} | _FROM_ACCEPTED
# As the design has it, written down once more so that the code's own table is held to it.
GRAPH = {
    "received": _FROM_RECEIVED,
    "accepted": _FROM_ACCEPTED,
    "in_progress": {"waiting", "resolved", "declined"},
    "waiting": {"in_progress", "resolved", "declined"},
    "resolved": {"reopened"},
    "declined": {"reopened"},
    "reopened": _FROM_RECEIVED,
}
EDGES = {(before, after) for before, to in GRAPH.items() for after in to}
PAIRS = {(before, after) for before in GRAPH for after in GRAPH}


class Walk:
    """A dispatcher and a team's lead who try every step from wherever a ticket stands."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.staff = [log_in(client), log_in(client, LEAD_OF_ROADS)]
        self.chance = random.Random(SEED)
        self.sent: list[dict[str, Any]] = []
        self.tried: Counter[tuple[str, str]] = Counter()
        self.contested = 0

    def send(self) -> None:
        """Have a resident send one more."""
        self.sent.append(Resident(self.client).report())

    def step(self) -> None:
        """Try one step, and look that it was taken where the graph has it, and only there."""
        ticket = self.chance.choice(self.sent[-TICKETS:])["ticket"]
        staff, to = self.chance.choice(self.staff), self.chance.choice(sorted(GRAPH))
        before = read_ticket(self.client, ticket, staff)
        view, tag = before
        now = view["status"]
        assert set(view["next"]) == GRAPH[now]
        answer = move_from(self.client, ticket, tag, staff, to, public_message="Voilà.")
        after = read_ticket(self.client, ticket, staff)
        if to in GRAPH[now]:
            assert answer.status_code == 200, answer.text
            assert after[0]["status"] == to
        else:
            assert set(h.refused(answer, 409)["allowed"]) == GRAPH[now]
            assert after == before
        self.tried[now, to] += 1

    def withdraw(self) -> None:
        """Have a resident withdraw: it closes what is open and leaves alone what is not."""
        view = self.chance.choice(self.sent[-TICKETS:])
        before, _ = read_ticket(self.client, view["ticket"], self.staff[0])
        path = f"{BASE}/reports/{view['reference']}/withdraw"
        answer = self.client.post(path, headers=bearer(view["tracking_token"]))
        after, _ = read_ticket(self.client, view["ticket"], self.staff[0])
        if "declined" in GRAPH[before["status"]]:
            assert answer.status_code == 200, answer.text
            assert after["status"] == "declined"
        else:
            assert after["status"] == before["status"]

    def contest(self) -> None:
        """Have a resident say that it is not solved: it opens what the city has closed."""
        view = self.chance.choice(self.sent[-TICKETS:])
        before, _ = read_ticket(self.client, view["ticket"], self.staff[0])
        own = f"{BASE}/reports/{view['reference']}"
        token = bearer(view["tracking_token"])
        can = h.read(self.client, own.removeprefix(BASE), token)["can"]
        answer = self.client.post(f"{own}/feedback", json={"satisfied": False}, headers=token)
        after, _ = read_ticket(self.client, view["ticket"], self.staff[0])
        if "feedback" in can:
            assert answer.status_code == 201, answer.text
        opened = "feedback" in can and "reopened" in GRAPH[before["status"]]
        assert after["status"] == ("reopened" if opened else before["status"])
        self.contested += opened

    def path_of(self, view: dict[str, Any]) -> list[str]:
        """Return the statuses that a ticket's history tells, from the first to the present one."""
        ticket, _ = read_ticket(self.client, view["ticket"], self.staff[0])
        moves = [event["status"] for event in ticket["events"] if event["kind"] == "status"]
        told = ["received", *moves]
        assert told[-1] == ticket["status"]
        return told


def test_every_step_of_the_graph_is_taken_and_no_other(own_app: Flask) -> None:
    walk = Walk(own_app.test_client())
    for number in range(STEPS):
        if number % NEW_EVERY == 0:
            walk.send()
        walk.step()
        if number % 50 == 49:
            walk.withdraw()
        if number % 20 == 9:
            walk.contest()
    assert walk.tried.keys() == PAIRS
    taken = {step for view in walk.sent for step in pairwise(walk.path_of(view))}
    assert taken == EDGES
    assert walk.contested
