"""Vague positions: a report goes to the district that it most likely lies in, and says so."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from tests.api import help as h
from tests.conftest import DEMO
from tests.resident import BASE, Resident, body_of, read_ticket

ENGLISH = {"Accept-Language": "en"}
FRENCH = {"Accept-Language": "fr"}
PLACES = yaml.safe_load((DEMO.parent / "places.yaml").read_text("utf-8"))
VAGUE_M = 700


@pytest.fixture
def corner(client: FlaskClient) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return a place in a corner, what is told of it exactly, and what if it is vague."""
    luck = Random(11)
    while True:
        place = {"latitude": luck.uniform(48.79, 48.84), "longitude": luck.uniform(2.19, 2.28)}
        exact, vague = (locate(client, place, metres) for metres in (0, VAGUE_M))
        if exact["certain"] and vague["district"] not in (None, exact["district"]):
            return place, exact, vague


def locate(client: FlaskClient, place: dict[str, float], accuracy_m: float) -> dict[str, Any]:
    at = f"latitude={place['latitude']}&longitude={place['longitude']}"
    path = f"/locate?{at}&accuracy_m={accuracy_m}&category=nid-de-poule"
    return h.read(client, path, ENGLISH)


def test_the_likeliest_is_the_one_that_is_named(corner: Any) -> None:
    _, exact, vague = corner
    assert vague["certain"] is False
    [first, second, *_] = vague["candidates"]
    assert (first["district"], first["share"] > second["share"]) == (vague["district"], True)
    assert exact["district"] in [one["district"] for one in vague["candidates"]]
    assert first["district"]["name"] in vague["question"]


def test_a_report_goes_where_it_most_likely_lies(
    client: FlaskClient, resident: Resident, corner: Any
) -> None:
    place, exact, vague = corner
    sent = resident.report(place={**place, "accuracy_m": VAGUE_M})
    assert sent["district"]["code"] == vague["district"]["code"]
    assert sent["team"]["code"] == vague["team"]["code"]
    told = h.read(client, f"/reports/{sent['reference']}/decision", ENGLISH)
    assert told["certain"] is False
    assert f"most likely lies in {vague['district']['name']}." in told["text"]
    reasons = {
        one["code"]: (one["taken"], one["reason"])
        for one in told["candidates"]
        if one["kind"] == "district"
    }
    assert reasons[vague["district"]["code"]] == (
        True,
        "The position is vague; this is where it most likely lies.",
    )
    assert reasons[exact["district"]["code"]] == (
        False,
        "The position is vague; it may lie here too, but that is less likely.",
    )
    french = h.read(client, f"/reports/{sent['reference']}/decision", FRENCH)
    assert "vraisemblablement" in french["text"]


def test_a_circle_that_meets_many_districts_tells_little(
    client: FlaskClient, resident: Resident, corner: Any
) -> None:
    place, _, _ = corner
    sent = resident.report(place={**place, "accuracy_m": 4_000})
    told = h.read(client, f"/reports/{sent['reference']}/decision", ENGLISH)
    count = sum(one["kind"] == "district" for one in told["candidates"])
    assert count > 3
    assert told["text"].startswith(
        f"The position is too vague to say where: of {count} districts that it may lie in,"
        f" the likeliest is {sent['district']['name']}."
    )
    assert "border is close" not in told["text"]


def test_the_desk_finds_it_and_a_pin_ends_the_doubt(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], corner: Any
) -> None:
    place, exact, vague = corner
    sent = resident.report(place={**place, "accuracy_m": VAGUE_M})
    listed = h.read(client, "/tickets?uncertain=true&limit=100", dispatcher)
    assert sent["ticket"] in [one["reference"] for one in listed["items"]]

    # Of another category it most likely lies where it did.
    _, tag = read_ticket(client, sent["ticket"], dispatcher)
    url, headers = f"{BASE}/tickets/{sent['ticket']}", {**dispatcher, "If-Match": tag}
    other = body_of(client.patch(url, json={"category": "lampadaire"}, headers=headers))
    assert (other["uncertain"], other["district"]["code"]) == (True, vague["district"]["code"])

    _, tag = read_ticket(client, sent["ticket"], dispatcher)
    pin = {**place, "latitude": place["latitude"] + 1e-7}
    headers = {**dispatcher, "If-Match": tag}
    pinned = body_of(client.patch(url, json={"location": pin}, headers=headers))
    assert (pinned["uncertain"], pinned["district"]["code"]) == (False, exact["district"]["code"])


@pytest.mark.parametrize("accuracy_m", [3, 8, 15, 30])
def test_known_places_keep_their_district_however_vague_a_phone_is(
    client: FlaskClient, accuracy_m: float
) -> None:
    found = [
        (place["note"], place["latitude"], locate(client, place, accuracy_m)["district"])
        for place in PLACES
    ]
    assert [(*one, district and district["code"]) for *one, district in found] == [
        (place["note"], place["latitude"], place["district"]) for place in PLACES
    ]
