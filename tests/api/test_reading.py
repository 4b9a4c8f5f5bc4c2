"""Reading a report: its public view, its history, its decision, and who sees none of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, INSIDE, Resident, bearer, move, read_ticket

FRENCH = {"Accept-Language": "fr"}
ENGLISH = {"Accept-Language": "en-GB, fr;q=0.2"}
CONTACT = {"name": "Camille Secret", "email": "camille.secret@example.org", "phone": "0612345678"}


def test_the_public_view_holds_nothing_more(client: FlaskClient, resident: Resident) -> None:
    view = resident.report(
        place={**INSIDE, "accuracy_m": 123.25}, contact=CONTACT, answers={"taille": "grand"}
    )
    answer = client.get(f"{BASE}/reports/{view['reference']}")
    assert answer.status_code == 200
    assert answer.json is not None
    assert set(answer.json) == h.PUBLIC_VIEW
    assert set(answer.json["location"]) == {"latitude", "longitude"}
    for secret in (*CONTACT.values(), "123.25", view["tracking_token"], "grand"):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "spell", [str.lower, lambda text: text.replace("-", ""), lambda text: text.replace("-", " ")]
)
def test_a_reference_may_be_typed_in_many_ways(resident: Resident, spell: Any) -> None:
    view = resident.report()
    found = h.read(resident.client, f"/reports/{spell(view['reference'])}")
    assert found["reference"] == view["reference"]


@pytest.mark.parametrize("part", ["", "/events", "/decision"])
@pytest.mark.parametrize("reference", ["7KM-3QX-9PG", "nonsense", "-", "T-7KM-3QX-9PG", "é" * 300])
def test_unknown_and_malformed_references_lead_nowhere(
    client: FlaskClient, reference: str, part: str
) -> None:
    h.refused(client.get(f"{BASE}/reports/{reference}{part}"), 404)


def test_one_wrong_character_is_noticed(client: FlaskClient, resident: Resident) -> None:
    reference = resident.report()["reference"]
    other = reference[:-1] + ("0" if reference[-1] != "0" else "1")
    h.refused(client.get(f"{BASE}/reports/{other}"), 404)


def test_the_tickets_reference_is_no_reports(client: FlaskClient, resident: Resident) -> None:
    h.refused(client.get(f"{BASE}/reports/{resident.report()['ticket']}"), 404)


def test_status_and_words_follow_the_ticket(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    path = f"/reports/{view['reference']}"
    told = {h.read(client, path, FRENCH)["status_text"]}
    for status in ("accepted", "in_progress", "waiting", "resolved"):
        moved = move(client, view["ticket"], dispatcher, status, public_message=f"Dit: {status}")
        assert moved.status_code == 200
        now = h.read(client, path, FRENCH)
        assert now["status"] == status
        assert now["public_message"] == f"Dit: {status}"
        told.add(now["status_text"])
        assert now["status_text"] != h.read(client, path, ENGLISH)["status_text"]
    assert len(told) == 5
    closed = h.read(client, path)
    assert re.fullmatch(h.MOMENT, closed["closed_at"])
    assert closed["closed_at"] == closed["updated_at"] > closed["created_at"]
    move(client, view["ticket"], dispatcher, "reopened")
    reopened = h.read(client, path)
    assert reopened["closed_at"] is reopened["public_message"] is None


def test_events_tell_the_public_part_in_words(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report(contact=CONTACT)
    token = bearer(view["tracking_token"])
    path = f"/reports/{view['reference']}"
    client.post(f"{BASE}{path}/messages", json={"text": "Lettre à l'équipe"}, headers=token)
    note = {"text": "Note entre nous"}
    client.post(f"{BASE}/tickets/{view['ticket']}/notes", json=note, headers=dispatcher)
    answered = {"reason": "Motif entre nous", "public_message": "C'est réparé."}
    assert move(client, view["ticket"], dispatcher, "resolved", **answered).status_code == 200
    client.delete(f"{BASE}{path}/contact", headers=token)

    french, english = (
        h.read(client, f"{path}/events", language)["items"] for language in (FRENCH, ENGLISH)
    )
    for items in (french, english):
        assert [item["kind"] for item in items] == ["received", "routed", "status"]
        assert [item["by"] for item in items] == ["resident", "city", "city"]
        assert [item["status"] for item in items] == ["received", None, "resolved"]
        assert all(set(item) == {"at", "kind", "by", "text", "status"} for item in items)
        assert all(re.fullmatch(h.MOMENT, item["at"]) for item in items)
        assert [item["at"] for item in items] == sorted(item["at"] for item in items)
        assert "C'est réparé." in items[-1]["text"]
        assert "entre nous" not in str(items)
        assert "Lettre" not in str(items)
        assert "Claude Marchand" not in str(items)
    assert "Équipe voirie" in french[1]["text"]
    assert "Roads team" in english[1]["text"]
    assert all(one["text"] != other["text"] for one, other in zip(french, english, strict=True))


def test_the_decision_says_why(client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    path = f"/reports/{view['reference']}/decision"
    french, english = h.read(client, path, FRENCH), h.read(client, path, ENGLISH)
    for decision in (french, english):
        assert set(decision) == {
            "text",
            "decided_at",
            "ruleset",
            "district",
            "team",
            "rule",
            "certain",
            "border_distance_m",
            "candidates",
            "overridden",
        }
        assert decision["decided_at"] == view["created_at"]
        assert decision["ruleset"] == 1
        assert decision["district"]["code"] == "bellevue"
        assert decision["team"]["code"] == "voirie"
        assert isinstance(decision["rule"]["id"], str)
        assert decision["certain"] is True
        assert decision["border_distance_m"] >= 50
        assert decision["overridden"] is None
        assert [(one["kind"], one["taken"]) for one in decision["candidates"]] == [
            ("district", True),
            ("rule", True),
        ]
        for one in decision["candidates"]:
            assert set(one) == {"kind", "code", "name", "taken", "reason"}
            assert all(one[name] for name in ("code", "name", "reason"))
        for name in (decision["district"]["name"], decision["team"]["name"]):
            assert name in decision["text"]
        assert decision["rule"]["text"] in decision["text"]
    assert french["text"] != english["text"]
    assert french["candidates"][0]["reason"] != english["candidates"][0]["reason"]


def test_a_more_specific_rule_wins_and_the_other_is_told(resident: Resident) -> None:
    view = resident.report(place=h.ISLAND)
    decision = h.read(resident.client, f"/reports/{view['reference']}/decision")
    assert decision["team"]["code"] == view["team"]["code"] == "espaces-verts"
    rules = [one for one in decision["candidates"] if one["kind"] == "rule"]
    assert [rule["taken"] for rule in rules] == [True, False]
    assert rules[0]["reason"] != rules[1]["reason"]


def test_a_border_is_told_and_left_open(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report(place=h.ON_A_BORDER)
    decision = h.read(client, f"/reports/{view['reference']}/decision")
    districts = [one for one in decision["candidates"] if one["kind"] == "district"]
    assert [one["taken"] for one in districts] == [True] + [False] * (len(districts) - 1)
    assert len(districts) >= 2
    assert decision["district"]["code"] == "bellevue"
    assert decision["certain"] is False
    assert decision["border_distance_m"] < 1
    assert read_ticket(client, view["ticket"], dispatcher)[0]["uncertain"] is True


def test_a_spot_in_no_district_goes_to_the_fallback(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report(place=h.IN_THE_HOLE)
    assert view["district"] is None
    assert view["team"]["code"] == "accueil"
    decision = h.read(client, f"/reports/{view['reference']}/decision")
    assert decision["district"] is decision["rule"] is decision["border_distance_m"] is None
    assert decision["candidates"] == []
    assert decision["team"]["name"] in decision["text"]
    assert read_ticket(client, view["ticket"], dispatcher)[0]["unrouted"] is True


def test_a_private_category_is_for_its_reporter_alone(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    word = h.a_word()
    view = resident.report(**h.PRIVATE, description=f"Une dame semble perdue {word}")
    reference, token = view["reference"], bearer(view["tracking_token"])
    stranger = bearer(resident.report()["tracking_token"])
    assert resident.put_photo(view, photo_samples.jpeg(64, 48)).status_code == 201
    h.render_photos(app, reference)
    (photo,) = h.read(client, f"/reports/{reference}", token)["photos"]
    picture = f"/photos/{photo['id']}/320.jpg"

    for path in (
        f"/reports/{reference}",
        f"/reports/{reference}/events",
        f"/reports/{reference}/decision",
        picture,
    ):
        h.refused(client.get(BASE + path), 404)
        h.refused(client.get(BASE + path, headers=stranger), 404)
        answer = client.get(BASE + path, headers=token)
        assert answer.status_code == 200
        assert "public" not in answer.headers["Cache-Control"]
    for query in (f"q={word}", "category=personne-en-difficulte"):
        assert h.read(client, f"/reports?{query}")["items"] == []
        assert h.read(client, f"/reports?{query}", token)["items"] == []
    page = client.get(f"/r/{reference}")
    assert page.status_code == 404
    assert word not in page.text


def test_staff_see_a_private_photo_if_the_ticket_is_theirs(
    app: Flask, client: FlaskClient, resident: Resident, as_person: Any
) -> None:
    view = resident.report(**h.PRIVATE)
    resident.put_photo(view, photo_samples.jpeg(64, 48))
    h.render_photos(app, view["reference"])
    token = bearer(view["tracking_token"])
    (photo,) = h.read(client, f"/reports/{view['reference']}", token)["photos"]
    path = f"{BASE}/photos/{photo['id']}/320.jpg"
    assert client.get(path, headers=as_person(h.AUDITOR)).status_code == 200
    h.refused(client.get(path, headers=as_person(h.LEAD_OF_ROADS)), 404)


def test_a_hidden_report_is_gone_for_its_reporter_and_unknown_to_others(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    word = h.a_word()
    view = resident.report(description=word)
    h.hide_report(app, view["reference"])
    token = bearer(view["tracking_token"])
    for part in ("", "/events", "/decision"):
        path = f"{BASE}/reports/{view['reference']}{part}"
        h.refused(client.get(path), 404)
        h.refused(client.get(path, headers=token), 410)
    assert h.read(client, f"/reports?q={word}")["items"] == []
    message = f"{BASE}/reports/{view['reference']}/messages"
    h.refused(client.post(message, json={"text": "?"}, headers=token), 410)
