"""Which open tickets may be about the same thing, for who reports and for the desk."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from reports.likeness import MOST_ANSWERED
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, INSIDE, Resident, body_of, log_in, move, read_ticket
from tests.statements import asked_of

Item = dict[str, Any]
POTHOLE = "nid-de-poule"
PAVEMENT = "trottoir-abime"
LAMP = {"category": "lampadaire", "answers": {"panne": "eteint"}}
ITEM = {"ticket", "report", "category", "distance_m", "score", "reasons", "photo"}


@pytest.fixture
def client(own_app: Flask) -> FlaskClient:
    """Return a client of a city in which nothing was reported yet."""
    return own_app.test_client()


@pytest.fixture
def resident(client: FlaskClient) -> Resident:
    return Resident(client)


@pytest.fixture
def desk(client: FlaskClient) -> dict[str, str]:
    return log_in(client)


def north(metres: float) -> dict[str, float]:
    """Return the spot so many metres north of INSIDE."""
    return {**INSIDE, "latitude": INSIDE["latitude"] + metres / 111_200}


def ask(
    client: FlaskClient,
    place: dict[str, float] = INSIDE,
    language: str = "en",
    **query: str,
) -> list[Item]:
    path = f"/similar?{urlencode({**place, **query})}"
    items: list[Item] = h.read(client, path, {"Accept-Language": language})["items"]
    assert all(set(item) == ITEM for item in items)
    return items


def ask_desk(client: FlaskClient, ticket: str, staff: dict[str, str]) -> list[Item]:
    items: list[Item] = h.read(
        client, f"/tickets/{ticket}/similar", {**staff, "Accept-Language": "en"}
    )["items"]
    return items


def test_what_was_reported_nearby_is_told_with_its_reasons(
    client: FlaskClient, resident: Resident
) -> None:
    view = resident.report(location=north(12))
    [item] = ask(client, category=POTHOLE, description="un TROU devant le numero 12")
    assert (item["ticket"], item["report"]) == (view["ticket"], view["reference"])
    assert item["category"] == {"code": POTHOLE, "name": "Pothole"}
    assert item["distance_m"] == pytest.approx(12, abs=0.3)
    assert 0.8 < item["score"] <= 1
    assert item["reasons"] == [
        "12 m away",
        "reported 1 minute ago",
        "same category",
        "similar words",
    ]
    assert item["photo"] is None
    [item] = ask(client, language="fr", category=POTHOLE, description="trou devant le numéro 12")
    assert item["category"]["name"] == "Nid-de-poule"
    assert item["reasons"] == [
        "à 12 m",
        "signalé il y a 1 minute",
        "même catégorie",
        "mots semblables",
    ]


def test_what_is_told_can_be_joined(client: FlaskClient, resident: Resident) -> None:
    first = resident.report(location=north(12))
    [item] = ask(client, category=POTHOLE)
    second = resident.report(same_as=item["ticket"])
    assert second["ticket"] == first["ticket"]
    [item] = ask(client, category=POTHOLE)
    assert item["report"] == first["reference"]


def test_the_likeliest_comes_first(client: FlaskClient, resident: Resident) -> None:
    pavement = resident.report(category=PAVEMENT, answers={"passage": "oui"}, location=north(1))
    near, nearer = (resident.report(location=north(metres)) for metres in (15, 5))
    lamp = resident.report(**LAMP, location=north(20))
    assert [item["ticket"] for item in ask(client, category=POTHOLE)] == [
        nearer["ticket"],
        near["ticket"],
        pavement["ticket"],
    ]
    assert ask(client, category=POTHOLE)[-1]["reasons"][-1] == "related category"
    # Without a category, nothing speaks against any.
    assert lamp["ticket"] in [item["ticket"] for item in ask(client)]


def test_what_is_far_closed_merged_hidden_or_private_is_not_told(
    own_app: Flask, client: FlaskClient, resident: Resident, desk: dict[str, str]
) -> None:
    far, closed, merged, hidden, kept = (
        resident.report(location=north(metres)) for metres in (250, 0, 0, 0, 0)
    )
    private = resident.report(**h.PRIVATE)
    assert move(client, closed["ticket"], desk, "resolved").status_code == 200
    _, tag = read_ticket(client, merged["ticket"], desk)
    answer = client.post(
        f"{BASE}/tickets/{merged['ticket']}/merge",
        json={"into": kept["ticket"]},
        headers={**desk, "If-Match": tag},
    )
    assert answer.status_code == 200
    h.hide_report(own_app, hidden["reference"])
    assert [item["ticket"] for item in ask(client)] == [kept["ticket"]]
    assert [item["ticket"] for item in ask(client, category=POTHOLE)] == [kept["ticket"]]
    assert ask(client, north(250), category=POTHOLE)[0]["ticket"] == far["ticket"]
    assert ask(client, category=private["category"]["code"]) == []


def test_a_hidden_report_lends_its_ticket_neither_reference_nor_photo(
    own_app: Flask, client: FlaskClient, resident: Resident
) -> None:
    first = resident.report()
    second = resident.report(same_as=first["ticket"], description="Tout autre chose.")
    for view in (first, second):
        assert resident.put_photo(view, photo_samples.jpeg(64, 48)).status_code == 201
    [item] = ask(client, category=POTHOLE)
    assert item["photo"] is None
    for view in (first, second):
        h.render_photos(own_app, view["reference"])
    [item] = ask(client, category=POTHOLE, description="Un trou devant le numéro 12.")
    assert item["photo"]["status"] == "ready"
    assert "similar words" in item["reasons"]
    shown = item["photo"]["id"]
    h.hide_report(own_app, first["reference"])
    [item] = ask(client, category=POTHOLE, description="Un trou devant le numéro 12.")
    assert item["report"] == second["reference"]
    assert item["photo"]["id"] != shown
    assert "similar words" not in item["reasons"]
    assert client.get(item["photo"]["urls"]["320"]["jpg"]).status_code == 200


def test_no_more_than_a_few_are_told(client: FlaskClient, resident: Resident) -> None:
    for metres in range(MOST_ANSWERED + 2):
        resident.report(location=north(metres))
    items = ask(client, category=POTHOLE)
    assert len(items) == MOST_ANSWERED
    assert [item["distance_m"] for item in items] == sorted(item["distance_m"] for item in items)


@pytest.mark.parametrize(
    ("place", "query", "blamed"),
    [
        (h.OUTSIDE, {}, ["latitude"]),
        (INSIDE, {"category": "soucoupe-volante"}, ["category"]),
        ({"latitude": 48.8}, {}, ["longitude"]),
        ({"latitude": 91, "longitude": 2}, {}, ["latitude"]),
        (INSIDE, {"description": "x" * 4_001}, ["description"]),
        (INSIDE, {"description": "\0"}, ["description"]),
    ],
)
def test_what_cannot_be_asked(
    client: FlaskClient, place: dict[str, float], query: dict[str, str], blamed: list[str]
) -> None:
    assert h.blamed(client.get(f"{BASE}/similar?{urlencode({**place, **query})}")) == blamed


@pytest.mark.parametrize("words", ["", " ", "!?", "%", "🕳️", "x" * 4_000])
def test_words_that_say_little_do_no_harm(
    client: FlaskClient, resident: Resident, words: str
) -> None:
    resident.report(description="🕳️")
    [item] = ask(client, category=POTHOLE, description=words)
    assert 0 <= item["score"] <= 1


def test_all_that_lies_near_is_one_question(
    own_app: Flask, client: FlaskClient, resident: Resident
) -> None:
    for _ in range(3):
        resident.put_photo(resident.report(), photo_samples.jpeg(64, 48))
    ask(client, category=POTHOLE, description="trou")
    with asked_of(h.parts_of(own_app).engine, ends=True) as asked:
        assert len(ask(client, category=POTHOLE, description="trou")) == 3
    # Where it lies, what the category is, and what lies near.
    assert len([one for one in asked if one not in {"BEGIN", "COMMIT"}]) == 3, "\n\n".join(asked)


def test_the_desk_is_told_of_photos_that_look_the_same(
    own_app: Flask, client: FlaskClient, resident: Resident, desk: dict[str, str]
) -> None:
    lamp = {**LAMP, "description": "Plus de lumière.", "location": north(150)}
    one, other = resident.report(), resident.report(**lamp)
    assert ask_desk(client, one["ticket"], desk) == []
    for view, size in ((one, 640), (other, 320)):
        picture = photo_samples.jpeg(size, size * 3 // 4)
        assert resident.put_photo(view, picture).status_code == 201
        h.render_photos(own_app, view["reference"])
    [item] = ask_desk(client, one["ticket"], desk)
    assert set(item) == ITEM
    assert item["ticket"] == other["ticket"]
    assert item["reasons"] == [
        "150 m away",
        "reported 1 minute apart",
        "a photo looks the same",
    ]
    # The public has no photo to compare with.
    assert ask(client, category=POTHOLE)[0]["ticket"] == one["ticket"]
    assert other["ticket"] not in [item["ticket"] for item in ask(client, category=POTHOLE)]


def test_the_desk_is_told_what_could_be_merged(
    client: FlaskClient, resident: Resident, desk: dict[str, str]
) -> None:
    one, other = resident.report(), resident.report(location=north(3))
    idea = resident.report(kind="idea", category="velo")
    private, alike = resident.report(**h.PRIVATE), resident.report(**h.PRIVATE)
    for first, second in ((one, other), (other, one), (private, alike)):
        found = [item["ticket"] for item in ask_desk(client, first["ticket"], desk)]
        assert found == [second["ticket"]]
    assert ask_desk(client, idea["ticket"], desk) == []


def test_each_is_told_of_what_they_see(
    client: FlaskClient, resident: Resident, desk: dict[str, str]
) -> None:
    road, sign = resident.report(), resident.report(category="signalisation", location=north(2))
    lead = log_in(client, h.LEAD_OF_ROADS)
    gardener = log_in(client, h.MEMBER_OF_PARKS)
    assert [item["ticket"] for item in ask_desk(client, road["ticket"], lead)] == [sign["ticket"]]
    path = f"{BASE}/tickets/{road['ticket']}/similar"
    h.refused(client.get(path, headers=gardener), 404)
    h.refused(client.get(path), 401)
    tree = resident.report(category="arbre", answers={"danger": "non"}, location=north(2))
    lamp = resident.report(**LAMP, location=north(2), description=tree["description"])
    assert lamp["ticket"] not in [
        item["ticket"] for item in ask_desk(client, tree["ticket"], gardener)
    ]
    assert body_of(client.get(path, headers=desk))["items"]
