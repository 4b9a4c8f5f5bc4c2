"""What other rules and another map would have done: told as publishing them then does it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import shapely
from flask import Flask
from shapely import LineString, MultiPolygon, box
from werkzeug.test import TestResponse

from infra.clock import now
from reports.simulation import running
from tests.api import help as h
from tests.api import test_layers as layers
from tests.api.test_administration import Office
from tests.api.test_layers import SHAPES, whole
from tests.api.test_reference_layers import bring
from tests.api.test_rulesets import draft, put_in_force
from tests.api.test_rulesets import publish as publish_rules
from tests.geo.random_maps import places
from tests.resident import BASE, Resident, body_of, log_in, problem_at, read_ticket
from tests.statements import asked_of

LEASE_S = 60
SUBJECTS: list[dict[str, Any]] = [
    {"category": "nid-de-poule", "answers": {"taille": "grand"}},
    {"category": "nid-de-poule", "answers": {"taille": "petit"}},
    {"category": "lampadaire", "answers": {"panne": "eteint"}},
    {"category": "velo", "kind": "problem"},
    {"category": "velo", "kind": "idea"},
]


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def simulate(office: Office, **wanted: Any) -> dict[str, Any]:
    """Ask for a simulation, do what the worker does, and return what it tells."""
    asked = office.post("/simulations", wanted)
    assert asked.status_code == 202, asked.text
    told = body_of(asked)
    assert (told["status"], told["done"]) == ("pending", 0)
    run(office)
    return office.get(f"/simulations/{told['number']}")


def run(office: Office) -> None:
    """Do the job for the simulation that waits."""
    sessions = h.parts_of(office.client.application).sessions
    with sessions.begin() as session:
        [waiting] = session.scalars(running.waiting(now())).all()
        claimed = running.claim(session, waiting, now(), LEASE_S)
        assert claimed is not None
        attempt = running.begin(session, claimed)
    with sessions() as reader, sessions() as asker:
        for decided in attempt.decisions(reader, asker):
            with sessions.begin() as session:
                assert attempt.keep(session, decided, now(), LEASE_S)
    with sessions.begin() as session:
        attempt.end(session, now())


def changed(office: Office, number: int, **query: str) -> list[dict[str, Any]]:
    """Return all pages of the reports that would have gone elsewhere."""
    items: list[dict[str, Any]] = []
    path = f"/simulations/{number}/reports?limit=7" + "".join(
        f"&{name}={value}" for name, value in query.items()
    )
    while path:
        page = office.get(path)
        items += page["items"]
        path = (page["next"] or "").partition("/admin")[2]
    return items


def send(office: Office, count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Send reports from corners, edges and insides of districts; return bodies and views."""
    luck, sent = Random(7), []
    drawn = {code: MultiPolygon(shapely.get_parts(shape)) for code, shape in SHAPES.items()}
    spots = places(drawn, luck, count)
    for longitude, latitude in luck.sample(spots, count):
        body = {
            **luck.choice(SUBJECTS),
            "location": {
                **{"latitude": latitude, "longitude": longitude},
                "accuracy_m": luck.choice([None, 8, 400, 2_000]),
            },
        }
        answer = office.client.post(f"{BASE}/reports", json=problem_at(**body))
        # A corner of the layer may lie outside of the city by a hair's breadth.
        if answer.status_code == 201:
            sent.append((body, body_of(answer)))
    assert len(sent) > count * 3 / 4
    return sent


def outcome(view: dict[str, Any]) -> tuple[str, str | None]:
    district = view["district"]
    return view["team"]["code"], district["code"] if district else None


def test_a_simulation_says_what_publishing_then_does(office: Office, tmp_path: Path) -> None:
    [west, east, *_] = sorted(SHAPES)
    bounds = SHAPES[west].union(SHAPES[east]).bounds
    road = LineString([(bounds[0], bounds[1]), (bounds[2], bounds[3])])
    bring(office, tmp_path, {"departement": road})
    sent = send(office, 60)
    rules = draft(
        office,
        {"category": "nid-de-poule", "answers": {"taille": ["grand"]}, "team": "accueil"},
        {"category": "nid-de-poule", "layer": "routes", "within_m": 80, "team": "reseaux"},
        {"kind": "idea", "team": "accueil"},
        {"district": west, "team": "espaces-verts"},
        {"group": "eclairage", "team": "reseaux"},
    )
    swapped = whole(tmp_path, **{west: SHAPES[east], east: SHAPES[west]})
    assert layers.put(office, swapped, publish="false").status_code == 200
    moved = {"departement": box(*bounds)}
    assert bring(office, tmp_path, moved, publish="false").status_code == 200

    told = simulate(office, ruleset=rules["version"], layers={"quartiers": 2, "routes": 2})
    assert (told["status"], told["done"], told["total"]) == ("done", len(sent), len(sent))
    assert told["before"] == {"ruleset": 1, "layers": {"quartiers": 1, "routes": 1}}
    assert told["after"] == {"ruleset": 2, "layers": {"quartiers": 2, "routes": 2}}
    before = {view["reference"]: outcome(view) for _, view in sent}
    assert {
        view["reference"]: outcome(h.read(office.client, f"/reports/{view['reference']}"))
        for _, view in sent
    } == before

    publish_rules(office, 2)
    layers.publish(office, 2)
    layers.publish(office, 2, "routes")
    after = {
        view["reference"]: outcome(Resident(office.client).report(**body)) for body, view in sent
    }
    listed = changed(office, told["number"])
    assert {
        one["reference"]: (outcome(one["before"]), outcome(one["after"])) for one in listed
    } == {
        reference: (before[reference], after[reference])
        for reference in before
        if before[reference] != after[reference]
    }
    teams = Counter(
        (before[reference][0], after[reference][0])
        for reference in before
        if before[reference][0] != after[reference][0]
    )
    assert len(teams) >= 3
    moves = [(one["before"]["code"], one["after"]["code"], one["reports"]) for one in told["moves"]]
    assert {(*pair, count) for pair, count in teams.items()} == set(moves)
    assert [count for *_, count in moves] == sorted(teams.values(), reverse=True)
    districts = sum(before[one][1] != after[one][1] for one in before)
    assert told["changed"] == {"teams": teams.total(), "districts": districts}
    assert districts > 3
    assert told["right"] == {
        "before": len(sent),
        "after": sum(before[one][0] == after[one][0] for one in before),
    }
    pair = max(teams, key=lambda one: teams[one])
    some = changed(office, told["number"], before=pair[0], after=pair[1])
    assert len(some) == teams[pair]
    drawn = office.get(f"/simulations/{told['number']}/map")
    points = {
        one["properties"]["reference"]: one["geometry"]["coordinates"] for one in drawn["features"]
    }
    assert points == {
        one["reference"]: [one["location"]["longitude"], one["location"]["latitude"]]
        for one in listed
    }


def test_where_tickets_ended_tells_what_is_right(office: Office) -> None:
    view = Resident(office.client).report()
    staff = log_in(office.client)
    _, tag = read_ticket(office.client, view["ticket"], staff)
    given = office.client.patch(
        f"{BASE}/tickets/{view['ticket']}",
        json={"team": "reseaux", "reason": "test"},
        headers={**staff, "If-Match": tag},
    )
    assert given.status_code == 200, given.text
    rules = draft(office, {"team": "reseaux"})
    told = simulate(office, ruleset=rules["version"])
    assert told["right"] == {"before": 0, "after": 1}
    [move] = told["moves"]
    assert (move["before"]["code"], move["after"]["code"]) == ("voirie", "reseaux")
    [one] = changed(office, told["number"])
    assert (one["ticket"], one["category"]["code"]) == (view["ticket"], "nid-de-poule")


def test_a_period_or_the_last_reports(office: Office) -> None:
    rules = draft(office, {"team": "accueil"})["version"]
    for _ in range(3):
        Resident(office.client).report()
    middle = Resident(office.client).report()["created_at"]
    Resident(office.client).report()
    newest = simulate(office, ruleset=rules, last=2)
    assert (newest["total"], newest["done"], newest["changed"]["teams"]) == (2, 2, 2)
    assert simulate(office, ruleset=rules, to=middle)["done"] == 3
    assert simulate(office, ruleset=rules, **{"from": middle})["done"] == 2
    later = (now() + timedelta(days=1)).isoformat()
    nothing = simulate(office, ruleset=rules, **{"from": later})
    assert (nothing["status"], nothing["total"], nothing["moves"]) == ("done", 0, [])
    numbers = [one["number"] for one in office.get("/simulations")["items"]]
    assert numbers == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({}, ""),
        ({"ruleset": 1}, ""),
        ({"layers": {"quartiers": 1}}, ""),
        ({"ruleset": 77}, "/ruleset"),
        ({"ruleset": "1"}, "/ruleset"),
        ({"layers": {"quartiers": 9}}, "/layers/quartiers"),
        ({"layers": {"boundary": 1}}, "/layers/boundary"),
        ({"layers": {"wards": 1}}, "/layers/wards"),
        ({"layers": {"quartiers": 2**40}}, "/layers/quartiers"),
        ({"ruleset": 1, "last": 0}, "/last"),
        ({"ruleset": 1, "from": "yesterday"}, "/from"),
        ({"ruleset": 1, "sample": 5}, "/sample"),
    ],
)
def test_what_cannot_be_tried_is_told_at_its_place(
    office: Office, wanted: dict[str, Any], where: str
) -> None:
    answer = office.post("/simulations", wanted)
    assert h.blamed(answer) == [where]
    assert office.get("/simulations")["items"] == []


def test_only_the_newest_are_kept(office: Office) -> None:
    rules = draft(office, {"team": "accueil"})["version"]
    Resident(office.client).report()
    simulate(office, ruleset=rules)
    for _ in range(20):
        assert office.post("/simulations", {"ruleset": rules}).status_code == 202
    assert [one["number"] for one in office.get("/simulations")["items"]] == list(range(21, 1, -1))
    h.refused(missing(office), 404)


def missing(office: Office) -> TestResponse:
    return office.client.get(f"{BASE}/admin/simulations/1/reports", headers=office.headers)


def test_an_attempt_that_was_overtaken_writes_nothing(office: Office) -> None:
    Resident(office.client).report()
    rules = draft(office, {"team": "accueil"})["version"]
    office.post("/simulations", {"ruleset": rules})
    sessions = h.parts_of(office.client.application).sessions
    with sessions.begin() as session:
        [waiting] = session.scalars(running.waiting(now())).all()
        claimed = running.claim(session, waiting, now(), 0)
        assert claimed is not None
        attempt = running.begin(session, claimed)
        assert running.claim(session, waiting, now() + timedelta(seconds=1), LEASE_S)
    with sessions() as reader, sessions() as asker:
        [decided] = attempt.decisions(reader, asker)
    with sessions.begin() as session:
        assert not attempt.keep(session, decided, now(), LEASE_S)
    told = office.get("/simulations/1")
    assert (told["status"], told["done"], told["moves"]) == ("pending", 0, [])
    assert changed(office, 1) == []


def test_statements_do_not_grow_with_what_is_listed(office: Office) -> None:
    rules = put_in_force(office, {"team": "accueil"}) and draft(office, {"team": "voirie"})
    for _ in range(12):
        Resident(office.client).report()
    number = simulate(office, ruleset=rules["version"])["number"]
    counts = []
    for limit in (1, 12):
        with asked_of(h.parts_of(office.client.application).engine) as asked:
            office.get(f"/simulations/{number}/reports?limit={limit}")
        counts.append(len(asked))
    assert counts[0] == counts[1]
