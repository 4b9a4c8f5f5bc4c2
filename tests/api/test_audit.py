"""Who changed what: written down by itself, never changed, found again, and enough to redo it."""

from __future__ import annotations

import copy
import csv
import json
import re
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from reports.webhook_models import WebhookDelivery
from reports.webhooks import bodies
from tests.api import help as h
from tests.api.test_administration import CATEGORY, PERSON, TEAM, Office
from tests.resident import BASE, DISPATCHER, Resident, body_of, log_in, move, read_ticket

KINDS = {"team": "teams", "group": "groups", "category": "categories", "person": "people"}
# What the audit does not hold, so that it can be forgotten; and what follows from the rest.
UNTOLD = {"email", "name", "etag", "password_set", "second_factor"}

# What stands in lines of its own where a city file says it.
BEFORE: dict[str, dict[str, Any]] = {"category": {"questions": []}, "person": {"teams": []}}


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def set_up(office: Office) -> None:
    """Change a bit of everything."""
    assert office.post("/teams", TEAM).status_code == 201
    office.change("/teams/nuit", names={"fr": "Nuit"}, email="autre@beaurive.example")
    office.change("/teams/nuit", retired=True)
    assert office.post("/groups", {"code": "plages", "names": {"fr": "Plages"}}).status_code == 201
    office.change("/groups/plages", position=0)
    assert office.post("/categories", CATEGORY).status_code == 201
    office.change("/categories/trottinette", group="plages", public=False, target_hours=None)
    office.change("/categories/trottinette", questions=[])
    office.change("/categories/arbre", priority="urgent", retired=True)
    office.change("/categories/arbre", retired=False)
    person = body_of(office.post("/people", PERSON))
    office.change(f"/people/{person['id']}", teams=["reseaux"], name="Nour V.", role="team_lead")
    other = office.person(h.MEMBER_OF_ROADS)
    office.change(f"/people/{other['id']}", teams=[], locale="en")
    office.change(f"/people/{other['id']}", retired=True)


def state(office: Office) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the whole set-up, but for what the audit does not hold."""
    return {
        kind: {
            str(item.get("id", item.get("code"))): {
                name: value for name, value in item.items() if name not in UNTOLD | {"id", "code"}
            }
            for item in office.get(f"/{path}")["items"]
        }
        for kind, path in KINDS.items()
    }


def everything(office: Office, query: str = "source=audit") -> list[dict[str, Any]]:
    listed = h.pages(office.client, f"/admin/audit?limit=7&{query}", office.headers)
    return [line for page in listed for line in page]


def since_loaded(office: Office) -> list[dict[str, Any]]:
    """Return what was done to the set-up after the city file was loaded, which came first."""
    lines = everything(office)
    assert (lines[-1]["actor"], lines[-1]["thing"]["kind"]) == ("command", "jurisdiction")
    return [line for line in lines if line["actor"] == "person"]


def replay(lines: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the set-up that the lines, oldest first, lead to from nothing."""
    replayed: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
    for line in lines:
        kind, reference = line["thing"]["kind"], line["thing"]["reference"]
        told = {name: one for name, one in line["changes"].items() if name not in UNTOLD}
        assert all(
            line["changes"][name] == {"changed": True} for name in UNTOLD & {*line["changes"]}
        )
        if kind == "question":
            category, code = reference.split("/")
            asked = {name: one["to"] for name, one in told.items() if name != "position"}
            replayed["category"][category]["questions"].append({"code": code, **asked})
        if kind not in KINDS:
            continue
        item = replayed[kind].setdefault(
            reference, {"retired": False, **copy.deepcopy(BEFORE.get(kind, {}))}
        )
        for name, change in told.items():
            assert change["from"] == (item.get(name) if line["act"] == "changed" else None)
            item[name] = change["to"]
    return replayed


def test_the_audit_replays_to_the_same_set_up_from_nothing(office: Office) -> None:
    set_up(office)
    assert replay(everything(office)[::-1]) == state(office)


def test_contact_data_are_not_in_the_audit(own_app: Flask, office: Office) -> None:
    set_up(office)
    with h.parts_of(own_app).sessions() as session:
        kept = session.execute(text("SELECT string_agg(changes::text, ' ') FROM audit_entries"))
        told = str(kept.scalar()).lower()
    for secret in ("nouvelle@", "autre@", "nuit@", "nour", "vidal"):
        assert secret not in told


def test_words_that_may_name_somebody_are_not_in_the_audit(own_app: Flask, office: Office) -> None:
    words = {"fr": "Jean Dupont, 06 12 34 56 78"}
    party = {"code": "voisin", "names": words}
    template = {"code": "appel", "names": {"fr": "Appel"}, "texts": words}
    reason = {"code": "fait", "names": {"fr": "Fait"}, "statuses": ["resolved"]}
    for kind, body in (
        ("third-parties", party),
        ("templates", template),
        ("close-reasons", {**reason, "public_texts": words}),
    ):
        assert office.post(f"/{kind}", body).status_code == 201
        [field] = [name for name, value in body.items() if value == words] or ["public_texts"]
        changed = {"fr": "Jean Dupont, 07 12 34 56 78"}
        assert office.change(f"/{kind}/{body['code']}", **{field: changed}).status_code == 200
    lines = since_loaded(office)
    assert len(lines) == 6
    assert "dupont" not in json.dumps(everything(office)).lower()
    [first, *_] = [line for line in lines if line["thing"]["kind"] == "template"]
    assert first["changes"] == {"texts": {"changed": True}}


def test_a_change_that_changes_nothing_is_not_written_down(office: Office) -> None:
    office.change("/teams/voirie")
    office.change("/categories/arbre")
    office.change(f"/people/{office.person(h.AUDITOR)['id']}")
    h.refused(office.change("/teams/voirie", retired=True), 409)
    h.refused(office.post("/teams", {**TEAM, "code": "voirie"}), 409)
    assert since_loaded(office) == []


def test_it_says_who_when_and_from_what_to_what(office: Office) -> None:
    office.change("/categories/arbre", target_hours=5)
    [line] = since_loaded(office)
    assert line["person"] == office.person(h.ADMINISTRATOR)["id"]
    assert (line["source"], line["actor"], line["act"]) == ("audit", "person", "changed")
    assert line["thing"] == {"kind": "category", "reference": "arbre"}
    [(name, change)] = line["changes"].items()
    assert (name, change["to"]) == ("target_hours", 5)


def test_tickets_and_set_up_stand_in_one_list_and_are_narrowed(
    own_app: Flask, office: Office
) -> None:
    client = own_app.test_client()
    ticket = Resident(client).report(contact={"email": "camille@example.org"})["ticket"]
    assert move(client, ticket, log_in(client), "accepted").status_code == 200
    office.change("/categories/arbre", target_hours=5)
    office.change("/teams/voirie", names={"fr": "Voirie"})

    lines = everything(office, "")
    assert [line["at"] for line in lines] == sorted((line["at"] for line in lines), reverse=True)
    assert {line["source"] for line in lines} == {"audit", "tickets"}
    assert "camille" not in json.dumps(lines)
    dispatcher = office.person(DISPATCHER)["id"]
    [moved] = everything(office, f"person={dispatcher}")
    assert (moved["act"], moved["thing"]["reference"]) == ("status", ticket)
    assert moved["changes"]["to"] == "accepted"
    assert {line["act"] for line in everything(office, f"reference={ticket}")} >= {
        "received",
        "status",
    }
    things = everything(office, "thing=team")
    assert {line["thing"]["kind"] for line in things} == {"team"}
    assert [line["thing"]["reference"] for line in things if line["actor"] == "person"] == [
        "voirie"
    ]
    assert everything(office, f"act=changed&from={lines[1]['at']}") == lines[:2]
    since, until = lines[1]["at"], lines[0]["at"]
    assert everything(office, f"from={since}&to={until}") == lines[1:2]
    assert everything(office, "reference=T-7KM-3QX-9PG") == []


def test_every_line_is_met_once_from_page_to_page(own_app: Flask, office: Office) -> None:
    resident = Resident(own_app.test_client())
    for _ in range(4):
        resident.report()
    set_up(office)
    for query in ("", "source=audit", "source=tickets"):
        sent = office.client.get(f"{BASE}/admin/audit.jsonl?{query}", headers=office.headers)
        whole = [json.loads(line) for line in sent.text.splitlines()]
        assert everything(office, query) == whole
        assert len(whole) >= 8
        for limit in (1, 3):
            pages = h.pages(office.client, f"/admin/audit?limit={limit}&{query}", office.headers)
            assert [line for page in pages for line in page] == whole


def test_it_is_handed_out_whole(
    own_app: Flask, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.auditing.EXPORTED_AT_ONCE", 4)
    Resident(own_app.test_client()).report()
    set_up(office)
    lines = everything(office, "")
    sent = office.client.get(f"{BASE}/admin/audit.jsonl", headers=office.headers)
    assert sent.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in sent.text.splitlines()] == lines
    sent = office.client.get(f"{BASE}/admin/audit.csv?thing=team", headers=office.headers)
    rows = list(csv.DictReader(StringIO(sent.text)))
    assert [row["reference"] for row in rows if row["actor"] == "person"] == ["nuit"] * 3
    assert json.loads(rows[0]["changes"]) == {"retired": {"from": False, "to": True}}
    assert rows[0]["at"] == next(line["at"] for line in lines if line["thing"]["kind"] == "team")


def test_the_auditor_reads_it_and_changes_nothing(own_app: Flask, office: Office) -> None:
    office.change("/teams/voirie", names={"fr": "Voirie"})
    auditor = Office(own_app, h.AUDITOR)
    assert everything(auditor) == everything(office)
    h.refused(auditor.post("/teams", TEAM), 403)
    for email in (DISPATCHER, h.LEAD_OF_ROADS, h.MEMBER_OF_ROADS):
        person = log_in(office.client, email)
        h.refused(office.client.get(f"{BASE}/admin/audit", headers=person), 403)


@pytest.mark.parametrize(
    "query", ["person=0", "person=x", "from=monday", "source=log", "limit=0", "cursor=x"]
)
def test_what_cannot_be_looked_for_is_refused(app: Flask, query: str) -> None:
    office = Office(app)
    answer = office.client.get(f"{BASE}/admin/audit?{query}", headers=office.headers)
    assert h.blamed(answer) == [query.partition("=")[0]]


@pytest.mark.parametrize("statement", ["UPDATE events SET seq = 9", "DELETE FROM events"])
def test_history_is_neither_changed_nor_removed(session: Session, statement: str) -> None:
    for one in (statement, "TRUNCATE events CASCADE"):
        with pytest.raises(IntegrityError, match="events is append-only"):
            session.execute(text(one))
        session.rollback()


def test_times_and_what_is_withheld_are_told_alike_by_ticket_and_audit(
    own_app: Flask, office: Office
) -> None:
    client = own_app.test_client()
    dispatcher = log_in(client)
    ticket = Resident(client).report()["ticket"]
    _, tag = read_ticket(client, ticket, dispatcher)
    wanted = {"location": h.DOCKS, "due_at": "2031-01-31T12:00:00+01:00"}
    headers = {**dispatcher, "If-Match": tag}
    path = f"{BASE}/tickets/{ticket}"
    assert client.patch(path, json=wanted, headers=headers).status_code == 200
    assert move(client, ticket, dispatcher, "waiting").status_code == 200

    events = read_ticket(client, ticket, dispatcher)[0]["events"]
    [changed] = [event["changes"] for event in events if event["kind"] == "changed"]
    told = {change["field"]: change for change in changed}
    assert told["location"] == {"field": "location"}
    assert told["due_at"]["to"] == "2031-01-31T11:00:00Z"
    assert re.fullmatch(h.MOMENT, told["due_at"]["from"])

    kept = {line["act"]: line["changes"] for line in everything(office, f"reference={ticket}")}
    assert re.fullmatch(h.MOMENT, kept["received"]["state"]["due_at"])
    changes = kept["changed"]["changes"]
    assert changes["due_at"] == [told["due_at"]["from"], told["due_at"]["to"]]
    assert not {"location", "address"} & changes.keys()
    assert "location" in kept["changed"]["withheld"]
    for name in ("audit.csv", "audit.jsonl"):
        whole = office.client.get(f"{BASE}/admin/{name}?reference={ticket}", headers=office.headers)
        assert "+00:00" not in whole.text


def test_a_ticket_sent_on_is_told_by_the_code_of_its_team(own_app: Flask, office: Office) -> None:
    client = own_app.test_client()
    dispatcher = log_in(client)
    ticket = Resident(client).report()["ticket"]
    _, tag = read_ticket(client, ticket, dispatcher)
    headers = {**dispatcher, "If-Match": tag}
    path = f"{BASE}/tickets/{ticket}"
    assert client.patch(path, json={"team": "reseaux"}, headers=headers).status_code == 200
    lines = everything(office, f"reference={ticket}&act=routed")
    assert [line["changes"]["team"] for line in lines] == ["reseaux", "voirie"]


def test_plans_third_parties_and_reasons_are_told_by_codes_and_times_in_utc(
    own_app: Flask, office: Office
) -> None:
    hook = {"url": "https://hooks.example.org/in", "events": ["ticket.planned"]}
    assert office.post("/webhooks", hook).status_code == 201
    client = own_app.test_client()
    dispatcher = log_in(client)
    ticket = Resident(client).report()["ticket"]
    party = h.read(client, "/third-parties", dispatcher)["items"][0]
    reason = h.read(client, "/close-reasons", dispatcher)["items"][0]
    at = "2031-07-31T14:00:00+02:00"
    for act, body in (
        ("plan", {"at": at}),
        ("plan", {"on": "2031-07-31"}),
        ("third-party", {"code": party["code"], "reason": "Leur réseau", "expected_at": at}),
        ("transitions", {"to": "resolved", "reason": reason["code"]}),
    ):
        _, tag = read_ticket(client, ticket, dispatcher)
        headers = {**dispatcher, "If-Match": tag}
        path = f"{BASE}/tickets/{ticket}/{act}"
        assert client.post(path, json=body, headers=headers).status_code == 200

    closed, handed, _, on_a_day, at_a_time = (
        line["changes"] for line in everything(office, f"reference={ticket}")[:5]
    )
    assert closed["close_reason"] == reason["code"]
    assert handed["third_party"] == party["code"]
    assert handed["expected"] == at_a_time["planned"] == "2031-07-31T12:00:00Z"
    assert on_a_day["planned"] == "2031-07-31"
    with h.parts_of(own_app).sessions() as session:
        first = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).first()
        assert first is not None
        assert b'"planned":"2031-07-31T12:00:00Z"' in bodies.compose(session, first, h.PUBLIC_URL)


def test_what_was_handed_back_or_merged_is_told_by_codes_and_references(
    own_app: Flask, office: Office
) -> None:
    client = own_app.test_client()
    dispatcher = log_in(client)
    one, other = (Resident(client).report() for _ in range(2))
    for act, body in (
        ("hand-back", {"reason": "Pas à nous"}),
        ("merge", {"into": other["ticket"]}),
    ):
        before, tag = read_ticket(client, one["ticket"], dispatcher)
        headers = {**dispatcher, "If-Match": tag}
        path = f"{BASE}/tickets/{one['ticket']}/{act}"
        assert client.post(path, json=body, headers=headers).status_code == 200
    merged, _, handed = (
        line["changes"] for line in everything(office, f"reference={one['ticket']}")[:3]
    )
    assert (handed["team"], handed["district"]) == ("voirie", before["district"]["code"])
    assert merged["reports"] == [one["reference"]]
