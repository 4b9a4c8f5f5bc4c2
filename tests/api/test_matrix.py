"""Every route of staff, by every role, on what is theirs, another team's and another city's.

What is expected follows from `city/access.py` alone. A new route is found by itself; one whose
address names something that this file does not know has to be told here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.routing import Rule

from api import callers
from city import keys
from city.access import Act, Reach, Role, reach
from city.administration import Administration
from city.models import Person
from city.passwords import hash_password
from infra.clock import now
from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from reports.webhook_models import Webhook
from tests.api import help as h
from tests.api.conftest import LogIn, logging_in
from tests.api.test_roles import OF_ROLE, TREE
from tests.city import towns
from tests.conftest import application, copy_of
from tests.resident import BASE, PASSWORD, Resident, bearer, body_of, problem_at
from tests.stack import environment

MINE, OTHERS, ELSEWHERE, NOWHERE = "of my team", "of another team", "of another city", "nowhere"
# What everybody who is logged in may do for themselves, whatever their role.
OWN_ACCOUNT = {
    "sessions.log_out",
    "accounts.begin_second_factor",
    "accounts.confirm_second_factor",
    "accounts.end_second_factor",
}
SETTINGS = ("close-reasons", "third-parties", "templates")
# What the other city's desk works with.
DESK = {
    "close_reasons": [{"code": "mended", "names": {"en": "Mended"}, "statuses": ["resolved"]}],
    "third_parties": [{"code": "county", "names": {"en": "County"}}],
    "templates": [{"code": "thanks", "names": {"en": "Thanks"}, "texts": {"en": "Thank you."}}],
}
REFUSED = (401, 403, 404)


@dataclass(frozen=True)
class Cell:
    """One request of the matrix, and whether its address names a ticket or a setting."""

    endpoint: str
    method: str
    act: Act
    names: str | None


def _of_tickets(rule: Rule) -> bool:
    return re.match(rf"{BASE}/tickets/<[^>]*reference>", rule.rule) is not None


def _named(rule: Rule) -> str | None:
    """Return what the address of a route names: a ticket, a setting of a kind, or nothing."""
    if _of_tickets(rule):
        return "ticket"
    found = re.match(rf"{BASE}/admin/([\w-]+)/<(int:)?key>", rule.rule) or re.match(
        rf"{BASE}/(reports|photos|filters)/<", rule.rule
    )
    if found:
        return found[1]
    assert not rule.arguments, f"{rule.rule} names something that this matrix does not know"
    return None


def cells(app: Flask) -> list[Cell]:
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if callers.declared(view) != callers.STAFF:
            continue
        act = callers.act_of(view)
        if act is None:
            assert rule.endpoint in OWN_ACCOUNT, f"{rule.endpoint} says for which act it is"
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        # A layer is put where there is none yet as well, so that is one's own in any case.
        named = "own layer" if rule.endpoint == "layers.put_layer" else _named(rule)
        found += [Cell(rule.endpoint, method, act, named) for method in methods]
    return found


def expected(role: Role, cell: Cell, whose: str) -> int | None:
    """Return the refusal that the table of roles and acts calls for, or None where there is none.

    What a role may never do is 403, whatever it is about. What one does not see is 404.
    """
    # A change of a ticket is for who may assign somebody at the least, and goes by that act.
    far = reach(role, cell.act)
    if far is None:
        return 403
    if cell.names is None:
        return None
    if whose in {ELSEWHERE, NOWHERE}:
        return 404
    if cell.names == "ticket" and whose == OTHERS:
        if reach(role, Act.READ_TICKETS) is Reach.TEAMS:
            return 404
        return None if far is Reach.JURISDICTION else 403
    return None


@pytest.fixture(scope="module")
def app(
    cluster: Cluster,
    template: str,
    valkey: Valkey,
    mailbox: Mailbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """Return an application of its own: a second city would get in the way of all other tests."""
    url, folder = copy_of(cluster, template), tmp_path_factory.mktemp("matrix")
    with application(environment(folder, url, valkey.url, mailbox.url)) as app:
        yield app


@pytest.fixture(scope="module")
def as_person(app: Flask) -> LogIn:
    return logging_in(app)


Things = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def things(app: Flask, as_person: LogIn, tmp_path_factory: pytest.TempPathFactory) -> Things:
    """Return by what addresses name things, for each that is mine, another's or elsewhere."""
    resident = Resident(app.test_client())
    theirs = _another_city(app, tmp_path_factory.mktemp("town"))
    office = as_person(h.ADMINISTRATOR)
    people = h.read(resident.client, "/admin/people", office)["items"]
    hook = str(_webhook(resident.client, office))
    lead = next(str(one["id"]) for one in people if one["email"] == h.LEAD_OF_ROADS)
    return {
        "ticket": {
            MINE: resident.report()["ticket"],
            OTHERS: resident.report(**TREE)["ticket"],
            ELSEWHERE: theirs["ticket"],
            NOWHERE: "T-7KM-3QX-9PG",
        },
        "reports": {
            MINE: resident.report()["reference"],
            ELSEWHERE: theirs["report"],
            NOWHERE: "7KM-3QX-9PG",
        },
        "photos": {NOWHERE: str(uuid4())},
        "filters": {NOWHERE: str(uuid4())},
        "teams": _settings("voirie", "proprete", "crew"),
        "groups": _settings("voirie", "proprete", "roads"),
        "categories": _settings("nid-de-poule", "arbre", "hole"),
        "people": {MINE: lead, OTHERS: lead, ELSEWHERE: theirs["person"], NOWHERE: "999999999"},
        "close-reasons": _settings("repare", "repare", "mended"),
        "third-parties": _settings("departement", "departement", "county"),
        "templates": _settings("pris-en-charge", "pris-en-charge", "thanks"),
        "webhooks": {MINE: hook, ELSEWHERE: theirs["webhook"], NOWHERE: "999999999"},
        "calendars": _settings("beaurive", "beaurive", "voisine"),
        "keys": {**_keys_of(as_person, resident), ELSEWHERE: theirs["key"]},
        "layers": _settings("quartiers", "quartiers", "wards"),
        "own layer": {MINE: "quartiers"},
        "simulations": {
            MINE: _simulation(resident.client, office),
            ELSEWHERE: "77",
            NOWHERE: "999",
        },
        "rulesets": {MINE: "1", OTHERS: "1", ELSEWHERE: "77", NOWHERE: "999"},
    }


def _webhook(client: FlaskClient, office: dict[str, str]) -> int:
    """Return the id of a webhook, which one of its deliveries has too."""
    body = {"url": "https://hooks.example.org/", "events": ["report.anonymised"]}
    added = client.post(f"{BASE}/admin/webhooks", json=body, headers=office)
    assert added.status_code == 201, added.text
    hook: int = body_of(added)["id"]
    path = f"{BASE}/admin/webhooks/{hook}/test"
    while body_of(client.post(path, headers=office))["id"] < hook:
        pass
    return hook


def _simulation(client: FlaskClient, office: dict[str, str]) -> str:
    drafted = client.post(f"{BASE}/admin/rulesets", json={"rules": []}, headers=office)
    body = {"ruleset": body_of(drafted)["version"]}
    asked = client.post(f"{BASE}/admin/simulations", json=body, headers=office)
    return str(body_of(asked)["number"])


def _settings(mine: str, others: str, elsewhere: str) -> dict[str, str]:
    return {MINE: mine, OTHERS: others, ELSEWHERE: elsewhere, NOWHERE: "nobody"}


def _keys_of(as_person: LogIn, resident: Resident) -> dict[str, str]:
    body = {"name": "Capteurs", "channel": "sensor"}
    answer = resident.client.post(
        f"{BASE}/admin/keys", json=body, headers=as_person(h.ADMINISTRATOR)
    )
    return {MINE: str(body_of(answer)["id"]), NOWHERE: "999999999"}


def _another_city(app: Flask, folder: Path) -> dict[str, str]:
    with h.parts_of(app).sessions.begin() as session:
        towns.load(session, towns.write(folder, towns.document("voisine", **DESK)))
        person = session.scalars(select(Person).where(Person.email == "lead@voisine.example")).one()
        hook = Webhook(
            jurisdiction_id=person.jurisdiction_id,
            url="https://hooks.example.org/",
            event_kinds=[],
            secret="whsec_c2VjcmV0",
            created_at=now(),
            failures=0,
        )
        session.add(hook)
        session.flush()
        person_id, hook_id = person.id, hook.id
        office = Administration(session, person.id, person.jurisdiction_id, now())
        key, _secret = keys.create(office, {"name": "?", "channel": "sensor", "per_minute": 1})
        key_id = key.id
    body = problem_at({"latitude": -33.95, "longitude": 20.05}, category="hole")
    answer = app.test_client().post(f"{BASE}/reports", json=body)
    assert answer.status_code == 201, answer.text
    sent = body_of(answer)
    return {
        "ticket": sent["ticket"],
        "report": sent["reference"],
        "person": str(person_id),
        "webhook": str(hook_id),
        "key": str(key_id),
    }


def ask(
    client: FlaskClient, app: Flask, person: dict[str, str], cell: Cell, key: str | None
) -> int:
    """Send the request without what it needs to change anything, and return its status."""
    rule = next(
        one
        for one in app.url_map.iter_rules(cell.endpoint)
        if cell.method in (one.methods or set())
    )
    # What is put there gets a name of its own.
    path = rule.rule.replace("<uuid:uuid>", str(uuid4())).replace("<int:number>", "1")
    path = re.sub(r"<[^>]+>", key or "", path)
    answer = client.open(path, method=cell.method, headers=person)
    answer.close()
    return answer.status_code


@pytest.mark.parametrize("role", Role)
def test_each_route_answers_each_role_by_the_table(
    app: Flask, client: FlaskClient, things: Things, as_person: LogIn, role: Role
) -> None:
    person, wrong, tried = as_person(OF_ROLE[role]), [], 0
    for cell in cells(app):
        for whose, key in things[cell.names].items() if cell.names else [(MINE, None)]:
            status = ask(client, app, person, cell, key)
            awaited = expected(role, cell, whose)
            tried += 1
            if status != awaited if awaited else status in REFUSED or status >= 500:
                wrong.append((cell.endpoint, cell.method, whose, status, awaited))
    assert wrong == []
    assert tried > 60


def test_what_is_another_citys_stays_as_it_was(
    app: Flask, client: FlaskClient, things: Things, as_person: LogIn
) -> None:
    """Even with all that a change needs, an administrator of one city reaches no other."""
    office = as_person(h.ADMINISTRATOR)
    with h.parts_of(app).sessions.begin() as session:
        session.execute(
            update(Person)
            .where(Person.email == "lead@voisine.example")
            .values(password_hash=hash_password(PASSWORD), role=Role.ADMINISTRATOR.value)
        )
    login = {"email": "lead@voisine.example", "password": PASSWORD}
    theirs = bearer(body_of(client.post(f"{BASE}/sessions", json=login))["token"])
    listed: Callable[[str], object] = lambda kind: h.read(client, f"/admin/{kind}", theirs)  # noqa: E731
    kinds = ("teams", "groups", "categories", "people", "webhooks", "keys", "calendars", *SETTINGS)
    before = [listed(kind) for kind in (*kinds, "audit")]
    for kind in kinds:
        path = f"{BASE}/admin/{kind}/{things[kind][ELSEWHERE]}"
        own = h.read(client, path.removeprefix(BASE), theirs)
        headers = {**office, "If-Match": own["etag"]}
        h.refused(client.put(path, json={**own, "retired": True}, headers=headers), 404)
    assert [listed(kind) for kind in (*kinds, "audit")] == before
