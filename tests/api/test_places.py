"""Categories of a place, and where a place lies."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.resident import BASE, INSIDE

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}
ENGLISH = {"Accept-Language": "en"}


def _at(place: dict[str, float]) -> str:
    return f"latitude={place['latitude']}&longitude={place['longitude']}"


@pytest.mark.parametrize("query", [f"?{_at(INSIDE)}", "", "?jurisdiction=beaurive"])
def test_categories_come_with_all_that_a_form_needs(client: FlaskClient, query: str) -> None:
    items = h.read(client, f"/categories{query}", ENGLISH)["items"]
    assert len(items) == 19
    for item in items:
        assert set(item) == {
            "code",
            "name",
            "description",
            "group",
            "kinds",
            "public",
            "questions",
        }
        assert set(item["group"]) == {"code", "name"}
        assert item["kinds"]
        assert set(item["kinds"]) <= {"problem", "idea", "compliment"}
        for question in item["questions"]:
            assert set(question) == {"code", "text", "type", "required", "choices"}
            offers = question["type"] in {"choice", "choices"}
            assert bool(question["choices"]) is offers
    types = {question["type"] for item in items for question in item["questions"]}
    assert types == {"text", "number", "datetime", "choice", "choices"}
    assert [item["code"] for item in items if not item["public"]] == ["personne-en-difficulte"]


def test_categories_speak_the_callers_language(client: FlaskClient) -> None:
    french, english = (
        {item["code"]: item for item in h.read(client, "/categories", language)["items"]}
        for language in (FRENCH, ENGLISH)
    )
    assert french["lampadaire"]["name"] == "Lampadaire en panne"
    assert english["lampadaire"]["name"] == "Street light out"
    assert french["lampadaire"]["group"]["name"] == "Éclairage et feux"
    asked = english["lampadaire"]["questions"][0]
    assert asked["text"] == "What is wrong?"
    assert {"code": "eteint", "name": "It is out"} in asked["choices"]


@pytest.mark.parametrize(
    ("given", "missing"), [("latitude", "longitude"), ("longitude", "latitude")]
)
def test_half_a_position_is_refused(client: FlaskClient, given: str, missing: str) -> None:
    answer = client.get(f"{BASE}/categories?{given}=2")
    assert h.blamed(answer) == [missing]


def test_categories_of_no_city_are_refused(client: FlaskClient) -> None:
    h.refused(client.get(f"{BASE}/categories?{_at(h.FAR_AWAY)}"), 422)
    h.refused(client.get(f"{BASE}/categories?jurisdiction=nowhere"), 404)


@pytest.mark.parametrize("path", ["/categories", "/locate"])
@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("latitude=91&longitude=2", ["latitude"]),
        ("latitude=48.8&longitude=180.1", ["longitude"]),
        ("latitude=north&longitude=east", ["latitude", "longitude"]),
        ("latitude=nan&longitude=inf", ["latitude", "longitude"]),
        ("latitude=&longitude=2", ["latitude"]),
    ],
)
def test_numbers_that_are_no_place_are_refused(
    client: FlaskClient, path: str, query: str, wrong: list[str]
) -> None:
    assert h.blamed(client.get(f"{BASE}{path}?{query}")) == wrong


def test_locating_needs_a_place(client: FlaskClient) -> None:
    assert h.blamed(client.get(f"{BASE}/locate")) == ["latitude", "longitude"]
    place = _at(INSIDE)
    assert h.blamed(client.get(f"{BASE}/locate?{place}&accuracy_m=-1")) == ["accuracy_m"]
    assert h.blamed(client.get(f"{BASE}/locate?{place}&accuracy_m=wide")) == ["accuracy_m"]
    assert h.blamed(client.get(f"{BASE}/locate?{place}&category=volcan")) == ["category"]


def test_a_spot_inside_has_one_district_and_no_doubt(client: FlaskClient) -> None:
    found = h.read(client, f"/locate?{_at(INSIDE)}&accuracy_m=8", ENGLISH)
    assert found == {
        "jurisdiction": {"code": "beaurive", "name": "Beaurive-sur-Seine"},
        "district": found["district"],
        "team": None,
        "certain": True,
        "candidates": [{"district": found["district"], "share": 1.0}],
        "question": None,
        "nearest": None,
    }
    assert found["district"]["code"] == "bellevue"
    assert set(found["district"]) == {"code", "name"}


def test_a_category_names_the_team(client: FlaskClient) -> None:
    at = f"/locate?{_at(INSIDE)}&category=nid-de-poule"
    assert h.read(client, at, ENGLISH)["team"] == {"code": "voirie", "name": "Roads team"}
    assert h.read(client, at, FRENCH)["team"] == {"code": "voirie", "name": "Équipe voirie"}
    on_island = h.read(client, f"/locate?{_at(h.ISLAND)}&category=nid-de-poule")
    assert on_island["team"]["code"] == "espaces-verts"


@pytest.mark.parametrize("place", [h.ON_A_BORDER, {**h.ON_A_BORDER, "longitude": 2.21880001}])
def test_a_border_leaves_a_doubt_and_asks(client: FlaskClient, place: dict[str, float]) -> None:
    found = h.read(client, f"/locate?{_at(place)}&accuracy_m=25", FRENCH)
    assert found["certain"] is False
    assert len(found["candidates"]) >= 2
    assert sum(one["share"] for one in found["candidates"]) == pytest.approx(1, abs=0.01)
    shares = [one["share"] for one in found["candidates"]]
    assert shares == sorted(shares, reverse=True)
    for one in found["candidates"][:2]:
        assert one["district"]["name"] in found["question"]


def test_a_border_gives_the_same_district_each_time(client: FlaskClient) -> None:
    found = [h.read(client, f"/locate?{_at(h.ON_A_BORDER)}") for _ in range(3)]
    assert {one["district"]["code"] for one in found} == {"bellevue"}
    assert not any(one["certain"] for one in found)
    assert all(one["question"] for one in found)


def test_a_vague_phone_makes_any_spot_uncertain(client: FlaskClient) -> None:
    found = h.read(client, f"/locate?{_at(INSIDE)}&accuracy_m=3000")
    assert found["certain"] is False
    assert len(found["candidates"]) > 2


def test_the_hole_is_in_the_city_but_in_no_district(client: FlaskClient) -> None:
    found = h.read(client, f"/locate?{_at(h.IN_THE_HOLE)}&category=nid-de-poule")
    assert found["jurisdiction"]["code"] == "beaurive"
    assert found["district"] is None
    assert found["team"]["code"] == "accueil"
    assert found["candidates"] == []
    assert found["nearest"] is None


def test_outside_names_the_nearest_city(client: FlaskClient) -> None:
    found = h.read(client, f"/locate?{_at(h.OUTSIDE)}&accuracy_m=10")
    assert found["jurisdiction"] is found["district"] is found["team"] is None
    assert found["certain"] is False
    assert found["candidates"] == []
    assert set(found["nearest"]) == {"code", "name", "distance_m"}
    assert found["nearest"]["code"] == "beaurive"
    assert 500 < found["nearest"]["distance_m"] < 10_000


def test_far_away_no_city_is_near(client: FlaskClient) -> None:
    found = h.read(client, f"/locate?{_at(h.FAR_AWAY)}")
    assert found["jurisdiction"] is None
    assert found["nearest"] is None
