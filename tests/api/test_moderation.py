"""Moderation: what is hidden is gone for the public, and stays for those who work on it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.api.conftest import LogIn
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, read_ticket

WHY = {"reason": "On reconnaît une voisine."}


@pytest.fixture
def view(app: Flask, resident: Resident) -> dict[str, Any]:
    """Return a report with a photo that has been processed."""
    sent = resident.report()
    assert resident.put_photo(sent, photo_samples.jpeg(64, 48)).status_code == 201
    h.render_photos(app, sent["reference"])
    return h.read(resident.client, f"/reports/{sent['reference']}") | {
        "tracking_token": sent["tracking_token"]
    }


def test_a_hidden_report_is_gone_until_it_is_shown(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str]
) -> None:
    path = f"{BASE}/reports/{view['reference']}"
    picture = view["photos"][0]["urls"]["320"]["jpg"].removeprefix(h.PUBLIC_URL)
    own = bearer(view["tracking_token"])
    answer = client.post(f"{path}/hide", json=WHY, headers=dispatcher)
    assert answer.status_code == 200, answer.text
    assert body_of(answer) == {"reference": view["reference"], "visibility": "hidden"}
    h.refused(client.get(path), 404)
    h.refused(client.get(path, headers=own), 410)
    h.refused(client.get(picture), 410)
    assert client.get(picture, headers=dispatcher).status_code == 200
    listed = h.read(client, f"/reports?created_after={view['created_at']}")["items"]
    assert view["reference"] not in h.references(listed)

    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert ticket["reports"][0]["visibility"] == "hidden"
    event = ticket["events"][-1]
    assert (event["kind"], event["public"], event["reason"]) == ("hidden", False, WHY["reason"])
    # Once more is harmless, and writes nothing.
    assert client.post(f"{path}/hide", json=WHY, headers=dispatcher).status_code == 200
    assert read_ticket(client, view["ticket"], dispatcher)[0]["events"] == ticket["events"]

    assert client.post(f"{path}/show", headers=dispatcher).status_code == 200
    shown = h.read(client, f"/reports/{view['reference']}")
    changing = {"updated_at", "tracking_token"}
    assert {k: shown[k] for k in shown.keys() - changing} == {
        k: view[k] for k in view.keys() - changing
    }


def test_a_hidden_photo_is_gone_and_its_report_stays(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str], as_person: LogIn
) -> None:
    (photo,) = view["photos"]
    picture = photo["urls"]["320"]["jpg"].removeprefix(h.PUBLIC_URL)
    path = f"{BASE}/photos/{photo['id']}"
    answer = client.post(f"{path}/hide", json=WHY, headers=dispatcher)
    assert body_of(answer) == {"id": photo["id"], "visibility": "hidden"}
    assert h.read(client, f"/reports/{view['reference']}")["photos"] == []
    h.refused(client.get(picture), 410)
    seen = client.get(picture, headers=dispatcher)
    assert seen.status_code == 200
    assert "private" in seen.headers["Cache-Control"]

    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert ticket["photos"] == []
    assert ticket["reports"][0]["hidden_photos"] == [photo]
    assert client.post(f"{path}/show", json={}, headers=dispatcher).status_code == 200
    assert h.read(client, f"/reports/{view['reference']}")["photos"] == [photo]
    assert client.get(picture).status_code == 200
    audit = f"/admin/audit?reference={view['ticket']}&act=photo_added,photo_hidden,photo_shown"
    lines = h.read(client, audit, as_person(h.AUDITOR))["items"]
    assert [line["changes"]["photo"] for line in lines] == [photo["id"]] * 3


def test_only_dispatchers_moderate(
    client: FlaskClient, view: dict[str, Any], as_person: LogIn, dispatcher: dict[str, str]
) -> None:
    before = read_ticket(client, view["ticket"], dispatcher)
    for thing in (f"reports/{view['reference']}", f"photos/{view['photos'][0]['id']}"):
        path = f"{BASE}/{thing}/hide"
        h.refused(client.post(path, json=WHY), 401)
        h.refused(client.post(path, json=WHY, headers=bearer(view["tracking_token"])), 404)
        for person in (h.LEAD_OF_ROADS, h.MEMBER_OF_ROADS, h.AUDITOR, h.ADMINISTRATOR):
            h.refused(client.post(path, json=WHY, headers=as_person(person)), 403)
        assert h.blamed(client.post(path, json={}, headers=dispatcher)) == ["/reason"]
    for missing in ("reports/7KM-2QX-94B", "reports/nope", f"photos/{uuid4()}"):
        h.refused(client.post(f"{BASE}/{missing}/hide", json=WHY, headers=dispatcher), 404)
    assert read_ticket(client, view["ticket"], dispatcher) == before
