"""Filters of the inbox that people save: their own alone, and always ones that the inbox takes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from reports.inbox.saved_filters import MOST
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import BASE, Resident, body_of, log_in

Headers = dict[str, str]
PATH = f"{BASE}/filters"
QUERY = {
    "status": ["received", "waiting"],
    "team": ["voirie"],
    "late": True,
    "q": "trou & co",
    "bbox": "2,48,3,49",
    "sort": "deadline",
}


def _save(client: FlaskClient, person: Headers, **members: Any) -> dict[str, Any]:
    body = {"name": uuid4().hex, "query": QUERY} | members
    answer = client.post(PATH, json=body, headers=person)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


def _names(client: FlaskClient, person: Headers) -> list[str]:
    return [saved["name"] for saved in h.read(client, "/filters", person)["items"]]


def test_a_filter_is_saved_listed_changed_and_removed(own_app: Flask) -> None:
    client = own_app.test_client()
    person = log_in(client)
    saved = _save(client, person, name=" Voirie ")
    assert (saved["name"], saved["query"]) == ("Voirie", QUERY)
    assert h.read(client, "/filters", person)["items"] == [saved]

    path = f"{PATH}/{saved['id']}"
    renamed = body_of(client.patch(path, json={"name": "Autre"}, headers=person))
    assert (renamed["name"], renamed["query"]) == ("Autre", QUERY)
    changed = body_of(client.patch(path, json={"query": {"kind": ["idea"]}}, headers=person))
    assert (changed["name"], changed["query"]) == ("Autre", {"kind": ["idea"]})
    assert changed["updated_at"] > saved["updated_at"]
    assert changed["created_at"] == saved["created_at"]

    _save(client, person, name="Abris")
    assert _names(client, person) == ["Abris", "Autre"]
    assert client.delete(path, headers=person).status_code == 204
    assert _names(client, person) == ["Abris"]
    h.refused(client.delete(path, headers=person), 404)


def test_its_address_shows_what_it_says(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    word = h.a_word()
    road = resident.report(description=f"{word} & co")["ticket"]
    resident.report(description=f"{word} & co", category="idee", kind="idea")
    query = {"q": f"{word} & co", "kind": ["problem", "compliment"], "uncertain": False}
    saved = _save(client, dispatcher, query=query | {"bbox": "2,48,3,49"})
    url = saved["url"].removeprefix(f"{h.PUBLIC_URL}{BASE}")
    assert h.references(h.read(client, url, dispatcher)["items"]) == [road]
    client.delete(f"{PATH}/{saved['id']}", headers=dispatcher)


def test_anothers_filter_is_not_there_and_stays_as_it_was(
    client: FlaskClient, dispatcher: Headers, as_person: LogIn
) -> None:
    saved = _save(client, dispatcher)
    other = as_person(h.AUDITOR)
    path = f"{PATH}/{saved['id']}"
    h.refused(client.patch(path, json={"name": "Mien"}, headers=other), 404)
    h.refused(client.delete(path, headers=other), 404)
    assert saved["name"] not in _names(client, other)
    assert saved in h.read(client, "/filters", dispatcher)["items"]
    # Two people may call theirs the same.
    same = _save(client, other, name=saved["name"])
    for person, one in ((dispatcher, saved), (other, same)):
        assert client.delete(f"{PATH}/{one['id']}", headers=person).status_code == 204


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"query": {}}, ["/name"]),
        ({"name": "x"}, ["/query"]),
        ({"name": " ", "query": {}}, ["/name"]),
        ({"name": "a\nb", "query": {}}, ["/name"]),
        ({"name": "x" * 101, "query": {}}, ["/name"]),
        ({"name": "x", "query": {"status": ["lost"]}}, ["/query/status/0"]),
        ({"name": "x", "query": {"status": "received"}}, ["/query/status"]),
        ({"name": "x", "query": {"category": [{}]}}, ["/query/category"]),
        ({"name": "x", "query": {"late": "yes"}}, ["/query/late"]),
        ({"name": "x", "query": {"sort": "random"}}, ["/query/sort"]),
        ({"name": "x", "query": {"bbox": "1"}}, ["/query/bbox"]),
        ({"name": "x", "query": {"q": "a" * 201}}, ["/query/q"]),
        ({"name": "x", "query": {"cursor": "MS4x"}}, ["/query/cursor"]),
        ({"name": "x", "query": {"limit": 3}}, ["/query/limit"]),
        ({"name": "x", "query": {"colour": "red"}}, ["/query/colour"]),
        ({"name": "x", "query": "late=true"}, ["/query"]),
    ],
)
def test_what_the_inbox_would_not_take_is_not_saved(
    client: FlaskClient, dispatcher: Headers, body: dict[str, Any], wrong: list[str]
) -> None:
    before = _names(client, dispatcher)
    assert h.blamed(client.post(PATH, json=body, headers=dispatcher)) == wrong
    assert _names(client, dispatcher) == before


def test_a_name_is_given_once(client: FlaskClient, dispatcher: Headers) -> None:
    one, other = _save(client, dispatcher), _save(client, dispatcher)
    body = {"name": one["name"], "query": {}}
    h.refused(client.post(PATH, json=body, headers=dispatcher), 409)
    path = f"{PATH}/{other['id']}"
    h.refused(client.patch(path, json={"name": one["name"]}, headers=dispatcher), 409)
    again = client.patch(path, json={"name": other["name"], "query": {}}, headers=dispatcher)
    assert again.status_code == 200
    for saved in (one, other):
        client.delete(f"{PATH}/{saved['id']}", headers=dispatcher)


def test_nobody_saves_more_than_one_may_even_at_once(own_app: Flask) -> None:
    client = own_app.test_client()
    person = log_in(client)
    for number in range(MOST - 2):
        _save(client, person, name=f"n{number}")

    def save(number: int) -> int:
        body = {"name": f"m{number // 2}", "query": {}}
        return own_app.test_client().post(PATH, json=body, headers=person).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(save, range(8)))
    assert sorted(statuses) == [201, 201, *[409] * 6]
    assert len(_names(client, person)) == MOST
