"""What the desk reads of a decision: also the rules that did not fit, each with the reason why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from shapely import LineString
from sqlalchemy import text

from infra.clock import now
from reports.inbox.candidates import MOST_MISSES
from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_layers import SHAPES, put
from tests.api.test_rulesets import HOLES, WEEKDAYS, Rule, put_in_force
from tests.geo.drawers import written
from tests.resident import BASE, INSIDE, Resident, body_of, log_in, read_ticket
from tests.statements import asked_of

ENGLISH = {"Accept-Language": "en"}
HERE, ELSEWHERE = "bellevue", "centre-ville"
# About 7.3 m to the east of the spot.
ROAD = LineString([(INSIDE["longitude"] + 1e-4, INSIDE["latitude"] + y) for y in (-0.01, 0.01)])
OF_ROADS = {"category": "nid-de-poule", "team": "voirie"}
PARTS_OF_PUBLIC = {
    *("text", "decided_at", "ruleset", "district", "team", "rule", "certain"),
    *("border_distance_m", "candidates", "overridden"),
}


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


@pytest.fixture
def resident(office: Office) -> Resident:
    return Resident(office.client)


def to_the_desk(
    office: Office, view: Mapping[str, Any], language: str = "en", ticket: str | None = None
) -> dict[str, Any]:
    headers = {**log_in(office.client), "Accept-Language": language}
    return h.read(office.client, f"/tickets/{ticket or view['ticket']}/decision", headers)


def to_all(office: Office, view: Mapping[str, Any]) -> dict[str, Any]:
    return h.read(office.client, f"/reports/{view['reference']}/decision", ENGLISH)


def rules_of(decision: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in decision["candidates"] if one["kind"] == "rule"]


def reasons(decision: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what each rule is told by, and why it won or lost, in the order that they come in."""
    return [(one["name"].rpartition(": ")[0], one["reason"]) for one in rules_of(decision)]


def patch(office: Office, ticket: str, **wanted: Any) -> None:
    staff = log_in(office.client)
    _, tag = read_ticket(office.client, ticket, staff)
    headers = {**staff, "If-Match": tag}
    answer = office.client.patch(f"{BASE}/tickets/{ticket}", json=wanted, headers=headers)
    assert answer.status_code == 200, answer.text


def rules_that_miss() -> list[Rule]:
    today = now().astimezone(ZoneInfo("Europe/Paris")).date()
    in_two_days = WEEKDAYS[(today + timedelta(days=2)).weekday()]
    return [
        {**OF_ROADS, "district": ELSEWHERE},
        {**OF_ROADS, "kind": "idea"},
        {**OF_ROADS, "answers": {"taille": ["petit"]}},
        {**OF_ROADS, "hours": {in_two_days: ["00:00-24:00"]}},
        {**OF_ROADS, "last_day": str(today - timedelta(days=1))},
        {**OF_ROADS, "layer": "routes", "within_m": 5},
        {"group": "voirie", "team": "reseaux", "kind": "idea"},
    ]


def test_the_desk_reads_why_each_rule_won_or_lost(
    office: Office, resident: Resident, tmp_path: Path
) -> None:
    data = written(tmp_path, ".geojson", {"route": ROAD}, geometry_type="Unknown")
    assert put(office, data, "routes", role="reference").status_code == 201
    misses = rules_that_miss()
    others = [{"category": "arbre", "team": "proprete"}, {"group": "eau", "team": "reseaux"}]
    put_in_force(office, {"team": "accueil"}, *misses, HOLES, *others)
    view = resident.report(answers={"taille": "grand"})
    told, public = to_the_desk(office, view), to_all(office, view)
    assert told.keys() == PARTS_OF_PUBLIC | {"rules_considered"}
    assert told["rules_considered"] == len(misses) + 2
    assert {name: told[name] for name in PARTS_OF_PUBLIC - {"candidates"}} == {
        name: public[name] for name in PARTS_OF_PUBLIC - {"candidates"}
    }
    assert told["candidates"][: len(public["candidates"])] == public["candidates"]
    assert [one["taken"] for one in rules_of(told)] == [True] + [False] * (len(misses) + 1)
    fitted, rest = reasons(told)[:2], reasons(told)[2:]
    assert fitted == [
        ("Pothole everywhere", "It is the most specific rule that fits."),
        ("Everything everywhere", "It fits, but another rule is more specific."),
    ]
    # The strongest first, but what is for another district comes last.
    assert [(name.partition(",")[0], reason) for name, reason in rest] == [
        (
            "Pothole everywhere",
            "What it has to be near to was too far away, or not as it asks.",
        ),
        ("Pothole everywhere", "It is for another kind of report."),
        ("Pothole everywhere", "It asks for another answer than was given."),
        ("Pothole everywhere", "The report came outside its hours."),
        ("Pothole everywhere", "The report came outside its days."),
        ("Roads and getting around everywhere", "It is for another kind of report."),
        ("Pothole in Centre-Ville", "It is for another district."),
    ]
    assert "answered with “The size of a plate”" in rest[2][0]
    in_french = reasons(to_the_desk(office, view, "fr"))
    assert in_french[2][1].startswith("Ce dont il faut être proche était trop loin")
    assert in_french[-1][1] == "Elle vaut pour un autre quartier."


def test_where_there_is_no_district_no_rule_counts(office: Office, resident: Resident) -> None:
    put_in_force(office, HOLES, {**HOLES, "district": ELSEWHERE})
    told = to_the_desk(office, resident.report(location=h.IN_THE_HOLE))
    assert (told["rule"], told["rules_considered"]) == (None, 2)
    why = "The spot lies in none of the districts, so no rule counts."
    assert [reason for _, reason in reasons(told)] == [why, why]


def test_the_reasons_are_about_the_ticket_as_a_dispatcher_made_it(
    office: Office, resident: Resident
) -> None:
    put_in_force(
        office,
        {**HOLES, "district": HERE},
        {"category": "banc", "team": "proprete", "district": HERE},
        {"team": "accueil", "answers": {"taille": ["petit"]}},
        {"team": "accueil", "answers": {"taille": ["grand"]}},
    )
    view = resident.report(answers={"taille": "grand"})
    patch(office, view["ticket"], category="banc", location=h.CENTRE)
    told = to_the_desk(office, view)
    assert [(name.partition(",")[0], reason) for name, reason in reasons(told)] == [
        ("Everything everywhere", "It is the most specific rule that fits."),
        ("Everything everywhere", "It asks for another answer than was given."),
        ("Benches and street furniture in Bellevue", "It is for another district."),
    ]
    patch(office, view["ticket"], team="reseaux", reason="By telephone")
    again = to_the_desk(office, view)
    assert again["candidates"] == told["candidates"]
    assert again["overridden"]["reason"] == "By telephone"


def test_what_is_split_off_keeps_the_reasons_of_the_report_that_was_decided_for(
    office: Office, resident: Resident
) -> None:
    put_in_force(
        office,
        {"team": "accueil"},
        {**HOLES, "answers": {"taille": ["grand"]}},
        {**OF_ROADS, "answers": {"taille": ["petit"]}},
    )
    first = resident.report(answers={"taille": "grand"})
    second = resident.report(answers={"taille": "petit"}, same_as=first["ticket"])
    staff = log_in(office.client)
    _, tag = read_ticket(office.client, first["ticket"], staff)
    parted = office.client.post(
        f"{BASE}/tickets/{first['ticket']}/split",
        json={"reports": [second["reference"]]},
        headers={**staff, "If-Match": tag},
    )
    own = body_of(parted)["reference"]
    assert own != first["ticket"]
    told = to_the_desk(office, second, ticket=own)
    assert reasons(told) == reasons(to_the_desk(office, first))
    assert reasons(told)[-1][1] == "It asks for another answer than was given."


def test_a_decision_of_before_stays_true(office: Office, resident: Resident) -> None:
    put_in_force(
        office,
        {**HOLES, "district": HERE},
        {**OF_ROADS, "answers": {"taille": ["petit"]}},
        {"group": "voirie", "team": "voirie", "district": ELSEWHERE},
        {"group": "eau", "team": "voirie", "district": ELSEWHERE},
    )
    view = resident.report(answers={"taille": "grand"})
    public, told = to_all(office, view), to_the_desk(office, view)
    assert len(rules_of(told)) == told["rules_considered"] == 3

    put_in_force(office, {"team": "accueil"})
    assert office.change("/teams/reseaux", names={"fr": "?", "en": "?"}).status_code == 200
    category = office.get("/categories/nid-de-poule")
    changed = {**category, "names": {"fr": "Trou"}, "group": "eau", "questions": []}
    assert office.put("/categories/nid-de-poule", changed).status_code == 200
    _retire(office, HERE)
    assert resident.report()["district"] is None

    assert to_all(office, view) == public
    after = to_the_desk(office, view)
    fitted = len(public["candidates"])
    assert after["candidates"][:fitted] == told["candidates"][:fitted]
    assert after["rules_considered"] == 3
    assert [(one["code"], one["taken"], one["reason"]) for one in after["candidates"]] == [
        (one["code"], one["taken"], one["reason"]) for one in told["candidates"]
    ]
    # What did not fit is named as it is today, with the question that is asked no more.
    renamed, asked = reasons(after)[1][0].split(", if ")
    assert renamed == "Trou everywhere"
    assert asked == "“How big is the hole?” is answered with “The size of a plate”"


def _retire(office: Office, district: str) -> None:
    """Publish a map without the district."""
    layer = office.get("/layers/quartiers/versions/1")
    layer["features"] = [one for one in layer["features"] if one["properties"]["code"] != district]
    assert len(layer["features"]) == len(SHAPES) - 1
    answer = office.client.put(
        f"{BASE}/admin/layers/quartiers",
        json=layer,
        query_string={"code_field": "code", "name_field": "name"},
        headers={**office.headers, "If-Match": office.get("/layers/quartiers")["etag"]},
    )
    assert answer.status_code == 200, answer.text


def test_a_rule_that_would_fit_by_what_is_known_today_is_told_as_such(
    office: Office, resident: Resident
) -> None:
    put_in_force(office, HOLES, {"group": "eau", "team": "accueil"})
    view = resident.report()
    assert len(rules_of(to_the_desk(office, view))) == 1
    category = office.get("/categories/nid-de-poule")
    assert office.put("/categories/nid-de-poule", {**category, "group": "eau"}).status_code == 200
    # The group that a category was in then was not always kept.
    with h.parts_of(office.client.application).sessions.begin() as session:
        session.execute(text("UPDATE decisions SET record = record - 'group'"))
    told = to_the_desk(office, view)
    assert reasons(told)[1] == (
        "Water and sewers everywhere",
        "It did not fit then; what that depended on has changed since.",
    )


def test_thousands_of_rules_ask_no_more_than_a_few_and_are_not_all_told(
    office: Office, resident: Resident
) -> None:
    def told_of(*rules: Rule) -> tuple[dict[str, Any], int]:
        put_in_force(office, *rules)
        view = resident.report()
        staff = log_in(office.client)
        path = f"/tickets/{view['ticket']}/decision"
        with asked_of(h.parts_of(office.client.application).engine) as asked:
            told = h.read(office.client, path, {**staff, **ENGLISH})
        return told, len(asked)

    of_ideas = {**HOLES, "kind": "idea"}
    elsewhere = {**HOLES, "district": ELSEWHERE}
    few, asked = told_of(HOLES, elsewhere, of_ideas)
    assert (few["rules_considered"], len(rules_of(few))) == (3, 3)
    many, asked_of_many = told_of(*[elsewhere] * 1_500, HOLES, *[of_ideas] * 40)
    assert asked_of_many == asked <= 6
    assert many["rules_considered"] == 1_541
    reasons_told = [reason for _, reason in reasons(many)[1:]]
    assert len(reasons_told) == MOST_MISSES
    assert reasons_told[:40] == ["It is for another kind of report."] * 40
    assert set(reasons_told[40:]) == {"It is for another district."}
