"""One piece of work, many reports: merging, parting, splitting, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from reports.models import Notice, Report
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, move, read_ticket

View = dict[str, Any]
LAMP = {"category": "lampadaire", "answers": {"panne": "eteint"}}


def _post(
    client: FlaskClient, reference: str, act: str, staff: dict[str, str], **body: Any
) -> TestResponse:
    _, tag = read_ticket(client, reference, staff)
    path = f"{BASE}/tickets/{reference}/{act}"
    return client.post(path, json=body or None, headers={**staff, "If-Match": tag})


def _merge(client: FlaskClient, one: View, other: View, staff: dict[str, str]) -> dict[str, Any]:
    answer = _post(client, one["ticket"], "merge", staff, into=other["ticket"])
    assert answer.status_code == 200, answer.text
    ticket = body_of(answer)
    assert read_ticket(client, other["ticket"], staff) == (ticket, answer.headers["ETag"])
    return ticket


@pytest.fixture
def two(resident: Resident) -> tuple[View, View]:
    """Return two reports that nobody said to be about the same thing, with an address each."""

    def one() -> View:
        return resident.report(contact={"email": f"{uuid4().hex}@example.org"})

    return one(), one()


@pytest.fixture
def told(session: Session) -> Callable[[View], list[str]]:
    """Return what tells of what kinds the mails to a report's sender are, in order."""

    def kinds(view: View) -> list[str]:
        session.rollback()
        return list(
            session.scalars(
                select(Notice.kind)
                .join(Report, Report.id == Notice.report_id)
                .where(Report.reference == view["reference"], Notice.audience == "reporter")
                .order_by(Notice.id)
            )
        )

    return kinds


def test_merged_reports_are_one_piece_of_work(
    client: FlaskClient,
    resident: Resident,
    dispatcher: dict[str, str],
    two: tuple[View, View],
    told: Callable[[View], list[str]],
) -> None:
    one, other = two
    for view in two:
        assert resident.put_photo(view, photo_samples.jpeg(64, 48)).status_code == 201
    ticket = _merge(client, one, other, dispatcher)

    assert h.references(ticket["reports"]) == [other["reference"], one["reference"]]
    assert ticket["supports"] == 1
    assert len(ticket["photos"]) == 2
    source, _ = read_ticket(client, one["ticket"], dispatcher)
    assert source["merged_into"] == other["ticket"]
    assert (source["reports"], source["next"], source["late"]) == ([], [], False)
    public = h.read(client, f"/reports/{one['reference']}")
    assert (public["ticket"], public["supports"]) == (other["ticket"], 1)
    assert told(one) == ["receipt", "joined"]
    assert told(other) == ["receipt"]

    words = {"public_message": "Le trou est rebouché."}
    assert move(client, other["ticket"], dispatcher, "resolved", **words).status_code == 200
    for view in two:
        assert h.read(client, f"/reports/{view['reference']}")["public_message"] == (
            "Le trou est rebouché."
        )
        assert told(view)[-1] == "status"
    kinds = [event["kind"] for event in ticket["events"]]
    assert kinds[-1] == "moved_in"
    events = h.read(client, f"/reports/{one['reference']}/events")["items"]
    assert one["ticket"] not in str(events)


def test_the_inbox_lists_what_was_merged_no_more(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    word = h.a_word()
    one, other = (resident.report(description=word) for _ in range(2))
    _merge(client, one, other, dispatcher)
    page = h.read(client, f"/tickets?q={word}", dispatcher)
    assert h.references(page["items"]) == [other["ticket"]]
    assert page["counts"]["received"] == 1


def test_the_more_pressing_of_two_priorities_holds_until_they_part(
    client: FlaskClient, dispatcher: dict[str, str], two: tuple[View, View]
) -> None:
    one, other = two
    _, tag = read_ticket(client, one["ticket"], dispatcher)
    client.patch(
        f"{BASE}/tickets/{one['ticket']}",
        json={"priority": "urgent"},
        headers={**dispatcher, "If-Match": tag},
    )
    assert _merge(client, one, other, dispatcher)["priority"] == "urgent"
    assert _post(client, one["ticket"], "unmerge", dispatcher).status_code == 200
    priorities = [read_ticket(client, v["ticket"], dispatcher)[0]["priority"] for v in two]
    assert priorities == ["urgent", "normal"]


def test_what_was_merged_can_be_parted(
    client: FlaskClient,
    dispatcher: dict[str, str],
    two: tuple[View, View],
    told: Callable[[View], list[str]],
) -> None:
    one, other = two
    before, _ = read_ticket(client, one["ticket"], dispatcher)
    _merge(client, one, other, dispatcher)
    answer = _post(client, one["ticket"], "unmerge", dispatcher)
    assert answer.status_code == 200, answer.text
    after = body_of(answer)
    changing = {"events", "last_event", "updated_at"}
    assert {key: after[key] for key in after.keys() - changing} == {
        key: before[key] for key in before.keys() - changing
    }
    assert told(one) == ["receipt", "joined", "parted"]
    assert h.references(read_ticket(client, other["ticket"], dispatcher)[0]["reports"]) == [
        other["reference"]
    ]
    h.refused(_post(client, one["ticket"], "unmerge", dispatcher), 409)
    assert move(client, one["ticket"], dispatcher, "accepted").status_code == 200


def test_merging_goes_on_from_where_it_was_merged_into(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    first, second, third = (resident.report() for _ in range(3))
    _merge(client, first, second, dispatcher)
    ticket = _merge(client, second, third, dispatcher)
    assert set(h.references(ticket["reports"])) == {
        view["reference"] for view in (first, second, third)
    }
    joined = resident.report(same_as=second["ticket"])
    assert joined["ticket"] == third["ticket"]
    assert _post(client, first["ticket"], "unmerge", dispatcher).status_code == 200
    assert h.read(client, f"/reports/{first['reference']}")["ticket"] == first["ticket"]
    assert h.read(client, f"/reports/{second['reference']}")["ticket"] == third["ticket"]


def test_one_who_withdrew_does_not_come_back(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], two: tuple[View, View]
) -> None:
    one, other = two
    _merge(client, one, other, dispatcher)
    answer = client.post(
        f"{BASE}/reports/{one['reference']}/withdraw", headers=bearer(one["tracking_token"])
    )
    assert answer.status_code == 200
    h.refused(_post(client, one["ticket"], "unmerge", dispatcher), 409)
    assert h.read(client, f"/reports/{other['reference']}")["status"] == "received"


def test_nothing_is_done_to_what_was_merged(
    client: FlaskClient, dispatcher: dict[str, str], two: tuple[View, View]
) -> None:
    one, other = two
    _merge(client, one, other, dispatcher)
    before = read_ticket(client, one["ticket"], dispatcher)
    path = f"{BASE}/tickets/{one['ticket']}"
    headers = {**dispatcher, "If-Match": before[1]}
    h.refused(move(client, one["ticket"], dispatcher, "accepted"), 409)
    h.refused(client.patch(path, json={"priority": "high"}, headers=headers), 409)
    h.refused(client.post(f"{path}/notes", json={"text": "?"}, headers=headers), 409)
    h.refused(_post(client, one["ticket"], "merge", dispatcher, into=other["ticket"]), 409)
    h.refused(_post(client, other["ticket"], "merge", dispatcher, into=one["ticket"]), 422)
    assert read_ticket(client, one["ticket"], dispatcher) == before


def test_only_what_goes_together_is_merged(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], as_person: LogIn
) -> None:
    view = resident.report()
    private = resident.report(**h.PRIVATE)
    idea = resident.report(kind="idea", category="idee")
    before = read_ticket(client, view["ticket"], dispatcher)
    for into in (private["ticket"], idea["ticket"], view["ticket"], "T-7KM-2QX-94B", "?", ""):
        answer = _post(client, view["ticket"], "merge", dispatcher, into=into)
        assert h.blamed(answer) == ["/into"], into
    h.refused(
        _post(client, view["ticket"], "merge", as_person(h.LEAD_OF_ROADS), into=idea["ticket"]), 403
    )
    path = f"{BASE}/tickets/{view['ticket']}/merge"
    h.refused(client.post(path, json={"into": idea["ticket"]}, headers=dispatcher), 428)
    assert read_ticket(client, view["ticket"], dispatcher) == before


def test_a_report_about_something_else_is_split_off(
    client: FlaskClient,
    resident: Resident,
    dispatcher: dict[str, str],
    told: Callable[[View], list[str]],
) -> None:
    first = resident.report()
    contact = {"email": f"{uuid4().hex}@example.org"}
    second = resident.report(same_as=first["ticket"], contact=contact, **LAMP)
    assert second["ticket"] == first["ticket"]
    answer = _post(
        client, first["ticket"], "split", dispatcher, reports=[second["reference"].lower()]
    )
    assert answer.status_code == 201, answer.text
    own = body_of(answer)
    assert h.references(own["reports"]) == [second["reference"]]
    # It is about what its report said, and goes where that goes.
    assert (own["category"]["code"], own["team"]["code"]) == ("lampadaire", "reseaux")
    assert read_ticket(client, own["reference"], dispatcher) == (own, answer.headers["ETag"])
    left, _ = read_ticket(client, first["ticket"], dispatcher)
    assert (h.references(left["reports"]), left["supports"]) == ([first["reference"]], 0)
    assert told(second) == ["receipt", "parted"]
    assert h.read(client, f"/reports/{second['reference']}")["ticket"] == own["reference"]


def test_a_split_leaves_something_behind(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    first, stranger = resident.report(), resident.report()
    second = resident.report(same_as=first["ticket"])
    before = read_ticket(client, first["ticket"], dispatcher)
    both = [first["reference"], second["reference"]]
    for reports in (both, [stranger["reference"]], ["?"], [second["reference"], "?"]):
        answer = _post(client, first["ticket"], "split", dispatcher, reports=reports)
        assert h.blamed(answer) == ["/reports"], reports
    assert h.blamed(_post(client, first["ticket"], "split", dispatcher, reports=[])) == ["/reports"]
    assert read_ticket(client, first["ticket"], dispatcher) == before


def test_two_merged_into_each_other_at_once_do_not_vanish(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    for _ in range(5):
        views = [resident.report() for _ in range(2)]
        ways = [(views[0], views[1]), (views[1], views[0])]

        def merge(way: tuple[View, View]) -> int:
            one, other = way
            answer = _post(
                app.test_client(), one["ticket"], "merge", dispatcher, into=other["ticket"]
            )
            return answer.status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(merge, ways))
        assert statuses[0] == 200
        assert statuses[1] in {409, 412, 422}
        tickets = {h.read(client, f"/reports/{v['reference']}")["ticket"] for v in views}
        assert len(tickets) == 1
