"""A simulation runs in the background, though its nudge is lost or its worker dies."""

from __future__ import annotations

from flask import Flask
from redis import Redis

from infra.embedded.valkey import Valkey
from tests.api.test_administration import Office
from tests.api.test_rulesets import draft
from tests.resident import Resident
from tests.stack import Stack, eventually


def status(office: Office, number: int) -> str:
    return str(office.get(f"/simulations/{number}")["status"])


def test_it_comes_to_an_end_whatever_is_lost(
    own_app: Flask, workers: Stack, valkey: Valkey
) -> None:
    office = Office(own_app)
    for _ in range(5):
        Resident(office.client).report()
    rules = draft(office, {"team": "accueil"})["version"]
    office.post("/simulations", {"ruleset": rules})
    with Redis.from_url(valkey.url) as connection:
        connection.flushall()
    workers.start_workers()
    eventually(lambda: status(office, 1) == "done")
    assert workers.kill_workers("simulations")
    office.post("/simulations", {"ruleset": rules})
    eventually(lambda: status(office, 2) == "done")
    first, second = (office.get(f"/simulations/{number}") for number in (1, 2))
    assert first["changed"] == second["changed"] == {"teams": 5, "districts": 0}
    assert len(office.get("/simulations/2/reports")["items"]) == 5
