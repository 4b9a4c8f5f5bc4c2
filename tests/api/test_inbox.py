"""The inbox: what it shows of a ticket, its filters, its counts, its words and its pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from city.models import Person
from reports.models import Ticket
from tests.api import help as h
from tests.resident import BASE, Resident, log_in, move, read_ticket

Scene = dict[str, dict[str, Any]]

ITEM = {
    "reference",
    "status",
    "kind",
    "category",
    "priority",
    "team",
    "assignee",
    "district",
    "location",
    "address",
    "description",
    "planned_at",
    "due_at",
    "late",
    "unrouted",
    "uncertain",
    "undelivered",
    "supports",
    "report_count",
    "photos",
    "age_s",
    "time_left_s",
    "last_event",
    "created_at",
    "updated_at",
    "closed_at",
}
# What differs from one moment to the next, and is told by the inbox alone.
OF_THE_MOMENT = {"age_s", "time_left_s"}
# What the contract lists of one ticket.
TICKET = {
    "reference",
    "status",
    "kind",
    "category",
    "priority",
    "team",
    "assignee",
    "district",
    "location",
    "address",
    "due_at",
    "late",
    "reports",
    "supports",
    "photos",
    "decision",
    "events",
    "next",
    "merged_into",
    "created_at",
    "updated_at",
    "closed_at",
}
DANGER = {"danger": "oui"}
STATUSES = ["received", "accepted", "in_progress", "waiting", "resolved", "declined", "reopened"]


@pytest.fixture(scope="module")
def word() -> str:
    """Return the word that the reports of the scene hold, and no others."""
    return h.a_word()


@pytest.fixture(scope="module")
def scene(app: Flask, word: str) -> Scene:
    """Return reports by the name that the tests give them, in the order in which they came."""
    client = app.test_client()
    resident = Resident(client)
    told = {"description": f"{word} été"}
    sent = {
        "road": resident.report(**told),
        "idea": resident.report(**told, place=h.CENTRE, kind="idea", category="idee"),
        "lamp": resident.report(
            **told, place=h.DOCKS, category="lampadaire", answers={"panne": "eteint"}
        ),
        "border": resident.report(**told, place=h.ON_A_BORDER, category="arbre", answers=DANGER),
        "gap": resident.report(**told, place=h.IN_THE_HOLE, category="banc"),
        "private": resident.report(**told, **h.PRIVATE),
    }
    resident.report(description="Moi aussi.", same_as=sent["road"]["ticket"])
    assert move(client, sent["lamp"]["ticket"], log_in(client), "in_progress").status_code == 200
    with h.parts_of(app).sessions.begin() as session:
        overdue = update(Ticket).where(Ticket.reference == sent["road"]["ticket"])
        karim = select(Person.id).where(Person.email == h.MEMBER_OF_ROADS).scalar_subquery()
        session.execute(overdue.values(due_at="2026-01-01T00:00:00Z", assignee_id=karim))
    return sent


def _named(scene: Scene, items: list[dict[str, Any]]) -> list[str]:
    names = {view["ticket"]: name for name, view in scene.items()}
    return [names[item["reference"]] for item in items]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "private gap border lamp idea road"),
        ("team=voirie", "road"),
        ("team=reseaux,espaces-verts", "border lamp"),
        ("district=les-docks", "lamp"),
        ("category=nid-de-poule&category=banc", "gap road"),
        ("category=personne-en-difficulte", "private"),
        ("status=in_progress", "lamp"),
        ("status=received,in_progress&kind=problem", "private gap border lamp road"),
        ("status=resolved", ""),
        ("kind=idea", "idea"),
        ("priority=urgent,high", "private border"),
        ("priority=normal", "lamp road"),
        ("late=true", "road"),
        ("late=false", "private gap border lamp idea"),
        ("unrouted=true", "private gap idea"),
        ("unrouted=false", "border lamp road"),
        ("uncertain=true", "border"),
        (f"assignee={h.MEMBER_OF_ROADS}", "road"),
        (f"assignee={h.MEMBER_OF_ROADS.upper()}", "road"),
        ("assignee=nobody", ""),
        ("bbox=2.26,48.82,2.27,48.83", "lamp"),
        ("sort=oldest", "road idea lamp border gap private"),
        ("sort=oldest&bbox=2,48,3,49", "road idea lamp border gap private"),
        ("bbox=2,48,3,49", "private gap border lamp idea road"),
        ("sort=newest&limit=2", "private gap"),
        ("jurisdiction=beaurive&team=voirie", "road"),
    ],
)
def test_filters_narrow_the_inbox_and_its_counts(
    client: FlaskClient,
    scene: Scene,
    dispatcher: dict[str, str],
    word: str,
    query: str,
    expected: str,
) -> None:
    page = h.read(client, f"/tickets?q={word}&{query}", dispatcher)
    assert set(page) == {"items", "next", "counts", "at_least", "open"}
    assert _named(scene, page["items"]) == expected.split()
    assert all(set(item) == ITEM for item in page["items"])
    assert list(page["counts"]) == STATUSES
    # The counts are those of every status, whichever of them the list is narrowed to.
    if "limit" not in query and "status" not in query:
        for status, count in page["counts"].items():
            assert count == sum(item["status"] == status for item in page["items"])
    elif "status" not in query:
        assert sum(page["counts"].values()) == len(scene)


def test_words_and_references_find_tickets(
    client: FlaskClient, scene: Scene, dispatcher: dict[str, str], word: str
) -> None:
    lamp = scene["lamp"]
    for text in (
        lamp["ticket"],
        lamp["ticket"].replace("-", "").lower(),
        lamp["reference"],
        lamp["reference"].replace("-", " ").lower(),
    ):
        items = h.read(client, f"/tickets?q={quote(text)}", dispatcher)["items"]
        assert _named(scene, items) == ["lamp"]
    for text, count in ((f"{word} ETE", 6), (f"{word}%", 0), (f"{word[:-1]}_", 0)):
        assert len(h.read(client, f"/tickets?q={quote(text)}", dispatcher)["items"]) == count


def test_a_second_reports_reference_finds_the_ticket_too(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    first = resident.report()
    second = resident.report(same_as=first["ticket"])
    items = h.read(client, f"/tickets?q={second['reference']}", dispatcher)["items"]
    assert h.references(items) == [first["ticket"]]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("cursor=nonsense", ["cursor"]),
        ("bbox=1", ["bbox"]),
        ("status=lost", ["status"]),
        ("priority=extreme", ["priority"]),
        ("sort=random", ["sort"]),
        ("late=perhaps&unrouted=7&uncertain=-", ["late", "uncertain", "unrouted"]),
        ("q=%00", ["q"]),
    ],
)
def test_bad_parameters_are_named(
    client: FlaskClient, dispatcher: dict[str, str], query: str, wrong: list[str]
) -> None:
    answer = client.get(f"{BASE}/tickets?{query}", headers=dispatcher)
    assert sorted(set(h.blamed(answer))) == wrong


def test_an_unknown_jurisdiction_is_nowhere(
    client: FlaskClient, dispatcher: dict[str, str]
) -> None:
    h.refused(client.get(f"{BASE}/tickets?jurisdiction=nowhere", headers=dispatcher), 404)


@pytest.mark.parametrize("sort", ["newest", "oldest", "deadline", "priority", "reports"])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_paging_neither_loses_nor_repeats(
    app: Flask, resident: Resident, dispatcher: dict[str, str], sort: str, limit: int
) -> None:
    word = h.a_word()
    sent = [resident.report(description=word)["ticket"] for _ in range(5)]
    with h.parts_of(app).sessions.begin() as session:
        same = update(Ticket).where(Ticket.reference.in_(sent))
        session.execute(same.values(created_at="2026-03-01T12:00:00.000001Z"))
    path = f"/tickets?q={word}&limit={limit}&sort={sort}"
    found = [
        item["reference"] for page in h.pages(resident.client, path, dispatcher) for item in page
    ]
    assert found == (sent[::-1] if sort == "newest" else sent)


def test_one_ticket_tells_all(
    client: FlaskClient, scene: Scene, dispatcher: dict[str, str]
) -> None:
    ticket, tag = read_ticket(client, scene["road"]["ticket"], dispatcher)
    assert set(ticket) >= TICKET
    assert ticket["status"] == "received"
    assert ticket["next"] == ["accepted", "in_progress", "waiting", "resolved", "declined"]
    assert ticket["late"] is True
    assert ticket["assignee"] == h.MEMBER_OF_ROADS
    assert ticket["supports"] == 1
    assert len(ticket["reports"]) == 2
    assert ticket["reports"][0]["reference"] == scene["road"]["reference"]
    assert ticket["merged_into"] is None
    assert ticket["decision"]["rule"]["text"]
    assert [event["kind"] for event in ticket["events"]] == ["received", "routed", "joined"]
    assert all({"at", "kind", "by", "text", "status"} <= set(event) for event in ticket["events"])
    assert (
        tag
        == client.get(f"{BASE}/tickets/{ticket['reference']}", headers=dispatcher).headers["ETag"]
    )


def test_a_tickets_reference_may_be_typed_in_many_ways(
    client: FlaskClient, scene: Scene, dispatcher: dict[str, str]
) -> None:
    reference = scene["lamp"]["ticket"]
    for spelled in (reference.lower(), reference.replace("-", ""), reference.replace("-", " ")):
        assert read_ticket(client, spelled, dispatcher)[0]["reference"] == reference


@pytest.mark.parametrize("reference", ["T-7KM-3QX-9PG", "nonsense", "-"])
def test_unknown_tickets_lead_nowhere(
    client: FlaskClient, dispatcher: dict[str, str], reference: str
) -> None:
    h.refused(client.get(f"{BASE}/tickets/{reference}", headers=dispatcher), 404)


def test_names_are_in_the_callers_language(
    client: FlaskClient, scene: Scene, dispatcher: dict[str, str]
) -> None:
    path = f"/tickets/{scene['lamp']['ticket']}"
    french, english = (
        h.read(client, path, {**dispatcher, "Accept-Language": language})
        for language in ("fr", "en")
    )
    assert french["category"]["name"] == "Lampadaire en panne"
    assert english["team"]["name"] == "Water and lighting team"
    assert french["decision"]["text"] != english["decision"]["text"]
    assert all(
        one["text"] != other["text"]
        for one, other in zip(french["events"], english["events"], strict=True)
    )


def test_a_listed_ticket_is_the_one_that_is_read(
    client: FlaskClient, scene: Scene, dispatcher: dict[str, str], word: str
) -> None:
    for item in h.read(client, f"/tickets?q={word}", dispatcher)["items"]:
        ticket, _ = read_ticket(client, item["reference"], dispatcher)
        for name in ITEM - OF_THE_MOMENT:
            assert ticket[name] == item[name], name
