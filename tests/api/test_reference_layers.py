"""Roads, parks and what else rules ask a report to be near to: brought, asked about, replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from shapely import LineString, Point, box
from werkzeug.test import TestResponse

from city.file_format import read_city_file
from city.loading import Loading
from infra.clock import now
from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_layers import publish, put, whole
from tests.api.test_rulesets import decided, draft, put_in_force
from tests.conftest import DEMO
from tests.geo.drawers import written
from tests.resident import BASE, DISPATCHER, INSIDE, Resident, body_of, log_in, read_ticket

X, Y = INSIDE["longitude"], INSIDE["latitude"]
# About 7.3 m to the east of the spot, and 11 m to its north.
DEPARTMENT = LineString([(X + 1e-4, Y - 0.01), (X + 1e-4, Y + 0.01)])
CITY = LineString([(X - 0.01, Y + 1e-4), (X + 0.01, Y + 1e-4)])
ROADS = {"departement": DEPARTMENT, "ville": CITY}
HOLES = {"category": "nid-de-poule", "layer": "routes", "within_m": 15, "team": "reseaux"}
OF_DEPARTMENT = {**HOLES, "where": {"nom": ["Departement"]}}


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def bring(
    office: Office, folder: Path, shapes: dict[str, Any], suffix: str = ".geojson", **query: Any
) -> TestResponse:
    data = written(folder, suffix, shapes, geometry_type="Unknown")
    return put(office, data, "routes", role="reference", **query)


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".fgb"])
def test_the_owner_of_the_nearest_road_decides(office: Office, tmp_path: Path, suffix: str) -> None:
    answer = bring(office, tmp_path, ROADS, suffix)
    assert answer.status_code == 201, answer.text
    told = body_of(answer)
    assert (told["features"], told["problems"], told["published"]) == (2, [], True)
    put_in_force(office, {"team": "voirie"}, OF_DEPARTMENT)
    found = decided(office)
    assert found["team"]["code"] == "reseaux"
    assert found["rule"]["text"] == (
        "Pothole everywhere, within 15 m of “routes” whose nom is “Departement”:"
        " Water and lighting team"
    )
    assert "The nearest of “routes” is 7 m away." in found["text"]
    # Nearer to the city's road, though the other is within the distance as well.
    beside = {"latitude": Y + 0.8e-4, "longitude": X}
    assert decided(office, location=beside)["team"]["code"] == "voirie"
    far = {"latitude": Y, "longitude": X - 2e-4}
    assert decided(office, location=far)["team"]["code"] == "voirie"
    spot = {**INSIDE, "category": "nid-de-poule"}
    where = body_of(office.client.get(f"{BASE}/locate", query_string=spot))
    assert where["team"]["code"] == "reseaux"


def test_what_is_nearer_goes_before_a_district_and_areas_hold_what_is_in_them(
    office: Office, tmp_path: Path
) -> None:
    bring(office, tmp_path, {"parc": box(X - 1e-4, Y - 1e-4, X + 1e-4, Y + 1e-4)})
    district = Resident(office.client).report()["district"]["code"]
    of_place = {"category": "nid-de-poule", "district": district, "team": "voirie"}
    put_in_force(office, of_place, {**HOLES, "within_m": 0})
    found = decided(office)
    assert found["team"]["code"] == "reseaux"
    assert "in “routes”" in found["rule"]["text"]
    outside = {"latitude": Y, "longitude": X + 1.1e-4}
    assert decided(office, location=outside)["team"]["code"] == "voirie"


def test_a_new_version_says_what_would_move_and_can_be_taken_back(
    office: Office, tmp_path: Path
) -> None:
    bring(office, tmp_path, {"ville": CITY})
    put_in_force(office, {"team": "voirie"}, OF_DEPARTMENT)
    before = Resident(office.client).report()
    assert before["team"]["code"] == "voirie"
    told = body_of(bring(office, tmp_path, ROADS, publish="false"))
    assert (told["version"], told["published"]) == (2, False)
    assert told["moved"]["tickets"] >= told["moved"]["teams"] >= 1
    assert decided(office)["team"]["code"] == "voirie"
    assert body_of(publish(office, 2, "routes"))["published"]
    assert decided(office)["team"]["code"] == "reseaux"
    ticket, _ = read_ticket(office.client, before["ticket"], log_in(office.client, DISPATCHER))
    assert ticket["team"]["code"] == "voirie"
    publish(office, 1, "routes")
    assert decided(office)["team"]["code"] == "voirie"
    [layer] = [one for one in office.get("/layers")["items"] if one["code"] == "routes"]
    assert [(one["features"], one["current"]) for one in layer["versions"]] == [
        (2, False),
        (1, True),
    ]
    drawn = office.get("/layers/routes/versions/2")["features"]
    assert [one["properties"]["code"] for one in drawn] == ["departement", "ville"]
    assert drawn[0]["geometry"]["type"] == "LineString"


def test_a_moved_pin_is_decided_by_what_is_near_there(office: Office, tmp_path: Path) -> None:
    bring(office, tmp_path, ROADS)
    put_in_force(office, {"team": "voirie"}, OF_DEPARTMENT)
    far = {"latitude": Y, "longitude": X - 2e-4}
    view = Resident(office.client).report(location=far)
    dispatcher = log_in(office.client, DISPATCHER)
    _, tag = read_ticket(office.client, view["ticket"], dispatcher)
    answer = office.client.patch(
        f"{BASE}/tickets/{view['ticket']}",
        json={"location": INSIDE},
        headers={**dispatcher, "If-Match": tag},
    )
    assert body_of(answer)["team"]["code"] == "reseaux"


def test_what_a_rule_asks_of_a_layer_has_to_make_sense(office: Office, tmp_path: Path) -> None:
    def wrong(**members: Any) -> list[str]:
        return h.blamed(office.post("/rulesets", {"rules": [{"team": "voirie", **members}]}))

    assert wrong(layer="routes") == ["/rules/0/layer"]
    # The districts are no reference layer: a rule names one of them.
    assert wrong(layer="quartiers") == ["/rules/0/layer"]
    bring(office, tmp_path, ROADS)
    assert wrong(within_m=5) == ["/rules/0"]
    assert wrong(where={"nom": ["a"]}) == ["/rules/0"]
    assert wrong(layer="routes", within_m=-1) == ["/rules/0/within_m"]
    assert wrong(layer="routes", within_m=1e9) == ["/rules/0/within_m"]
    assert wrong(layer="routes", where={"nom": []}) == ["/rules/0/where/nom"]
    assert wrong(layer="routes", where={"nom": [5]}) == ["/rules/0/where/nom/0"]
    written_rules = draft(office, OF_DEPARTMENT)["rules"]
    assert (written_rules[0]["within_m"], written_rules[0]["where"]) == (
        15,
        {"nom": ["Departement"]},
    )


def test_a_layer_keeps_its_role_and_lies_in_the_city(office: Office, tmp_path: Path) -> None:
    bring(office, tmp_path, ROADS)
    before = office.get("/layers")
    data = written(tmp_path, ".geojson", ROADS)
    h.refused(put(office, whole(tmp_path), "routes", role="service"), 409)
    h.refused(put(office, data, "quartiers", role="reference"), 409)
    far = {"far": Point(X + 40, Y)}
    [fault] = h.refused(bring(office, tmp_path, far), 422)["errors"]
    assert "lies in the city" in fault["detail"]
    assert office.get("/layers") == before


def test_the_lint_knows_that_a_layer_does_not_reach_everywhere(
    office: Office, tmp_path: Path
) -> None:
    bring(office, tmp_path, ROADS)
    version = draft(
        office,
        {**HOLES, "team": "voirie"},
        OF_DEPARTMENT,
        {**HOLES, "within_m": 20},
    )["version"]
    found = office.get(f"/rulesets/{version}/lint")["items"]
    told = {(one["kind"], one["category"] or tuple(one["rules"])) for one in found}
    assert ("conditional", "nid-de-poule") in told
    # All are as specific, and the second asks for more than the first, which goes before it.
    assert ("idle_rule", (2,)) in told
    assert {("tie", (1, 2)), ("tie", (1, 3))} <= told


def test_the_lint_tells_of_a_layer_that_nothing_can_be_near_to(
    office: Office, tmp_path: Path
) -> None:
    bring(office, tmp_path, ROADS, publish="false")
    version = draft(office, {"team": "voirie"}, OF_DEPARTMENT, HOLES)["version"]

    def told(locale: str = "en") -> set[tuple[tuple[int, ...], str]]:
        headers = {**office.headers, "Accept-Language": locale}
        found = h.read(office.client, f"/admin/rulesets/{version}/lint", headers)["items"]
        return {(tuple(one["rules"]), one["text"]) for one in found if one["kind"] == "idle_rule"}

    why = "is out of use or no version of it is published."
    never = {((rule,), f"Rule {rule} can never win: the layer “routes” {why}") for rule in (2, 3)}
    assert told() == never
    assert all("la couche «\u00a0routes\u00a0»" in text for _, text in told("fr"))
    publish(office, 1, "routes")
    assert told() == set()
    # The city's file names no such layer.
    with h.parts_of(office.client.application).sessions.begin() as session:
        Loading(session, read_city_file(DEMO), now()).run()
    assert told() == never


def test_the_audit_tells_who_brought_a_layer(office: Office, tmp_path: Path) -> None:
    bring(office, tmp_path, ROADS)
    entries = [
        entry
        for entry in h.read(office.client, "/admin/audit", office.headers)["items"]
        if entry["thing"]["reference"] == "routes"
    ]
    assert [entry["act"] for entry in entries] == ["changed", "changed", "added"]


def test_a_layer_is_called_what_residents_understand(office: Office, tmp_path: Path) -> None:
    bring(office, tmp_path, ROADS)
    rule = {"category": "nid-de-poule", "layer": "routes", "within_m": 15.5, "team": "reseaux"}
    version = draft(office, rule)["version"]
    names = {"fr": "Routes de la ville", "en": "City roads"}
    refused = office.client.put(
        f"{BASE}/admin/layers/routes/names", json={"names": names}, headers=office.headers
    )
    assert refused.status_code == 428
    tag = office.get("/layers/routes")["etag"]

    def put(body: Any, tag: str) -> TestResponse:
        headers = {**office.headers, "If-Match": tag}
        return office.client.put(f"{BASE}/admin/layers/routes/names", json=body, headers=headers)

    assert h.blamed(put({"names": {"en": "City roads"}}, tag)) == ["/names"]
    assert h.blamed(put({"names": {"fr": " "}}, tag)) == ["/names"]
    renamed = put({"names": names}, tag)
    assert (renamed.status_code, body_of(renamed)["names"]) == (200, names)
    as_it_came = body_of(renamed)
    assert put(as_it_came, as_it_came["etag"]).status_code == 200
    assert put({"names": names}, tag).status_code == 412
    told = office.get(f"/rulesets/{version}")["rules"][0]["text"]
    assert "within 15.5 m of “City roads”" in told
    in_french = {**office.headers, "Accept-Language": "fr"}
    french = h.read(office.client, f"/admin/rulesets/{version}", in_french)["rules"][0]["text"]
    said = french.replace("\N{NO-BREAK SPACE}", " ")
    assert "à 15,5 m au plus de « Routes de la ville »" in said
    bring(office, tmp_path, {**ROADS, "autre": ROADS["departement"]})
    assert office.get("/layers/routes")["names"] == names
    newest = h.read(office.client, "/admin/audit", office.headers)["items"]
    changes = next(one["changes"] for one in newest if "names" in (one["changes"] or {}))
    assert changes["names"] == {"from": {"fr": "routes"}, "to": names}


def test_the_lint_tells_of_properties_that_nothing_has(office: Office, tmp_path: Path) -> None:
    bring(office, tmp_path, ROADS)
    about = {"category": "nid-de-poule", "layer": "routes", "within_m": 15, "team": "reseaux"}
    version = draft(
        office,
        {**about, "where": {"nom": ["Departement", "Etat"]}},
        {**about, "where": {"nom": ["departement"]}},
        {**about, "where": {"zzz": ["1"]}},
    )["version"]
    found = office.get(f"/rulesets/{version}/lint")["items"]
    assert [(one["rules"], one["text"]) for one in found if one["kind"] == "idle_rule"] == [
        (
            [number],
            f"Rule {number} can never win: nothing in the layer “routes” has the properties that it"
            " asks for.",
        )
        for number in (2, 3)
    ]
