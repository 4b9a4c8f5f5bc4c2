"""The same for many tickets: each is done or refused by itself."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.api.conftest import LogIn
from tests.resident import BASE, Resident, body_of, move, read_ticket

PATH = f"{BASE}/tickets/bulk"


def _items(client: FlaskClient, staff: dict[str, str], *references: str) -> list[dict[str, str]]:
    return [
        {"reference": reference, "etag": read_ticket(client, reference, staff)[1]}
        for reference in references
    ]


def _outcomes(
    client: FlaskClient, staff: dict[str, str], items: list[dict[str, str]], **what: Any
) -> list[dict[str, Any]]:
    answer = client.post(PATH, json={"items": items, **what}, headers=staff)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = body_of(answer)["items"]
    return found


def test_each_ticket_is_changed_or_refused_by_itself(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    good, stale, other = (resident.report()["ticket"] for _ in range(3))
    items = _items(client, dispatcher, good, stale, other)
    assert move(client, stale, dispatcher, "accepted").status_code == 200
    items += [{"reference": "T-7KM-2QX-94B", "etag": '"v2"'}, {"reference": other}, items[0]]
    outcomes = _outcomes(client, dispatcher, items, change={"priority": "high"})
    assert [one["status"] for one in outcomes] == [200, 412, 200, 404, 428, 412]
    assert [one["reference"] for one in outcomes] == [item["reference"] for item in items]
    for one in outcomes:
        assert ("problem" in one) == (one["status"] != 200)
        if "problem" in one:
            assert one["problem"]["status"] == one["status"]
    for reference, priority in ((good, "high"), (stale, "normal"), (other, "high")):
        assert read_ticket(client, reference, dispatcher)[0]["priority"] == priority
    assert outcomes[0]["etag"] == read_ticket(client, good, dispatcher)[1]


def test_many_are_moved_on_as_the_graph_allows(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    views = [resident.report() for _ in range(3)]
    first = views[0]["ticket"]
    assert move(client, first, dispatcher, "resolved").status_code == 200
    items = _items(client, dispatcher, *(view["ticket"] for view in views))
    step = {"to": "resolved", "reason": "Enrobé posé", "public_message": "C'est fait."}
    outcomes = _outcomes(client, dispatcher, items, transition=step)
    assert [one["status"] for one in outcomes] == [409, 200, 200]
    assert outcomes[0]["problem"]["allowed"] == ["reopened"]
    for view in views[1:]:
        public = h.read(client, f"/reports/{view['reference']}")
        assert (public["status"], public["public_message"]) == ("resolved", "C'est fait.")
    declining = _outcomes(
        client, dispatcher, items[:1], transition={"to": "declined", "reason": "?"}
    )
    # Why is told at the place that it has in a body of its own.
    assert declining[0]["status"] == 422
    assert declining[0]["problem"]["errors"][0]["pointer"] == "/public_message"


def test_a_team_does_to_many_what_it_may_do_to_one(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], as_person: LogIn
) -> None:
    mine = resident.report()["ticket"]
    others = resident.report(category="poubelle-pleine")["ticket"]
    items = _items(client, dispatcher, mine, others)
    member = as_person(h.MEMBER_OF_ROADS)
    before = [read_ticket(client, reference, dispatcher) for reference in (mine, others)]
    refused = _outcomes(client, member, items, change={"priority": "high"})
    assert [one["status"] for one in refused] == [403, 404]
    assert [read_ticket(client, one, dispatcher) for one in (mine, others)] == before
    done = _outcomes(client, member, items, change={"assignee": h.MEMBER_OF_ROADS})
    assert [one["status"] for one in done] == [200, 404]
    h.refused(client.post(PATH, json={}, headers=as_person(h.AUDITOR)), 403)


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({"items": [], "change": {}}, "/items"),
        ({"items": [{"etag": '"v1"'}], "change": {}}, "/items/0/reference"),
        ({"items": [{"reference": "T"}]}, "/change"),
        (
            {
                "items": [{"reference": "T"}],
                "change": {},
                "transition": {"to": "accepted", "reason": "?"},
            },
            "/change",
        ),
        ({"items": [{"reference": "T"}], "change": {"priority": "top"}}, "/change/priority"),
        (
            {"items": [{"reference": "T"}], "transition": {"to": "x", "reason": "?"}},
            "/transition/to",
        ),
        ({"items": [{"reference": "T"}] * 1001, "change": {}}, "/items"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_done(
    client: FlaskClient, dispatcher: dict[str, str], body: dict[str, Any], blamed: str
) -> None:
    assert h.blamed(client.post(PATH, json=body, headers=dispatcher)) == [blamed]
