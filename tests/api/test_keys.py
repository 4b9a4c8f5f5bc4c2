"""Keys: given to clients by administrators, shown once, and good for handing in reports alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from city import keys
from city.administration import Administration
from city.models import ApiKey, AuditEntry, Person
from infra.clock import now
from reports.models import Report
from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_limits import STRICT, strict  # noqa: F401  (a fixture)
from tests.city import towns
from tests.resident import BASE, body_of, problem_at
from tests.statements import asked_of

REPORTS = f"{BASE}/reports"
KEY = {"name": "Capteurs de crue", "channel": "sensor", "per_minute": 30}


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def _added(office: Office, **members: Any) -> dict[str, Any]:
    answer = office.post("/keys", {**KEY, **members})
    assert answer.status_code == 201, answer.text
    return body_of(answer)


def _made(app: Flask, **members: Any) -> str:
    """Return the secret of a key that was added without logging in, which is limited too."""
    with h.parts_of(app).sessions.begin() as session:
        person = session.scalars(select(Person).where(Person.email == h.ADMINISTRATOR)).one()
        office = Administration(session, person.id, person.jurisdiction_id, now())
        return keys.create(office, {**KEY, **members})[1]


def _send(client: FlaskClient, secret: str, path: str = REPORTS, **members: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {secret}", **members.pop("headers", {})}
    return client.post(path, json=problem_at(**members), headers=headers)


def _row(app: Flask, reference: str) -> Report:
    with h.parts_of(app).sessions() as session:
        return session.scalars(select(Report).where(Report.reference == reference)).one()


def test_a_key_hands_in_reports_by_its_channel(own_app: Flask, office: Office) -> None:
    key = _added(office)
    assert key["secret"].startswith(key["prefix"])
    assert len(key["secret"]) > len(key["prefix"]) + 32
    assert office.get(f"/keys/{key['id']}") == {
        name: value for name, value in key.items() if name != "secret"
    }
    assert key["last_used_at"] is None

    client = own_app.test_client()
    sent = body_of(_send(client, key["secret"], external_ref="S-17", channel="sensor"))
    row = _row(own_app, sent["reference"])
    assert (row.channel, row.external_ref, row.api_key_id) == ("sensor", "S-17", key["id"])
    assert row.recorded_by is None
    own = {"Authorization": f"Bearer {sent['tracking_token']}"}
    assert "messages" in h.read(client, f"/reports/{sent['reference']}", own)
    assert office.get(f"/keys/{key['id']}")["last_used_at"] is not None


def test_the_secret_is_kept_nowhere(own_app: Flask, office: Office) -> None:
    key = _added(office)
    assert office.change(f"/keys/{key['id']}", name="Autre", per_minute=5).status_code == 200
    [listed] = office.get("/keys")["items"]
    assert "secret" not in listed
    assert (listed["name"], listed["per_minute"], listed["etag"]) == ("Autre", 5, '"v2"')
    with h.parts_of(own_app).sessions() as session:
        row = session.scalars(select(ApiKey)).one()
        kept = [str(getattr(row, column.name)) for column in ApiKey.__table__.columns]
        acts = session.scalars(
            select(AuditEntry).where(AuditEntry.thing_kind == "key").order_by(AuditEntry.id)
        ).all()
    assert [act.act for act in acts] == ["added", "changed"]
    assert acts[1].changes["per_minute"] == {"from": 30, "to": 5}
    unshown = key["secret"].removeprefix(key["prefix"])
    assert not [text for text in (*kept, *(str(act.changes) for act in acts)) if unshown in text]


def test_a_retired_key_is_refused_at_once(own_app: Flask, office: Office) -> None:
    client, key = own_app.test_client(), _added(office)
    assert _send(client, key["secret"]).status_code == 201
    assert office.change(f"/keys/{key['id']}", retired=True).status_code == 200
    h.refused(_send(client, key["secret"]), 401)
    h.refused(_send(client, key["secret"], kind="nothing"), 401)
    h.refused(_send(client, "vk_nobody"), 401)
    assert office.change(f"/keys/{key['id']}", retired=False).status_code == 200
    assert _send(client, key["secret"]).status_code == 201


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"channel": "pigeon"}, ["/channel"]),
        ({"per_minute": 0}, ["/per_minute"]),
        ({"per_minute": 10_000_000}, ["/per_minute"]),
        ({"secret": "vk_mine"}, ["/secret"]),
    ],
)
def test_what_a_key_may_be(app: Flask, changes: dict[str, Any], wrong: list[str]) -> None:
    assert h.blamed(Office(app).post("/keys", {**KEY, **changes})) == wrong


def test_the_channel_of_a_key_stays(app: Flask) -> None:
    office = Office(app)
    path = f"/keys/{_added(office)['id']}"
    assert h.blamed(office.change(path, channel="chat")) == ["/channel"]
    h.refused(office.put(path, KEY, '"v9"'), 412)


def test_a_key_is_good_for_nothing_else(app: Flask, client: FlaskClient) -> None:
    secret = _added(Office(app))["secret"]
    header = {"Authorization": f"Bearer {secret}"}
    sent = body_of(_send(client, secret))
    path = f"{REPORTS}/{sent['reference']}"
    assert set(h.read(client, f"/reports/{sent['reference']}", header)) == h.PUBLIC_VIEW
    h.refused(client.post(f"{path}/withdraw", headers=header), 403)
    h.refused(client.post(f"{path}/messages", json={"text": "?"}, headers=header), 403)
    for staff_path in ("tickets", "admin/keys", f"tickets/{sent['ticket']}"):
        h.refused(client.get(f"{BASE}/{staff_path}", headers=header), 404)
    unknown = {"Authorization": "Bearer vk_nobody"}
    h.refused(client.post(f"{path}/withdraw", headers=unknown), 401)
    h.refused(client.get(f"{BASE}/tickets", headers=unknown), 401)


def test_a_report_of_a_key_lies_in_its_city(own_app: Flask, office: Office, tmp_path: Any) -> None:
    with h.parts_of(own_app).sessions.begin() as session:
        towns.load(session, towns.write(tmp_path, towns.document("voisine")))
    client, secret = own_app.test_client(), _added(office)["secret"]
    there = problem_at({"latitude": -33.95, "longitude": 20.05}, category="hole")
    assert h.blamed(_send(client, secret, **there)) == ["/location"]
    assert h.blamed(_send(client, secret, channel="phone")) == ["/channel"]


def test_the_same_idempotency_key_of_two_clients_is_two_reports(app: Flask) -> None:
    office, client = Office(app), app.test_client()
    first, second = _added(office)["secret"], _added(office)["secret"]
    once: dict[str, Any] = {"headers": {"Idempotency-Key": "reading-1"}}
    references = [
        body_of(_send(client, secret, **once))["reference"] for secret in (first, second, first)
    ]
    assert references[0] == references[2] != references[1]


def test_a_key_has_its_own_limit(strict: Flask) -> None:  # noqa: F811
    key, other = _made(strict, per_minute=4), _made(strict)
    client = strict.test_client()

    def send(secret: str, address: str) -> TestResponse:
        return _send(client, secret, headers={"X-Forwarded-For": address})

    # Beyond what one address may send, and from wherever it comes.
    assert {send(other, "192.0.2.8").status_code for _ in range(9)} == {201}
    answers = [send(key, f"198.51.100.{number}") for number in range(11)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        h.refused(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answers[0].headers["RateLimit-Policy"] == '"reports";q=4;w=60'
    assert send(other, "192.0.2.8").status_code == 201
    # What is no key is held to what its address may send.
    assert int(STRICT["WRITES_PER_MINUTE"]) < 14
    guesses = [send(f"vk_{number}", "192.0.2.9").status_code for number in range(14)]
    assert set(guesses) == {401, 429}


def test_a_key_is_looked_up_once_and_its_use_noted_once_a_minute(
    own_app: Flask, office: Office
) -> None:
    client, key = own_app.test_client(), _added(office)
    _send(client, key["secret"])
    with asked_of(h.parts_of(own_app).engine, ends=True) as asked:
        assert _send(client, key["secret"]).status_code == 201
    assert len(asked[1:-1]) == 3, "\n\n".join(asked)
    earlier = now() - timedelta(hours=1)
    with h.parts_of(own_app).sessions.begin() as session:
        session.execute(update(ApiKey).values(last_used_at=earlier))
    with asked_of(h.parts_of(own_app).engine, ends=True) as asked:
        assert _send(client, key["secret"]).status_code == 201
    assert len(asked[1:-1]) == 4, "\n\n".join(asked)
    with h.parts_of(own_app).sessions() as session:
        used = session.scalars(select(ApiKey.last_used_at)).one()
    assert used is not None
    assert used > earlier
