"""The rules that say which team answers: drafted, published as a whole, rolled back, and told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from infra.clock import now
from tests.api import help as h
from tests.api.test_administration import ADMIN, Office
from tests.resident import BASE, DISPATCHER, Resident, body_of, log_in, read_ticket

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLES = {"category": "nid-de-poule", "team": "reseaux"}
Rule = dict[str, Any]


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def draft(office: Office, *rules: Rule) -> dict[str, Any]:
    answer = office.post("/rulesets", {"rules": list(rules)})
    assert answer.status_code == 201, answer.text
    return body_of(answer)


def publish(office: Office, version: int, tag: str | None = None) -> TestResponse:
    tag = tag or office.get(f"/rulesets/{version}")["etag"]
    headers = {**office.headers, "If-Match": tag}
    return office.client.post(f"{ADMIN}/rulesets/{version}/publish", headers=headers)


def put_in_force(office: Office, *rules: Rule) -> dict[str, Any]:
    answer = publish(office, draft(office, *rules)["version"])
    assert answer.status_code == 200, answer.text
    return body_of(answer)


def decided(office: Office, language: str = "en", **members: Any) -> dict[str, Any]:
    """Return the decision about a new report."""
    view = Resident(office.client).report(**members)
    headers = {"Accept-Language": language}
    return h.read(office.client, f"/reports/{view['reference']}/decision", headers)


def test_a_draft_decides_nothing_until_it_is_published_and_can_be_taken_back(
    office: Office,
) -> None:
    [first] = office.get("/rulesets")["items"]
    written = draft(office, HOLES)
    assert (written["version"], written["published_at"], written["current"]) == (2, None, False)
    before = decided(office)
    assert (before["ruleset"], before["team"]["code"]) == (1, "voirie")

    published = body_of(publish(office, 2))
    assert published["current"]
    assert published["published_at"] is not None
    after = decided(office)
    assert (after["ruleset"], after["team"]["code"]) == (2, "reseaux")
    assert after["rule"]["text"] == "Pothole everywhere: Water and lighting team"

    assert body_of(publish(office, 1))["current"]
    assert [one["current"] for one in office.get("/rulesets")["items"]] == [False, True]
    again = decided(office)
    assert (again["ruleset"], again["team"]["code"]) == (1, "voirie")
    assert office.get("/rulesets/1")["published_at"] == first["published_at"]
    # Publishing what decides already is no second publication.
    tag = office.get("/rulesets/1")["etag"]
    assert body_of(publish(office, 1))["etag"] == tag


def test_a_draft_is_written_anew_until_it_is_published(office: Office) -> None:
    written = draft(office, HOLES)
    path = f"/rulesets/{written['version']}"
    same = office.put(path, written)
    assert body_of(same) == written
    more = body_of(office.change(path, rules=[HOLES, {"group": "eau", "team": "reseaux"}]))
    assert [rule["position"] for rule in more["rules"]] == [1, 2]
    assert more["etag"] == '"v2"'
    h.refused(office.put(path, written, written["etag"]), 412)
    h.refused(publish(office, written["version"], written["etag"]), 412)
    headers = office.headers
    h.refused(office.client.post(f"{ADMIN}{path}/publish", headers=headers), 428)
    assert publish(office, written["version"]).status_code == 200
    h.refused(office.change(path, rules=[]), 409)
    assert publish(office, 1).status_code == 200
    # What decided once stays what it was, in force or not.
    h.refused(office.change(path, rules=[]), 409)
    assert office.get(path)["rules"] == more["rules"]


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"team": "nobody"}, ["/rules/0/team"]),
        ({"team": None}, ["/rules/0/team"]),
        ({}, ["/rules/0/team"]),
        ({"team": "voirie", "category": "none"}, ["/rules/0/category"]),
        ({"team": "voirie", "group": "none"}, ["/rules/0/group"]),
        ({"team": "voirie", "group": "voirie", "category": "banc"}, ["/rules/0"]),
        ({"team": "voirie", "district": "nowhere"}, ["/rules/0/district"]),
        ({"team": "voirie", "kind": "wish"}, ["/rules/0/kind"]),
        ({"team": "voirie", "answers": {"taille": ["huge"]}}, ["/rules/0/answers/taille/0"]),
        ({"team": "voirie", "answers": {"taille": []}}, ["/rules/0/answers/taille"]),
        ({"team": "voirie", "answers": {"colour": ["red"]}}, ["/rules/0/answers/colour"]),
        (
            {"team": "voirie", "category": "banc", "answers": {"taille": ["grand"]}},
            ["/rules/0/answers/taille"],
        ),
        ({"team": "voirie", "hours": {"someday": []}}, ["/rules/0/hours/someday"]),
        ({"team": "voirie", "hours": {"monday": ["8-12"]}}, ["/rules/0/hours/monday/0"]),
        ({"team": "voirie", "hours": {"monday": ["12:00-08:00"]}}, ["/rules/0/hours/monday"]),
        ({"team": "voirie", "hours": {}}, ["/rules/0/hours"]),
        ({"team": "voirie", "first_day": "2026-02-30"}, ["/rules/0/first_day"]),
        ({"team": "voirie", "first_day": "2026-02-02", "last_day": "2026-02-01"}, ["/rules/0"]),
        ({"team": "voirie", "colour": "red"}, ["/rules/0/colour"]),
    ],
)
def test_a_rule_names_what_the_city_has(app: Flask, rule: Rule, wrong: list[str]) -> None:
    assert h.blamed(Office(app).post("/rulesets", {"rules": [rule]})) == wrong


def test_every_fault_of_a_draft_is_told_at_once(app: Flask) -> None:
    office = Office(app)
    rules = [{"team": "nobody"}, HOLES, {"team": "voirie", "category": "none", "district": "x"}]
    wrong = h.blamed(office.post("/rulesets", {"rules": rules}))
    assert sorted(wrong) == ["/rules/0/team", "/rules/2/category", "/rules/2/district"]
    french = {**office.headers, "Accept-Language": "fr"}
    answer = office.client.post(f"{ADMIN}/rulesets", json={"rules": rules[:1]}, headers=french)
    [fault] = h.refused(answer, 422)["errors"]
    assert "nobody" in fault["detail"]
    assert "there is" not in fault["detail"]


def test_what_leads_to_a_team_that_was_retired_is_not_published(office: Office) -> None:
    written = draft(office, HOLES, {"category": "banc", "team": "espaces-verts"})
    put_in_force(office, {"team": "accueil"})
    assert office.change("/teams/espaces-verts", retired=True).status_code == 200
    assert h.blamed(publish(office, written["version"])) == ["/rules/1/team"]
    assert decided(office)["team"]["code"] == "accueil"


def test_conditions_send_a_report_elsewhere(office: Office) -> None:
    today = now().astimezone(ZoneInfo("Europe/Paris")).date()
    anytime = {weekday: ["00:00-24:00"] for weekday in WEEKDAYS}
    put_in_force(
        office,
        {"category": "nid-de-poule", "team": "voirie"},
        {**HOLES, "answers": {"taille": ["moyen", "grand"]}},
        {"category": "nid-de-poule", "team": "accueil", "last_day": str(_before(today))},
        {"category": "depot-sauvage", "team": "voirie"},
        {
            "category": "depot-sauvage",
            "team": "reseaux",
            "answers": {"contenu": ["meubles"]},
            "hours": anytime,
            "first_day": str(_before(today)),
        },
    )
    for answers, team in (
        ({}, "voirie"),
        ({"taille": "petit"}, "voirie"),
        ({"taille": "grand"}, "reseaux"),
    ):
        assert decided(office, answers=answers)["team"]["code"] == team
    dumped = {"category": "depot-sauvage"}
    told = decided(office, **dumped, answers={"contenu": ["gravats", "meubles"]})
    assert told["team"]["code"] == "reseaux"
    assert decided(office, **dumped, answers={"contenu": ["gravats"]})["team"]["code"] == "voirie"
    where = {"latitude": 48.808882, "longitude": 2.212277, "category": "nid-de-poule"}
    answer = office.client.get(f"{BASE}/locate", query_string=where)
    assert body_of(answer)["team"]["code"] == "voirie"


def test_a_changed_category_is_decided_by_what_the_reporter_answered(office: Office) -> None:
    put_in_force(office, {"team": "voirie"}, {**HOLES, "answers": {"taille": ["grand"]}})
    view = Resident(office.client).report(answers={"taille": "grand"})
    dispatcher = log_in(office.client, DISPATCHER)
    for category, team in (("banc", "voirie"), ("nid-de-poule", "reseaux")):
        _, tag = read_ticket(office.client, view["ticket"], dispatcher)
        office.client.patch(
            f"{BASE}/tickets/{view['ticket']}",
            json={"category": category},
            headers={**dispatcher, "If-Match": tag},
        )
        ticket, _ = read_ticket(office.client, view["ticket"], dispatcher)
        assert ticket["team"]["code"] == team


SAID = [
    (
        {"kind": "idea"},
        "Pothole everywhere, if it is an idea: Water and lighting team",
        "Nid-de-poule, partout, si c'est une idée : Équipe eau et éclairage",
    ),
    (
        {"answers": {"taille": ["moyen", "grand"]}, "district": "bellevue"},
        "Pothole in Bellevue, if “How big is the hole?” is answered with “The size of a car wheel”"
        " or “Bigger”: Water and lighting team",
        "Nid-de-poule, quartier Bellevue, si la réponse à « Quelle est la taille du trou ? » est"
        " « Comme une roue de voiture » ou « Plus grand » : Équipe eau et éclairage",
    ),
    (
        {"hours": {"saturday": ["08:00-12:00", "14:00-24:00"], "sunday": ["00:00-24:00"]}},
        "Pothole everywhere, at these hours: Saturday 08:00-12:00 and 14:00-24:00,"
        " Sunday 00:00-24:00: Water and lighting team",
        "Nid-de-poule, partout, à ces heures : samedi 08:00-12:00 et 14:00-24:00,"
        " dimanche 00:00-24:00 : Équipe eau et éclairage",
    ),
    (
        {"hours": {day: ["00:00-06:00", "22:00-24:00"] for day in WEEKDAYS}},
        "Pothole everywhere, at these hours: every day 00:00-06:00 and 22:00-24:00:"
        " Water and lighting team",
        "Nid-de-poule, partout, à ces heures : tous les jours 00:00-06:00 et 22:00-24:00 :"
        " Équipe eau et éclairage",
    ),
    (
        {"hours": {**{day: ["08:00-17:00"] for day in WEEKDAYS[:5]}, "sunday": ["10:00-12:00"]}},
        "Pothole everywhere, at these hours: Monday to Friday 08:00-17:00, Sunday 10:00-12:00:"
        " Water and lighting team",
        "Nid-de-poule, partout, à ces heures : du lundi au vendredi 08:00-17:00,"
        " dimanche 10:00-12:00 : Équipe eau et éclairage",
    ),
    (
        {"hours": {"monday": []}},
        "Pothole everywhere, at no hour: Water and lighting team",
        "Nid-de-poule, partout, à aucune heure : Équipe eau et éclairage",
    ),
    (
        {"first_day": "2026-12-01", "last_day": "2026-12-01"},
        "Pothole everywhere, on December 1, 2026: Water and lighting team",
        "Nid-de-poule, partout, le 1er décembre 2026 : Équipe eau et éclairage",
    ),
    (
        {"first_day": "2026-12-01", "last_day": "2027-03-15"},
        "Pothole everywhere, from December 1, 2026 to March 15, 2027: Water and lighting team",
        "Nid-de-poule, partout, du 1er décembre 2026 au 15 mars 2027 : Équipe eau et éclairage",
    ),
    (
        {"first_day": "2026-12-01"},
        "Pothole everywhere, from December 1, 2026 on: Water and lighting team",
        "Nid-de-poule, partout, à partir du 1er décembre 2026 : Équipe eau et éclairage",
    ),
    (
        {"last_day": "2026-12-02"},
        "Pothole everywhere, until December 2, 2026: Water and lighting team",
        "Nid-de-poule, partout, jusqu'au 2 décembre 2026 : Équipe eau et éclairage",
    ),
]


@pytest.mark.parametrize(("conditions", "english", "french"), SAID)
def test_a_rule_reads_as_a_sentence(
    app: Flask, conditions: Rule, english: str, french: str
) -> None:
    office = Office(app)
    written = draft(office, {**HOLES, **conditions})
    assert written["rules"][0]["text"] == english
    headers = {**office.headers, "Accept-Language": "fr"}
    told = h.read(office.client, f"/admin/rulesets/{written['version']}", headers)
    assert told["rules"][0]["text"].replace("\N{NO-BREAK SPACE}", " ") == french


def test_an_old_decision_stays_true_when_the_rules_change(office: Office) -> None:
    put_in_force(office, {**HOLES, "answers": {"taille": ["grand"]}})
    view = Resident(office.client).report(answers={"taille": "grand"})
    path = f"/reports/{view['reference']}/decision"
    before = h.read(office.client, path, {"Accept-Language": "en"})
    assert "answered with “Bigger”" in before["rule"]["text"]
    category = office.get("/categories/nid-de-poule")
    [asked] = category["questions"]
    renamed = {**asked, "texts": {"fr": "?", "en": "?"}, "choices": asked["choices"][:2]}
    office.change("/categories/nid-de-poule", questions=[renamed], names={"fr": "Trou"})
    put_in_force(office, {"team": "accueil"})
    assert h.read(office.client, path, {"Accept-Language": "en"}) == before


def test_reports_that_arrive_while_rules_change_go_by_one_version(own_app: Flask) -> None:
    office = Office(own_app)
    teams = {2: "reseaux", 3: "accueil"}
    for team in teams.values():
        draft(office, {"category": "nid-de-poule", "team": team})
    publish(office, 2)
    over = Event()

    def report() -> list[dict[str, Any]]:
        client, views = own_app.test_client(), []
        while not over.is_set():
            views.append(Resident(client).report())
        return views

    with ThreadPoolExecutor() as pool:
        sending = [pool.submit(report) for _ in range(3)]
        for turn in range(10):
            assert publish(office, 3 - turn % 2).status_code == 200
        over.set()
        views = [view for one in sending for view in one.result()]
    seen = set()
    for view in views:
        told = h.read(office.client, f"/reports/{view['reference']}/decision")
        assert told["team"]["code"] == view["team"]["code"] == teams[told["ruleset"]]
        seen.add(told["ruleset"])
    assert seen == {2, 3}


def linted(office: Office, *rules: Rule) -> tuple[int, list[dict[str, Any]]]:
    version = draft(office, *rules)["version"]
    return version, office.get(f"/rulesets/{version}/lint")["items"]


def test_the_rules_of_the_demo_city_leave_nothing_odd_but_what_they_say(app: Flask) -> None:
    office = Office(app)
    rules = office.get("/rulesets/1")["rules"]
    _, found = linted(office, *rules, {"team": "accueil"})
    assert not [one for one in found if one["kind"] != "idle_team"]


def test_the_lint_of_a_draft_tells_what_is_odd_and_where(app: Flask) -> None:
    office = Office(app)
    version, found = linted(
        office,
        {"category": "nid-de-poule", "district": "bellevue", "team": "voirie"},
        {"category": "nid-de-poule", "district": "bellevue", "team": "reseaux"},
        {"category": "lampadaire", "kind": "idea", "team": "voirie"},
        {"group": "proprete", "team": "proprete", "hours": {"monday": ["08:00-12:00"]}},
        {"group": "eau", "team": "accueil", "last_day": "2020-01-01"},
        {"team": "voirie", "district": "bellevue"},
    )
    told = {
        (one["kind"], one["category"] or one["team"] or tuple(one["rules"])): one for one in found
    }
    assert told["tie", (1, 2)]["districts"] == ["bellevue"]
    assert told["tie", (1, 2)]["text"] == (
        "Rules 1 and 2 are as specific in Bellevue: only their order decides."
    )
    assert "stronger rules" in told["idle_rule", (2,)]["text"]
    assert "no report fits it" in told["idle_rule", (3,)]["text"]
    assert "last day is over" in told["idle_rule", (5,)]["text"]
    elsewhere = told["unreached", "nid-de-poule"]["districts"]
    assert "bellevue" not in elsewhere
    assert len(elsewhere) > 3
    conditional = told["conditional", "depot-sauvage"]
    assert conditional["districts"] == elsewhere
    assert "Monday" not in conditional["text"]
    assert {key for kind, key in told if kind == "idle_team"} >= {"reseaux", "espaces-verts"}
    # The team that takes the rest gets something in any case.
    assert ("idle_team", "accueil") not in told

    drawn = office.get(f"/rulesets/{version}/lint/map")["features"]
    [bellevue] = [one for one in drawn if one["properties"]["code"] == "bellevue"]
    assert bellevue["properties"]["findings"] == [
        {"kind": "tie", "category": None, "rules": [1, 2]}
    ]
    assert bellevue["geometry"]["type"] == "MultiPolygon"
    [other] = [one for one in drawn if one["properties"]["code"] == elsewhere[0]]
    kinds = {one["kind"] for one in other["properties"]["findings"]}
    assert kinds == {"unreached", "conditional"}


def test_what_is_odd_is_told_in_french_too(app: Flask) -> None:
    office = Office(app)
    version, _ = linted(office, {"category": "nid-de-poule", "team": "voirie"})
    headers = {**office.headers, "Accept-Language": "fr"}
    texts = {
        one["text"]
        for one in h.read(office.client, f"/admin/rulesets/{version}/lint", headers)["items"]
    }
    assert "Aucune règle qui puisse l'emporter ne mène à Équipe propreté." in texts


def test_the_audit_tells_who_drafted_and_who_published(office: Office) -> None:
    written = draft(office, HOLES)
    office.change(f"/rulesets/{written['version']}", rules=[HOLES, HOLES])
    publish(office, written["version"])
    told = [
        (entry["act"], entry["thing"]["reference"], entry["changes"])
        for entry in h.read(office.client, "/admin/audit", office.headers)["items"]
        if entry["thing"]["kind"] == "ruleset"
    ]
    assert told[:3] == [
        ("changed", "2", {"published": {"from": 1, "to": 2}}),
        ("changed", "2", {"rules": {"from": 1, "to": 2}}),
        ("added", "2", {"rules": {"from": None, "to": 1}}),
    ]


def test_only_administrators_write_rules(app: Flask) -> None:
    for email in (DISPATCHER, h.LEAD_OF_ROADS, h.MEMBER_OF_ROADS):
        other = Office(app, email)
        h.refused(other.post("/rulesets", {"rules": []}), 403)


def _before(day: date) -> date:
    return day - timedelta(days=1)
