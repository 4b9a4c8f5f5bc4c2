"""Webhooks as administrators set them up: what is refused, what is owed, what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from infra.clock import now
from reports.leases import Lease
from reports.webhook_models import Webhook, WebhookDelivery
from reports.webhooks import bodies, delivery
from reports.webhooks.delivery import Attempt, Outcome
from tests import traces
from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_intake_statements import STATEMENTS
from tests.resident import BASE, Resident, body_of, log_in, move
from tests.statements import asked_of

HOOK: dict[str, Any] = {
    "url": "https://hooks.example.org/in?key=s3cret",
    "events": ["ticket.status"],
}
TREE = {"category": "arbre", "answers": {"danger": "non"}}


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


@pytest.fixture
def resident(own_app: Flask) -> Resident:
    return Resident(own_app.test_client())


@pytest.fixture
def session(own_app: Flask) -> Iterator[Session]:
    with h.parts_of(own_app).sessions() as session:
        yield session


def added(office: Office, **members: Any) -> dict[str, Any]:
    answer = office.post("/webhooks", {**HOOK, **members})
    assert answer.status_code == 201, answer.text
    return body_of(answer)


def act(office: Office, path: str, tag: str | None = None) -> TestResponse:
    headers = {**office.headers, **({"If-Match": tag} if tag else {})}
    return office.client.post(f"{BASE}/admin/webhooks/{path}", headers=headers)


def owed(office: Office, hook: dict[str, Any]) -> list[tuple[str, str]]:
    """Return type and ticket of what the log holds, oldest first."""
    items = office.get(f"/webhooks/{hook['id']}/deliveries")["items"]
    return [(item["type"], item["ticket"]) for item in reversed(items)]


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "url",
    [
        "http://127.1/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.7/",
        "https://localhost/",
        "https://hooks.example.org:5432/",
        "https://me:secret@hooks.example.org/",
        "ftp://hooks.example.org/",
        "no address",
    ],
)
def test_an_address_that_can_never_be_asked_is_refused(app: Flask, url: str) -> None:
    office = Office(app)
    assert h.blamed(office.post("/webhooks", {**HOOK, "url": url})) == ["/url"]
    assert url not in [hook["url"] for hook in office.get("/webhooks")["items"]]


def test_what_makes_no_webhook_is_told_where(app: Flask) -> None:
    office = Office(app)
    body = {**HOOK, "events": ["ticket.status", "note.written"]}
    assert h.blamed(office.post("/webhooks", body)) == ["/events/1"]
    assert h.blamed(office.post("/webhooks", {**HOOK, "events": []})) == ["/events"]
    assert h.blamed(office.post("/webhooks", {**HOOK, "team": "nobody"})) == ["/team"]


def test_a_webhook_is_read_changed_and_retired(office: Office, session: Session) -> None:
    made = added(office, team="voirie", description="Les ordres de travail")
    path, secrets = f"/webhooks/{made['id']}", {made.pop("secret")}
    assert office.get(path) == made == office.get("/webhooks")["items"][0]
    rotated = act(office, f"{made['id']}/secret", made["etag"])
    assert rotated.status_code == 200
    secrets.add(body_of(rotated)["secret"])
    assert len(secrets) == 2
    assert all(secret.startswith("whsec_") for secret in secrets)
    h.refused(act(office, f"{made['id']}/secret"), 428)
    h.refused(office.put(path, HOOK, tag=made["etag"]), 412)

    changed = body_of(office.change(path, url="https://other.example.org/", disabled=True))
    assert (changed["disabled_reason"], changed["team"]) == ("administrator", "voirie")
    h.refused(act(office, f"{made['id']}/test"), 409)
    assert body_of(office.change(path, disabled=False))["disabled_at"] is None
    assert body_of(office.change(path, retired=True))["retired"] is True

    lines = h.read(office.client, "/admin/audit?thing=webhook", office.headers)["items"]
    told = str(lines)
    assert [line["act"] for line in lines] == ["changed"] * 3 + ["rotated", "added"]
    assert "other.example.org" in told
    for kept in (*secrets, "s3cret", "Les ordres"):
        assert kept not in told
    seen = {table for table, _row in traces.in_database(session, *secrets)}
    assert seen == {"webhooks"}


def test_each_event_is_owed_to_those_who_want_it(office: Office, resident: Resident) -> None:
    every = added(office, events=["report.received", "ticket.routed", "ticket.status"])
    roads = added(office, events=["ticket.routed", "ticket.status"], team="voirie")
    retired = added(office)
    assert office.change(f"/webhooks/{retired['id']}", retired=True).status_code == 200
    parks, staff = resident.report(**TREE)["ticket"], log_in(resident.client)
    assert owed(office, every) == [("report.received", parks), ("ticket.routed", parks)]
    assert owed(office, roads) == []

    tag = resident.client.get(f"{BASE}/tickets/{parks}", headers=staff).headers["ETag"]
    answer = resident.client.patch(
        f"{BASE}/tickets/{parks}",
        json={"team": "voirie", "reason": "Une racine"},
        headers={**staff, "If-Match": tag},
    )
    assert answer.status_code == 200, answer.text
    assert owed(office, roads) == [("ticket.routed", parks)]
    h.refused(move(resident.client, parks, staff, "reopened"), 409)
    assert move(resident.client, parks, staff, "accepted").status_code == 200
    assert owed(office, roads) == [("ticket.routed", parks), ("ticket.status", parks)]
    assert owed(office, retired) == []


def test_intake_asks_no_more_for_being_told_of(
    own_app: Flask, office: Office, resident: Resident
) -> None:
    hook = added(office, events=["report.received"])
    resident.report()
    with asked_of(h.parts_of(own_app).engine, ends=True) as asked:
        resident.report()
    assert len(asked[1:-1]) == STATEMENTS
    assert len(owed(office, hook)) == 2


def test_the_log_comes_in_pages(office: Office) -> None:
    hook = added(office)
    sent = [body_of(act(office, f"{hook['id']}/test"))["id"] for _ in range(5)]
    path = f"/admin/webhooks/{hook['id']}/deliveries?limit=2"
    pages = list(h.pages(office.client, path, office.headers))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [item["id"] for page in pages for item in page] == sent[::-1]
    other = added(office)
    h.refused(act(office, f"{other['id']}/deliveries/{sent[0]}/replay"), 404)


def test_what_is_sent_holds_only_what_everybody_may_see(
    own_app: Flask, office: Office, resident: Resident, session: Session
) -> None:
    added(office, events=["report.received"])
    contact = {"name": "Camille Roux", "email": "camille@example.org", "phone": "+33612345678"}
    words = {"description": "Un trou zzyzx", "address": "12 rue Zzyzx", "contact": contact}
    public = resident.report(**words)
    hidden = resident.report(**{**words, **h.PRIVATE})

    bodies = [_composed(session, one) for one in _deliveries(session)]
    assert b"Un trou zzyzx" in bodies[0]
    assert b'"closed_at":null' in bodies[0]
    assert public["reference"].encode() in bodies[0]
    assert hidden["reference"].encode() in bodies[1]
    assert b"zzyzx" not in bodies[1].lower()
    for body in bodies:
        assert not any(value.encode() in body for value in contact.values())

    h.hide_report(own_app, public["reference"])
    session.rollback()
    assert b"zzyzx" not in _composed(session, _deliveries(session)[0]).lower()
    rows = str([row for table, row in traces.rows(session) if table == "webhook_deliveries"])
    for kept in (*contact.values(), "zzyzx", public["reference"]):
        assert kept not in rows


def test_who_keeps_failing_is_disabled_and_who_is_gone_at_once(
    office: Office, session: Session
) -> None:
    hook = added(office)
    at, outcomes = now(), []
    while not session.scalars(select(Webhook.disabled_at)).one():
        # Each failure leaves the webhook alone for a while, so time has to pass.
        at += timedelta(days=1)
        taken = delivery.claim_due(session, at, 20, 10)
        for lease in taken:
            made = Attempt(500, "HTTP 500", 3)
            outcomes.append(delivery.record(session, lease, made, 30, at))
        session.commit()
        if not taken:
            act(office, f"{hook['id']}/test")
    assert outcomes[:9] == [*[Outcome.PUT_OFF] * 8, Outcome.FAILED]
    assert len(outcomes) == delivery.DISABLED_AFTER
    told = office.get(f"/webhooks/{hook['id']}")
    assert (told["disabled_reason"], told["failures"]) == ("failing", 30)
    assert delivery.claim_due(session, at + timedelta(days=9), 20, 10) == []
    session.rollback()

    enabled = body_of(office.change(f"/webhooks/{hook['id']}", disabled=False))
    assert (enabled["failures"], enabled["disabled_at"]) == (0, None)
    (lease,) = delivery.claim_due(session, at + timedelta(days=9), 20, 10)
    delivery.record(session, lease, Attempt(410, "HTTP 410", 3), 30, at)
    session.commit()
    assert office.get(f"/webhooks/{hook['id']}")["disabled_reason"] == "gone"
    assert office.get(f"/webhooks/{hook['id']}/deliveries")["items"][0]["status"] == "failed"


def test_an_endpoint_may_ask_for_time_within_bounds(office: Office, session: Session) -> None:
    hook = added(office)
    act(office, f"{hook['id']}/test")
    waits = []
    for asked in (None, 900, 10**9):
        session.execute(text("UPDATE webhooks SET paused_until = NULL"))
        session.execute(text("UPDATE webhook_deliveries SET due_at = now(), attempt = 0"))
        at = now()
        (lease,) = delivery.claim_due(session, at, 20, 10)
        delivery.record(session, lease, Attempt(503, "HTTP 503", 3, asked), 30, at)
        due_at = session.scalars(select(WebhookDelivery.due_at)).one()
        waits.append((due_at - at).total_seconds())
    assert 30 <= waits[0] <= 36
    assert waits[1:] == [900, delivery.LONGEST_WAIT_S]


def test_who_comes_back_late_records_nothing(office: Office, session: Session) -> None:
    hook = added(office)
    act(office, f"{hook['id']}/test")
    at = now()
    (late,) = delivery.claim_due(session, at, 20, 10)
    assert delivery.claim_due(session, at, 20, 10) == []
    stale = Lease(late.row, late.attempt)
    later = at + timedelta(seconds=21)
    (lease,) = delivery.claim_due(session, later, 20, 10)
    assert delivery.record(session, stale, Attempt(200, None, 3), 30, later) is None
    assert delivery.record(session, lease, Attempt(200, None, 3), 30, later) is Outcome.SENT


def test_old_deliveries_and_secrets_are_forgotten(office: Office, session: Session) -> None:
    hook = added(office)
    act(office, f"{hook['id']}/test")
    act(office, f"{hook['id']}/secret", hook["etag"])
    delivery.drop_old(session, now() + timedelta(days=29))
    assert session.scalars(select(Webhook.old_secret)).all() == [None]
    assert len(_deliveries(session)) == 1
    delivery.drop_old(session, now() + timedelta(days=31))
    assert _deliveries(session) == []


def _deliveries(session: Session) -> list[WebhookDelivery]:
    return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def _composed(session: Session, delivery: WebhookDelivery) -> bytes:
    return bodies.compose(session, delivery, "http://city.example")
