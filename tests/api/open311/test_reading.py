"""Lines 29 to 36 of the checklist: requests, as others poll them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from infra.clock import now
from reports.models import Membership, Report, Ticket
from tests.api import help as h
from tests.api.open311.peer import BASE, Peer, refused
from tests.resident import Resident, move
from tests.statements import asked_of


def _date_back(app: Flask, reference: str, at: datetime) -> None:
    with h.parts_of(app).sessions.begin() as session:
        query = update(Report).where(Report.reference == reference).values(created_at=at)
        session.execute(query)


def _ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["service_request_id"] for one in found]


@pytest.fixture
def word() -> str:
    return h.a_word()


@pytest.fixture
def three(app: Flask, resident: Resident, word: str) -> list[str]:
    """Return reports of now, of 30 and of 120 days ago that say the word."""
    found = []
    for days in (0, 30, 120):
        reference = resident.report(description=f"Trou {word}")["reference"]
        _date_back(app, reference, now() - timedelta(days=days))
        found.append(reference)
    return found


def test_29_a_request_tells_what_the_city_does(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report(location=h.CENTRE)
    one = peer.request(view["reference"])
    assert one["service_request_id"] == view["reference"]
    assert one["status"] == "open"
    assert one["service_code"] == "nid-de-poule"
    assert one["service_name"] == "Nid-de-poule"
    assert one["agency_responsible"] == "Équipe voirie"
    assert "Équipe voirie" in one["service_notice"]
    assert one["expected_datetime"] == view["due_at"][:19] + "Z"
    assert one["address"] == (view["address"] or "")
    answer = move(
        app.test_client(), view["ticket"], dispatcher, "declined", public_message="Hors commune."
    )
    assert answer.status_code == 200
    one = peer.request(view["reference"])
    assert one["status"] == "closed"
    assert one["status_notes"] == "Hors commune."
    english = peer.request(view["reference"], locale="en")
    assert english["service_name"] == "Pothole"
    assert english["service_notice"] == "Nothing more is planned."


def test_30_ids_override_everything_else(peer: Peer, three: list[str]) -> None:
    old = three[2]
    listed = ",".join([three[0], old, "000-000-000", "nonsense"])
    found = peer.requests(
        service_request_id=listed, status="closed", start_date="garbage", service_code="velo"
    )
    assert _ids(found) == [three[0], old]
    assert peer.requests(service_request_id="000-000-000") == []
    spelled = three[0].replace("-", "").lower()
    assert _ids(peer.requests(service_request_id=spelled)) == [three[0]]


def test_31_codes_and_statuses_come_by_comma_or_again(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str], word: str
) -> None:
    hole = resident.report(description=word)
    bike = resident.report(description=word, category="velo")
    sign = resident.report(description=word, category="signalisation")
    assert move(app.test_client(), sign["ticket"], dispatcher, "resolved").status_code == 200
    path = f"{BASE}/requests.json?q={word}"
    for query, wanted in (
        ("service_code=velo,nid-de-poule", [bike, hole]),
        ("service_code=velo&service_code=signalisation", [sign, bike]),
        ("status=open", [bike, hole]),
        ("status=closed", [sign]),
        ("status=open,closed", [sign, bike, hole]),
        ("status=Open&status=CLOSED&service_code=signalisation", [sign]),
    ):
        found = peer.client.get(f"{path}&{query}").json
        assert isinstance(found, list)
        assert _ids(found) == [view["reference"] for view in wanted], query
    refused(peer.client.get(f"{path}&service_code=velo,nope"), 404)
    refused(peer.client.get(f"{path}&status=open,done"), 400)


def test_32_the_last_90_days_unless_told(peer: Peer, three: list[str], word: str) -> None:
    assert _ids(peer.requests(q=word)) == three[:2]
    day = timedelta(days=1)
    begin, end = now() - 31 * day, now() - 29 * day
    found = peer.requests(q=word, start_date=f"{begin:%Y-%m-%dT%H:%M:%SZ}", end_date=f"{end:%F}")
    assert _ids(found) == [three[1]]


def test_32_both_ends_are_within(peer: Peer, three: list[str], word: str) -> None:
    at = peer.request(three[1])["requested_datetime"]
    assert _ids(peer.requests(q=word, start_date=at, end_date=at)) == [three[1]]


def test_32_at_most_a_thousand_by_one_statement(
    app: Flask, peer: Peer, resident: Resident, session: Session
) -> None:
    resident.report()
    with asked_of(h.parts_of(app).engine) as asked:
        assert len(peer.get("/requests.json").json or []) > 0
        told = len(asked)
        peer.get("/requests.xml")
    assert told == len(asked) - told <= 3
    limits = [one.values for one in asked if "LIMIT" in one and "reports" in one]
    assert any(1_000 in values.values() for values in limits if isinstance(values, dict))


def test_33_a_span_is_bounded(peer: Peer, three: list[str], word: str) -> None:
    refused(peer.get("/requests.json", start_date="2026-01-01", end_date="2026-06-01"), 400)
    start = now() - timedelta(days=121)
    assert _ids(peer.requests(q=word, start_date=f"{start:%F}")) == [three[2]]
    start = now() - timedelta(days=119)
    assert _ids(peer.requests(q=word, start_date=f"{start:%F}")) == [three[1]]
    end = now() - timedelta(days=1)
    assert _ids(peer.requests(q=word, end_date=f"{end:%F}")) == [three[1]]
    whole = {"start_date": f"{now() - timedelta(days=90):%F}", "end_date": f"{now():%F}"}
    assert _ids(peer.requests(q=word, **whole)) == three[:2]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00"),
        ("2026-03-01T10:00:00+01:00", "2026-03-01T09:00:00"),
        ("2026-03-01T10:00:00 01:00", "2026-03-01T09:00:00"),
        ("2026-03-01T10:00:00-0500", "2026-03-01T15:00:00"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123456"),
        ("2026-03-01T10:00:00.123456789+00:00", "2026-03-01T10:00:00.123456"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00"),
        ("2026-03-01 10:00", "2026-03-01T10:00:00"),
        ("2026-03-01", "2026-03-01T00:00:00"),
    ],
)
def test_34_dates_come_in_many_forms(
    app: Flask, peer: Peer, resident: Resident, word: str, text: str, same: str
) -> None:
    at = datetime.fromisoformat(same).replace(tzinfo=UTC)
    reference = resident.report(description=word)["reference"]
    _date_back(app, reference, at)
    assert _ids(peer.requests(q=word, start_date=text, end_date="2026-05-01")) == [reference]
    _date_back(app, reference, at - timedelta(microseconds=1))
    assert peer.requests(q=word, start_date=text, end_date="2026-05-01") == []


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "01/03/2026", "2026-13-01", "2026-03-01T25:00:00Z", "1772359200"),
        *(
            "0001-01-01",
            "2026-03-01T10:00:00+99:00",
            "2026-03-01T10",
            "9999-12-31",
            "２０２６-03-01",
        ),
    ],
)
def test_34_garbage_is_400(peer: Peer, text: str) -> None:
    for name in ("start_date", "end_date", "updated_after", "updated_before"):
        assert name in refused(peer.get("/requests.json", **{name: text}), 400)


def test_35_what_is_closed_was_updated_when_it_closed(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str], session: Session
) -> None:
    view = resident.report()
    assert move(app.test_client(), view["ticket"], dispatcher, "resolved").status_code == 200
    answer = app.test_client().post(
        f"/api/v1/tickets/{view['ticket']}/notes", json={"text": "?"}, headers=dispatcher
    )
    assert answer.status_code == 201
    query = select(Ticket).join(Membership, Membership.ticket_id == Ticket.id)
    ticket = session.scalars(
        query.join(Report, Report.id == Membership.report_id).where(
            Report.reference == view["reference"]
        )
    ).one()
    assert ticket.closed_at is not None
    ticket.closed_at -= timedelta(hours=3)
    session.commit()
    told = peer.request(view["reference"])["updated_datetime"]
    assert told == f"{ticket.closed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_36_one_request_is_a_list_of_one(app: Flask, peer: Peer, resident: Resident) -> None:
    view = resident.report()
    found = peer.get(f"/requests/{view['reference']}.json").json
    assert isinstance(found, list)
    assert _ids(found) == [view["reference"]]
    private = resident.report(**h.PRIVATE)["reference"]
    hidden = resident.report()["reference"]
    h.hide_report(app, hidden)
    for reference in ("000-000-000", "nonsense", view["ticket"], private, hidden):
        for suffix in ("json", "xml"):
            refused(peer.get(f"/requests/{reference}.{suffix}"), 404)
    listed = peer.get("/requests.json").json
    assert isinstance(listed, list)
    assert not {private, hidden} & set(_ids(listed))
