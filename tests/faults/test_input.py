"""Faults of input: each gets a clear answer and loses nothing. Numbers as in the list of faults."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import DEMO
from tests.resident import BASE, INSIDE, Resident, bearer, body_of, log_in, problem_at

REPORTS = f"{BASE}/reports"


def _send_raw(client: FlaskClient, body: bytes | str, **options: Any) -> TestResponse:
    options.setdefault("content_type", "application/json")
    return client.post(REPORTS, data=body, **options)


def _pointers(answer: TestResponse) -> set[str]:
    assert answer.mimetype == "application/problem+json"
    return {fault.get("pointer", "") for fault in body_of(answer).get("errors", [])}


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 100_000 + "]" * 100_000, id="deep"),
        pytest.param('{"a":' * 50_000 + "1" + "}" * 50_000, id="deep object"),
        pytest.param('{"location": {"latitude": ' + "9" * 5_000 + "}}", id="huge integer"),
        pytest.param('{"kind": "problem"', id="cut off"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param("", id="nothing"),
    ],
)
def test_06_a_body_that_is_no_json_is_400(client: FlaskClient, body: bytes | str) -> None:
    answer = _send_raw(client, body)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


@pytest.mark.fault(6)
def test_06_a_deep_answer_with_a_key_is_400(client: FlaskClient) -> None:
    answers = "[" * 977 + "]" * 977
    body = json.dumps(problem_at(answers={"taille": "x"})).replace('"x"', answers)
    answer = _send_raw(client, body, headers={"Idempotency-Key": "deep"})
    assert answer.status_code == 400


@pytest.mark.fault(6)
def test_06_a_large_integer_that_json_can_hold_is_422(client: FlaskClient) -> None:
    location = {"latitude": 10**400, "longitude": 2.2}
    answer = _send_raw(client, json.dumps(problem_at(location)))
    assert answer.status_code == 422
    assert _pointers(answer) == {"/location/latitude"}


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_07_a_wrong_content_type_is_415(client: FlaskClient, content_type: str) -> None:
    answer = _send_raw(client, json.dumps(problem_at()), content_type=content_type)
    assert answer.status_code == 415


@pytest.mark.fault(8)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("axis", ["latitude", "longitude", "accuracy_m"])
def test_08_no_number_as_a_coordinate_is_422(client: FlaskClient, number: str, axis: str) -> None:
    place = {**{key: str(value) for key, value in INSIDE.items()}, axis: number}
    location = ",".join(f'"{key}": {value}' for key, value in place.items())
    body = json.dumps(problem_at()).replace(json.dumps(INSIDE), "{" + location + "}")
    answer = _send_raw(client, body)
    assert answer.status_code == 422
    assert _pointers(answer) == {f"/location/{axis}"}
    assert client.get(f"{BASE}/locate?latitude={number}&longitude=2").status_code == 422


@pytest.mark.fault(9)
@pytest.mark.parametrize(("language", "hint"), [("en", "swapped"), ("fr", "invers")])
def test_09_swapped_coordinates_are_422_with_a_hint(
    client: FlaskClient, language: str, hint: str
) -> None:
    swapped = {"latitude": INSIDE["longitude"], "longitude": INSIDE["latitude"]}
    answer = client.post(REPORTS, json=problem_at(swapped), headers={"Accept-Language": language})
    assert answer.status_code == 422
    assert _pointers(answer) == {"/location"}
    assert hint in body_of(answer)["detail"]


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("axis", "value"),
    [("latitude", 91), ("latitude", -90.001), ("longitude", 181), ("longitude", -180.5)],
)
def test_10_a_place_off_the_globe_is_422(client: FlaskClient, axis: str, value: float) -> None:
    answer = client.post(REPORTS, json=problem_at({**INSIDE, axis: value}))
    assert answer.status_code == 422
    assert _pointers(answer) == {f"/location/{axis}"}


@pytest.mark.fault(11)
@pytest.mark.parametrize("longitude", [180, -180])
def test_11_the_antimeridian_is_a_place_like_others(client: FlaskClient, longitude: float) -> None:
    where = client.get(f"{BASE}/locate?latitude=0&longitude={longitude}")
    assert where.status_code == 200
    assert body_of(where)["jurisdiction"] is None


@pytest.mark.fault(12)
def test_12_a_point_on_a_border_gets_the_same_district_every_time(resident: Resident) -> None:
    places = yaml.safe_load((DEMO.parent / "places.yaml").read_text("utf-8"))
    borders = [place for place in places if place["note"] == "on a border"]
    assert borders
    for place in borders:
        border = {axis: place[axis] for axis in ("latitude", "longitude")}
        codes = {resident.report(location=border)["district"]["code"] for _ in range(3)}
        assert codes == {place["district"]}


@pytest.mark.fault(13)
def test_13_out_of_area_is_422_and_names_the_city_nearby(client: FlaskClient) -> None:
    near = client.post(REPORTS, json=problem_at({"latitude": 48.9, "longitude": 2.3}))
    assert near.status_code == 422
    assert _pointers(near) == {"/location"}
    assert "Beaurive-sur-Seine" in body_of(near)["detail"]
    far = client.post(REPORTS, json=problem_at({"latitude": -33.9, "longitude": 151.2}))
    assert far.status_code == 422
    assert "Beaurive" not in body_of(far)["detail"]


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    ("path", "member"),
    [("/reports", "description"), ("messages", "text"), ("notes", "text")],
)
def test_24_a_text_over_its_limit_is_422(
    client: FlaskClient, resident: Resident, path: str, member: str
) -> None:
    for length, expected in ((4_000, 201), (4_001, 422)):
        answer = _write(client, resident, path, member, "é" * length)
        assert answer.status_code == expected, answer.text
    assert _pointers(answer) == {f"/{member}"}


@pytest.mark.fault(25)
@pytest.mark.parametrize("text", ["before\0after", "\ud800", "a\udfffb"])
@pytest.mark.parametrize(
    ("path", "member"),
    [("/reports", "description"), ("messages", "text"), ("notes", "text")],
)
def test_25_text_that_cannot_be_stored_is_422(
    client: FlaskClient, resident: Resident, path: str, member: str, text: str
) -> None:
    answer = _write(client, resident, path, member, text)
    assert answer.status_code == 422
    assert _pointers(answer) == {f"/{member}"}


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    "body",
    [
        {"address": "a\0b"},
        {"contact": {"name": "\ud83d"}},
        {"answers": {"a\0": "x"}},
        {"answers": {"taille": ["\0"]}},
        {"locale": "\0"},
        {"same_as": "T-\0"},
        {"category": "\0"},
    ],
)
def test_25_no_member_lets_it_through(client: FlaskClient, body: dict[str, Any]) -> None:
    assert _send_raw(client, json.dumps(problem_at(**body))).status_code == 422


@pytest.mark.fault(25)
@pytest.mark.parametrize("query", ["q=%00", "category=a%00", "district=%00", "cursor=%00"])
def test_25_no_parameter_lets_it_through(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{REPORTS}?{query}")
    assert answer.status_code == 422
    assert body_of(answer)["errors"][0]["parameter"] == query.split("=")[0]


@pytest.mark.fault(25)
def test_25_a_nul_in_a_path_or_a_login_is_no_500(client: FlaskClient) -> None:
    assert client.get(f"{REPORTS}/%00").status_code == 404
    login = {"email": "a\0@example.org", "password": "x"}
    assert client.post(f"{BASE}/sessions", json=login).status_code == 422


@pytest.mark.fault(33)
def test_33_another_teams_ticket_is_404_without_effect(
    client: FlaskClient, resident: Resident
) -> None:
    sent = resident.report()
    ticket = f"{BASE}/tickets/{sent['ticket']}"
    dispatcher = log_in(client)
    before = client.get(ticket, headers=dispatcher)
    stranger = log_in(client, "chef.proprete@beaurive.example")

    assert client.get(ticket, headers=stranger).status_code == 404
    change = {"to": "declined", "reason": "x", "public_message": "y"}
    headers = {**stranger, "If-Match": before.headers["ETag"]}
    assert client.post(f"{ticket}/transitions", json=change, headers=headers).status_code == 404
    assert client.post(f"{ticket}/notes", json={"text": "x"}, headers=stranger).status_code == 404
    listed = client.get(f"{BASE}/tickets?q={sent['ticket']}", headers=stranger)
    assert body_of(listed)["items"] == []
    assert client.get(ticket, headers=dispatcher).json == before.json


@pytest.mark.fault(35)
def test_35_a_repeated_post_gets_the_same_answer(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "phone-1"}
    first = client.post(REPORTS, json=problem_at(), headers=headers)
    again = client.post(REPORTS, json=problem_at(), headers=headers)
    other = client.post(REPORTS, json=problem_at(description="Autre."), headers=headers)

    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert first.headers["Location"] == again.headers["Location"]
    assert other.status_code == 422
    fresh = client.post(REPORTS, json=problem_at(), headers={"Idempotency-Key": "phone-2"})
    assert body_of(fresh)["reference"] != body_of(first)["reference"]


def _write(
    client: FlaskClient, resident: Resident, path: str, member: str, text: str
) -> TestResponse:
    if path == "/reports":
        return _send_raw(client, json.dumps(problem_at(None, **{member: text})))
    sent = resident.report()
    if path == "messages":
        url, headers = f"{REPORTS}/{sent['reference']}/messages", bearer(sent["tracking_token"])
    else:
        url, headers = f"{BASE}/tickets/{sent['ticket']}/notes", log_in(client)
    body = json.dumps({member: text})
    return client.post(url, data=body, content_type="application/json", headers=headers)


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    "email",
    [
        "=?utf-8?q?x=40evil.org=2C_y?=@example.org",
        "=?utf-8?q?x=0D=0ABcc=3A_evil=40x.org?=@example.org",
        "a@example.org, b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "Camille <a@example.org>",
    ],
)
def test_29_an_address_is_one_address(client: FlaskClient, email: str) -> None:
    answer = client.post(REPORTS, json=problem_at(contact={"email": email}))
    assert answer.status_code == 422
    assert _pointers(answer) == {"/contact/email"}


@pytest.mark.fault(29)
@pytest.mark.parametrize("name", ["a\r\nb", "a\n", "\tb", "\x85"])
def test_29_a_name_is_one_line(client: FlaskClient, name: str) -> None:
    answer = client.post(REPORTS, json=problem_at(contact={"name": name}))
    assert answer.status_code == 422
    assert _pointers(answer) == {"/contact/name"}
