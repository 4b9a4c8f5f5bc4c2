"""The public list: its filters, its words, its pages, and the map's form of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import nextafter
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import RAISE
from sqlalchemy import update

from api.schemas.reports import ReportSchema
from reports.models import Report
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, INSIDE, Resident, log_in, move

Scene = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def word() -> str:
    """Return the word that the reports of the scene hold, and no others."""
    return h.a_word()


@pytest.fixture(scope="module")
def scene(app: Flask, word: str) -> Scene:
    """Return reports by the name that the tests give them, in the order in which they came."""
    client = app.test_client()
    resident = Resident(client)
    told = {"description": f"{word} été 100% à l'Ombre"}
    sent = {
        "hole": resident.report(**told),
        "idea": resident.report(**told, place=h.CENTRE, kind="idea", category="idee"),
        "thanks": resident.report(**told, place=h.DOCKS, kind="compliment", category="merci"),
        "port": resident.report(**told, place=h.PORT, address=f"7 quai {word} d'Été"),
        "bench": resident.report(**told, place=h.IN_THE_HOLE, category="banc"),
        "private": resident.report(**told, **h.PRIVATE),
    }
    staff = log_in(client, DISPATCHER)
    assert move(client, sent["port"]["ticket"], staff, "accepted").status_code == 200
    return sent


def _named(scene: Scene, items: list[dict[str, Any]]) -> list[str]:
    names = {view["reference"]: name for name, view in scene.items()}
    return [names[item["reference"]] for item in items]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "bench port thanks idea hole"),
        ("status=accepted", "port"),
        ("status=accepted,resolved", "port thanks"),
        ("status=accepted&status=resolved", "port thanks"),
        ("status=declined", ""),
        ("status=", "bench port thanks idea hole"),
        ("category=nid-de-poule", "port hole"),
        ("category=idee,merci,nothing", "thanks idea"),
        ("category=personne-en-difficulte", ""),
        ("kind=problem", "bench port hole"),
        ("kind=idea,compliment", "thanks idea"),
        ("district=bellevue", "hole"),
        ("district=bellevue,les-docks", "thanks hole"),
        ("district=nowhere", ""),
        ("bbox=2.20,48.80,2.24,48.82", "bench idea hole"),
        ("bbox=170,40,-170,50", ""),
        ("near=48.808882,2.212277,10", "hole"),
        ("near=48.808882,2.212277,1", "hole"),
        ("near=48.808882, 2.212277, 1e1", "hole"),
        ("near=48.808882,2.212277,2000", "bench idea hole"),
        ("kind=problem&status=received&near=48.808882,2.212277,2000", "bench hole"),
        ("jurisdiction=beaurive&kind=idea", "idea"),
        ("created_after=2099-01-01T00:00:00Z", ""),
        ("created_before=2099-01-01T00:00:00%2B02:00", "bench port thanks idea hole"),
        ("limit=2", "bench port"),
        ("limit=100", "bench port thanks idea hole"),
    ],
)
def test_filters_narrow_the_list(
    client: FlaskClient, scene: Scene, word: str, query: str, expected: str
) -> None:
    items = h.read(client, f"/reports?q={word}&{query}")["items"]
    assert _named(scene, items) == expected.split()
    assert all(set(item) == h.PUBLIC_VIEW for item in items)


def test_time_begins_with_its_first_moment_and_ends_before_its_last(
    client: FlaskClient, scene: Scene, word: str
) -> None:
    after = f"created_after={scene['idea']['created_at']}"
    before = f"created_before={scene['port']['created_at']}"
    for query, expected in (
        (after, "bench port thanks idea"),
        (before, "thanks idea hole"),
        (f"{after}&{before}", "thanks idea"),
    ):
        items = h.read(client, f"/reports?q={word}&{query}")["items"]
        assert _named(scene, items) == expected.split()


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("été", "bench port thanks idea hole"),
        ("ETE 100% A L'OMBRE", "bench port thanks idea hole"),
        ("été 100", "bench port thanks idea hole"),
        ("été 10_", ""),
        ("é%", ""),
        ("été %", ""),
        ("\\", ""),
        ("d'ete", "port"),
    ],
)
def test_words_are_literal_whatever_their_case_and_accents(
    client: FlaskClient, scene: Scene, word: str, text: str, expected: str
) -> None:
    wanted = quote(f"{word} {text}")
    items = h.read(client, f"/reports?q={wanted}")["items"]
    assert _named(scene, items) == expected.split()


@pytest.mark.fault(27)
def test_percent_and_underscore_are_found(client: FlaskClient, resident: Resident) -> None:
    word = h.a_word()
    percent = resident.report(description=f"{word}a%b")["reference"]
    underscore = resident.report(description=f"{word}a_b")["reference"]
    for text, expected in (("a%b", [percent]), ("a_b", [underscore]), ("a", [underscore, percent])):
        items = h.read(client, f"/reports?q={quote(word + text)}")["items"]
        assert h.references(items) == expected


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=1.5", ["limit"]),
        ("limit=", ["limit"]),
        (f"limit={'9' * 5000}", ["limit"]),
        ("cursor=", ["cursor"]),
        ("cursor=nonsense", ["cursor"]),
        ("cursor=MS4x!", ["cursor"]),
        ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5Ljc", ["cursor"]),
        ("cursor=MS4w", ["cursor"]),
        ("bbox=1,2,3", ["bbox"]),
        ("bbox=a,b,c,d", ["bbox"]),
        ("bbox=2.2,48.9,2.3,48.8", ["bbox"]),
        ("bbox=2.2,48.8,2.3,91", ["bbox"]),
        ("bbox=nan,48,2,49", ["bbox"]),
        ("bbox=1_0,48,11,49", ["bbox"]),
        ("near=48.8,2.2", ["near"]),
        ("near=48.8,2.2,-1", ["near"]),
        ("near=48.8,2.2,inf", ["near"]),
        ("near=91,2.2,100", ["near"]),
        ("near=here", ["near"]),
        ("created_after=yesterday", ["created_after"]),
        ("created_after=2026-01-01T00:00:00", ["created_after"]),
        ("created_before=2026-13-01T00:00:00Z", ["created_before"]),
        ("created_before=0001-01-01T00:00:00%2B14:00", ["created_before"]),
        ("status=lost", ["status"]),
        ("status=received,lost", ["status"]),
        ("kind=complaint", ["kind"]),
        (f"q={'a' * 201}", ["q"]),
        ("limit=0&bbox=1&near=2", ["bbox", "limit", "near"]),
    ],
)
def test_bad_parameters_are_named(client: FlaskClient, query: str, wrong: list[str]) -> None:
    assert sorted(set(h.blamed(client.get(f"{BASE}/reports?{query}")))) == wrong


def test_an_unknown_jurisdiction_is_nowhere(client: FlaskClient) -> None:
    h.refused(client.get(f"{BASE}/reports?jurisdiction=nowhere"), 404)


@pytest.mark.parametrize("place", ["", "&bbox=2,48,3,49", "&near=48.8,2.2,50000"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_paging_neither_loses_nor_repeats(
    app: Flask, client: FlaskClient, resident: Resident, limit: int, place: str
) -> None:
    word = h.a_word()
    sent = [resident.report(description=word)["reference"] for _ in range(7)]
    # All at one moment, so that nothing but the cursor's second half keeps them apart.
    with h.parts_of(app).sessions.begin() as session:
        moment = "2026-03-01T12:00:00.000001Z"
        session.execute(update(Report).where(Report.description == word).values(created_at=moment))
    found = list(h.pages(client, f"/reports?q={word}&limit={limit}&kind=problem{place}"))
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert [item["reference"] for page in found for item in page] == sent[::-1]


def test_in_a_place_times_a_microsecond_apart_keep_their_order(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    word = h.a_word()
    sent = [resident.report(description=word)["reference"] for _ in range(6)]
    first = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with h.parts_of(app).sessions.begin() as session:
        for number, reference in enumerate(sent):
            moment = first + timedelta(microseconds=number)
            told = update(Report).where(Report.reference == reference).values(created_at=moment)
            session.execute(told)
    found = h.pages(client, f"/reports?q={word}&limit=2&bbox=2,48,3,49")
    assert [h.references(page) for page in found] == [
        sent[5:3:-1],
        sent[3:1:-1],
        sent[1::-1],
    ]


@pytest.mark.parametrize(
    ("west", "south", "east", "north"),
    [(0, 0, 0, 0), (0, -1, 0, 1), (-1, 0, 1, 0), (0, 0, 1, 1), (-1, -1, 0, 0)],
)
def test_a_box_holds_its_border(
    client: FlaskClient, resident: Resident, west: int, south: int, east: int, north: int
) -> None:
    word = h.a_word()
    there = resident.report(description=word)
    place = there["location"]
    longitudes = [place["longitude"] + side for side in (west, east)]
    latitudes = [place["latitude"] + side for side in (south, north)]
    inside = f"{longitudes[0]},{latitudes[0]},{longitudes[1]},{latitudes[1]}"
    found = h.read(client, f"/reports?q={word}&bbox={inside}")["items"]
    assert h.references(found) == [there["reference"]]
    beyond = nextafter(place["longitude"], 180)
    beside = f"{beyond},{latitudes[0]},{beyond + east},{latitudes[1]}"
    assert h.read(client, f"/reports?q={word}&bbox={beside}")["items"] == []


def test_what_arrives_meanwhile_moves_no_page(client: FlaskClient, resident: Resident) -> None:
    word = h.a_word()
    sent = [resident.report(description=word)["reference"] for _ in range(4)]
    walk = h.pages(client, f"/reports?q={word}&limit=2")
    first = h.references(next(walk))
    resident.report(description=word)
    rest = [reference for page in walk for reference in h.references(page)]
    assert first + rest == sent[::-1]


def test_the_next_page_keeps_the_question(client: FlaskClient, resident: Resident) -> None:
    word = f"{h.a_word()} à 100% & co"
    for _ in range(3):
        resident.report(description=word, place=INSIDE)
    query = f"q={quote(word)}&limit=1&status=received&status=accepted&bbox=2,48,3,49"
    found = list(h.pages(client, f"/reports?{query}"))
    assert [len(page) for page in found] == [1, 1, 1]
    url = h.read(client, f"/reports?{query}")["next"]
    assert url.count("cursor=") == 1
    assert url.count("status=") == 2


def test_what_is_listed_is_what_the_schema_describes(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    word = h.a_word()
    sent = resident.report(description=word)
    resident.put_photo(sent, photo_samples.jpeg(64, 48))
    h.render_photos(app, sent["reference"])
    [listed] = h.read(client, f"/reports?q={word}")["items"]
    schema = ReportSchema(unknown=RAISE)
    schema.load(listed)
    assert list(listed) == list(schema.fields)
    assert len(listed["photos"]) == 1


def test_the_map_gets_geojson(client: FlaskClient, scene: Scene, word: str) -> None:
    headers = {"Accept": "application/geo+json"}
    answer = client.get(f"{BASE}/reports?q={word}&limit=4", headers=headers)
    assert answer.status_code == 200
    assert answer.mimetype == "application/geo+json"
    assert "Accept" in answer.vary
    assert answer.json is not None
    assert answer.json["type"] == "FeatureCollection"
    assert answer.json["next"].startswith(h.PUBLIC_URL)
    for feature in answer.json["features"]:
        assert feature["type"] == "Feature"
        reference = feature["properties"]["reference"]
        view = h.read(client, f"/reports/{reference}")
        place = view.pop("location")
        position = [place["longitude"], place["latitude"]]
        assert feature["geometry"] == {"type": "Point", "coordinates": position}
        assert feature["properties"] == view
    named = [{"reference": one["id"]} for one in answer.json["features"]]
    assert _named(scene, named) == ["bench", "port", "thanks", "idea"]


@pytest.mark.parametrize(
    "accept",
    [
        "application/geo+json; charset=utf-8",
        "Application/GEO+json;charset=UTF-8;q=0.9",
        "application/json;q=0.5, application/geo+json;charset=utf-8;q=0.6",
        "application/geo+json, */*;q=0.1",
    ],
)
def test_parameters_do_not_hide_what_is_wanted(client: FlaskClient, accept: str) -> None:
    answer = client.get(f"{BASE}/reports?limit=1", headers={"Accept": accept})
    assert answer.mimetype == "application/geo+json"


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/*;q=0.5",
        "text/html,*/*;q=0.8",
        "application/json; charset=utf-8",
        "application/json, application/geo+json;charset=utf-8;q=0.9",
        "application/geo+json;charset=utf-8;q=0",
    ],
)
def test_everybody_else_gets_json(client: FlaskClient, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = client.get(f"{BASE}/reports?limit=1", headers=headers)
    assert answer.mimetype == "application/json"
    assert answer.json is not None
    assert set(answer.json) == {"items", "next"}
