"""The city's set-up by its administrators: validated as a city file is, audited, never deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from city.file_format import read_city_file
from city.loading import Loading
from city.models import Person
from infra.clock import now
from tests.api import help as h
from tests.conftest import DEMO
from tests.resident import BASE, DISPATCHER, Resident, body_of, log_in

ADMIN = f"{BASE}/admin"
TEAM = {"code": "nuit", "names": {"fr": "Équipe de nuit"}, "email": "nuit@beaurive.example"}
PERSON = {
    "email": "Nouvelle@Beaurive.example",
    "name": "Nour Vidal",
    "role": "team_member",
    "locale": "fr",
    "teams": ["voirie", "proprete"],
}
CATEGORY = {
    "code": "trottinette",
    "group": "voirie",
    "names": {"fr": "Trottinette gênante", "en": "Scooter in the way"},
    "descriptions": {"fr": "Elle barre le trottoir", "en": "It bars the pavement"},
    "kinds": ["problem"],
    "target_hours": 24,
    "questions": [
        {
            "code": "marque",
            "texts": {"fr": "Quelle marque ?"},
            "type": "choice",
            "choices": [{"code": "autre", "names": {"fr": "Autre"}}],
        }
    ],
}


class Office:
    """An administrator at work."""

    def __init__(self, app: Flask, email: str = h.ADMINISTRATOR) -> None:
        self.client = app.test_client()
        self.headers = log_in(self.client, email)

    def get(self, path: str) -> dict[str, Any]:
        return h.read(self.client, f"/admin{path}", self.headers)

    def post(self, path: str, body: dict[str, Any]) -> TestResponse:
        return self.client.post(f"{ADMIN}{path}", json=body, headers=self.headers)

    def put(self, path: str, body: dict[str, Any], tag: str | None = None) -> TestResponse:
        tag = tag or self.get(path)["etag"]
        headers = {**self.headers, "If-Match": tag}
        return self.client.put(f"{ADMIN}{path}", json=body, headers=headers)

    def change(self, path: str, **members: Any) -> TestResponse:
        """Send back what was read, with some members replaced."""
        return self.put(path, {**self.get(path), **members})

    def person(self, email: str) -> dict[str, Any]:
        [found] = [one for one in self.get("/people")["items"] if one["email"] == email]
        return dict(found)


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def test_a_team_is_added_changed_retired_and_taken_back(office: Office) -> None:
    added = office.post("/teams", TEAM)
    assert added.status_code == 201
    assert body_of(added) == {**TEAM, "calendar": None, "retired": False, "etag": '"v1"'}
    assert added.headers["ETag"] == '"v1"'
    assert office.get("/teams/nuit") == body_of(added)

    changed = office.change("/teams/nuit", names={"fr": "Nuit", "en": "Night"})
    assert body_of(changed)["names"] == {"fr": "Nuit", "en": "Night"}
    assert body_of(changed)["etag"] == changed.headers["ETag"] == '"v2"'

    assert body_of(office.change("/teams/nuit", retired=True))["retired"] is True
    assert {team["code"]: team["retired"] for team in office.get("/teams")["items"]}["nuit"]
    h.refused(office.post("/teams", TEAM), 409)
    assert body_of(office.change("/teams/nuit", retired=False))["retired"] is False


def test_a_change_needs_the_version_that_was_read(office: Office) -> None:
    path, body = f"{ADMIN}/teams/voirie", office.get("/teams/voirie")
    h.refused(office.client.put(path, json=body, headers=office.headers), 428)
    assert office.put("/teams/voirie", body).status_code == 200
    assert office.get("/teams/voirie")["etag"] == body["etag"]
    assert office.change("/teams/voirie", email="a@beaurive.example").status_code == 200
    h.refused(office.put("/teams/voirie", body, body["etag"]), 412)
    h.refused(office.put("/teams/voirie", {"bad": 1}, body["etag"]), 412)


def test_of_changes_at_once_one_wins(own_app: Flask) -> None:
    tag = Office(own_app).get("/teams/voirie")["etag"]
    offices = [Office(own_app) for _ in range(4)]

    def change(number: int) -> int:
        mail = f"team{number}@beaurive.example"
        body = {"names": {"fr": "Voirie", "en": "Roads"}, "email": mail}
        return offices[number].put("/teams/voirie", body, tag).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(change, range(4))) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"code": "Night!"}, ["/code"]),
        ({"names": {}}, ["/names"]),
        ({"names": {"en": "Night"}}, ["/names"]),
        ({"names": {"fr": " "}}, ["/names"]),
        ({"names": {"fr": "Nuit", "klingon": "x"}}, ["/names/klingon"]),
        ({"names": {"fr": 5}}, ["/names/fr"]),
        ({"names": "Nuit"}, ["/names"]),
        ({"email": "nobody"}, ["/email"]),
        ({"email": None}, ["/email"]),
        ({"retired": "no"}, ["/retired"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
def test_a_team_is_held_to_the_rules_of_city_files(
    app: Flask, changes: dict[str, Any], wrong: list[str]
) -> None:
    assert h.blamed(Office(app).post("/teams", {**TEAM, **changes})) == wrong


def test_faults_are_told_in_the_language_of_the_caller(app: Flask) -> None:
    office = Office(app)
    office.headers["Accept-Language"] = "fr"
    problem = h.refused(office.post("/teams", {**TEAM, "names": {"en": "Night"}}), 422)
    assert problem["errors"] == [{"pointer": "/names", "detail": "n'a pas de texte en 'fr'"}]


def test_a_code_stays_what_it_is(app: Flask) -> None:
    assert h.blamed(Office(app).change("/teams/voirie", code="roads")) == ["/code"]


@pytest.mark.parametrize("path", ["/teams/nobody", "/teams/%00", "/groups/x", "/categories/x"])
def test_what_is_not_set_up_is_not_there(app: Flask, path: str) -> None:
    office = Office(app)
    h.refused(office.client.get(f"{ADMIN}{path}", headers=office.headers), 404)
    h.refused(office.put(path, {}, '"v1"'), 404)
    h.refused(office.client.get(f"{ADMIN}/people/{2**70}", headers=office.headers), 404)


def test_a_team_that_is_needed_cannot_be_retired(office: Office) -> None:
    fallback = h.refused(office.change("/teams/accueil", retired=True), 409)
    assert fallback["type"].endswith("fallback-team")
    named = h.refused(office.change("/teams/voirie", retired=True), 409)
    assert named["type"].endswith("team-of-rules")
    assert not office.get("/teams/voirie")["retired"]


def test_a_new_category_can_be_reported_and_a_retired_one_no_more(
    own_app: Flask, office: Office
) -> None:
    added = body_of(office.post("/categories", CATEGORY))
    assert added["public"] is True
    assert added["priority"] == "normal"
    assert added["questions"][0]["required"] is False
    resident = Resident(own_app.test_client())
    sent = resident.report(category="trottinette", answers={"marque": "autre"})
    assert sent["team"]["code"] == "voirie"

    assert office.change("/categories/trottinette", questions=[]).status_code == 200
    assert office.get("/categories/trottinette")["questions"] == []
    back = office.change("/categories/trottinette", questions=CATEGORY["questions"])
    assert body_of(back)["questions"] == added["questions"]
    assert office.change("/categories/trottinette", retired=True).status_code == 200
    body = {"kind": "problem", "category": "trottinette", "description": "?"}
    again = resident.client.post(f"{BASE}/reports", json={**body, "location": h.CENTRE})
    assert h.blamed(again) == ["/category"]
    assert h.read(resident.client, f"/reports/{sent['reference']}")["category"]["code"] == (
        "trottinette"
    )


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"group": "nothing"}, ["/group"]),
        ({"kinds": []}, ["/kinds"]),
        ({"kinds": ["wish"]}, ["/kinds/0"]),
        ({"priority": "soon"}, ["/priority"]),
        ({"target_hours": 0}, ["/target_hours"]),
        ({"target_hours": "24"}, ["/target_hours"]),
        ({"public": 1}, ["/public"]),
        ({"questions": [{**CATEGORY["questions"][0], "type": "text"}]}, ["/questions/0"]),  # type: ignore[index]
        ({"questions": CATEGORY["questions"] * 2}, [""]),  # type: ignore[operator]
        (
            {"questions": [{"code": "a", "texts": {"en": "?"}, "type": "text"}]},
            ["/questions/0/texts"],
        ),
    ],
)
def test_a_category_is_held_to_the_rules_of_city_files(
    app: Flask, changes: dict[str, Any], wrong: list[str]
) -> None:
    assert h.blamed(Office(app).post("/categories", {**CATEGORY, **changes})) == wrong


def test_a_group_with_categories_stays_in_use(office: Office) -> None:
    h.refused(office.change("/groups/voirie", retired=True), 409)
    added = office.post("/groups", {"code": "plages", "names": {"fr": "Plages"}})
    assert body_of(added)["position"] > office.get("/groups/voirie")["position"]
    assert office.change("/groups/plages", retired=True).status_code == 200
    assert h.blamed(office.post("/categories", {**CATEGORY, "group": "plages"})) == ["/group"]


def test_a_person_is_added_moved_and_leaves(own_app: Flask, office: Office) -> None:
    added = office.post("/people", PERSON)
    person = body_of(added)
    assert added.status_code == 201
    assert person["email"] == "nouvelle@beaurive.example"
    assert person["teams"] == ["proprete", "voirie"]
    assert (person["password_set"], person["second_factor"]) == (False, False)

    path = f"/people/{person['id']}"
    moved = body_of(office.change(path, teams=["reseaux"], role="team_lead"))
    assert (moved["teams"], moved["role"], moved["etag"]) == (["reseaux"], "team_lead", '"v2"')
    assert body_of(office.change(path, teams=[]))["etag"] == '"v3"'
    assert body_of(office.change(path, retired=True))["retired"] is True
    invitation = office.client.post(f"{ADMIN}{path}/invitation", headers=office.headers)
    h.refused(invitation, 409)


def test_who_is_retired_is_out_and_stays_out_when_taken_back(own_app: Flask) -> None:
    office, client = Office(own_app), own_app.test_client()
    theirs = log_in(client, h.MEMBER_OF_ROADS)
    path = f"/people/{office.person(h.MEMBER_OF_ROADS)['id']}"
    assert office.change(path, retired=True).status_code == 200
    h.refused(client.get(f"{BASE}/tickets", headers=theirs), 401)
    assert office.change(path, retired=False).status_code == 200
    h.refused(client.get(f"{BASE}/tickets", headers=theirs), 401)
    log_in(client, h.MEMBER_OF_ROADS)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"email": "nobody"}, ["/email"]),
        ({"name": None}, ["/name"]),
        ({"name": " "}, ["/name"]),
        ({"name": "a\nb"}, ["/name"]),
        ({"role": "mayor"}, ["/role"]),
        ({"locale": "xx"}, ["/locale"]),
        ({"teams": ["voirie", "nobody"]}, ["/teams/1"]),
        ({"teams": "voirie"}, ["/teams"]),
        ({"password": "beaurive-demo"}, ["/password"]),
        ({"initial_password": "beaurive-demo"}, ["/initial_password"]),
    ],
)
def test_a_person_is_held_to_the_rules_of_city_files(
    app: Flask, changes: dict[str, Any], wrong: list[str]
) -> None:
    assert h.blamed(Office(app).post("/people", {**PERSON, **changes})) == wrong


def test_an_address_belongs_to_one_person(office: Office) -> None:
    taken = h.refused(office.post("/people", {**PERSON, "email": DISPATCHER.upper()}), 409)
    assert taken["type"].endswith("email-taken")
    path = f"/people/{office.person(h.AUDITOR)['id']}"
    h.refused(office.change(path, email=DISPATCHER), 409)
    assert office.get(path)["email"] == h.AUDITOR


@pytest.mark.parametrize("change", [{"retired": True}, {"role": "dispatcher"}])
def test_the_last_administrator_stays(
    own_app: Flask, office: Office, change: dict[str, Any]
) -> None:
    path = f"/people/{office.person(h.ADMINISTRATOR)['id']}"
    refused = h.refused(office.change(path, **change), 409)
    assert refused["type"].endswith("last-administrator")
    other = f"/people/{office.person(h.AUDITOR)['id']}"
    assert office.change(other, role="administrator").status_code == 200
    assert office.change(path, **change).status_code == 200


def test_who_was_invited_but_never_came_is_no_administrator_to_rely_on(office: Office) -> None:
    assert office.post("/people", {**PERSON, "role": "administrator"}).status_code == 201
    path = f"/people/{office.person(h.ADMINISTRATOR)['id']}"
    h.refused(office.change(path, retired=True), 409)


def test_of_two_last_administrators_one_stays(own_app: Flask) -> None:
    first = Office(own_app)
    path = f"/people/{first.person(h.AUDITOR)['id']}"
    assert first.change(path, role="administrator").status_code == 200
    second = Office(own_app, h.AUDITOR)
    mine = f"/people/{first.person(h.ADMINISTRATOR)['id']}"
    bodies = [(first, mine, first.get(mine)), (second, path, second.get(path))]

    def retire(one: tuple[Office, str, dict[str, Any]]) -> int:
        office, whose, body = one
        return office.put(whose, {**body, "retired": True}, body["etag"]).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(retire, bodies)) == [200, 409]
    with h.parts_of(own_app).sessions() as session:
        left = select(Person).where(Person.role == "administrator", Person.retired_at.is_(None))
        assert len(session.scalars(left).all()) == 1


def test_a_retired_team_takes_nobody_new(own_app: Flask, office: Office) -> None:
    assert office.post("/teams", TEAM).status_code == 201
    person = body_of(office.post("/people", {**PERSON, "teams": ["nuit"]}))
    assert office.change("/teams/nuit", retired=True).status_code == 200
    other = {**PERSON, "email": "autre@beaurive.example", "teams": ["nuit"]}
    assert h.blamed(office.post("/people", other)) == ["/teams/0"]
    # Who is in it already can still be changed in other ways.
    kept = body_of(office.change(f"/people/{person['id']}", name="Nour V."))
    assert kept["teams"] == ["nuit"]


def test_loading_a_file_makes_what_was_read_stale(own_app: Flask, office: Office) -> None:
    person, team = office.person(h.AUDITOR), office.get("/teams/voirie")
    city = read_city_file(DEMO)
    people = [
        one.model_copy(update={"locale": "en"}) if one.email == h.AUDITOR else one
        for one in city.people
    ]
    with h.parts_of(own_app).sessions.begin() as session:
        Loading(session, city.model_copy(update={"people": people}), now()).run()
    h.refused(office.put(f"/people/{person['id']}", person, person["etag"]), 412)
    assert office.put("/teams/voirie", team, team["etag"]).status_code == 200
