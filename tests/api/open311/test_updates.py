"""Lines 37 and 38 of the checklist: updates, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from reports.models import Event, Membership, Notice, Report, Ticket
from tests.api import help as h
from tests.api.open311.peer import BASE, Peer, first, key_of, refused
from tests.resident import Resident, move, read_ticket

STATUSES = {
    "OPEN": "received",
    "REOPEN": "received",
    "FOR_TRIAGE": "received",
    "INTERNAL_REFERRAL": "received",
    "INVESTIGATING": "accepted",
    "ACTION_SCHEDULED": "accepted",
    "PLANNED": "accepted",
    "IN_PROGRESS": "in_progress",
    "FIXED": "resolved",
    "CLOSED": "resolved",
    "DUPLICATE": "declined",
    "NO_FURTHER_ACTION": "declined",
    "NOT_COUNCILS_RESPONSIBILITY": "declined",
    "CANCELLED": "declined",
}


def _updates(peer: Peer, id_: str, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = peer.json(
        "/servicerequestupdates", service_request_id=id_, **parameters
    )
    return found


def _ticket(session: Session, id_: str) -> Ticket:
    query = (
        select(Ticket)
        .join(Membership, Membership.ticket_id == Ticket.id)
        .join(Report, Report.id == Membership.report_id)
        .where(Report.reference == id_, Membership.left_at.is_(None))
    )
    return session.scalars(query.execution_options(populate_existing=True)).one()


def test_37_updates_tell_what_became_of_reports(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    assert _updates(peer, view["reference"]) == []
    client = app.test_client()
    for to in ("accepted", "in_progress"):
        assert move(client, view["ticket"], dispatcher, to).status_code == 200
    answer = move(client, view["ticket"], dispatcher, "resolved", public_message="Rebouché.")
    assert answer.status_code == 200
    told = _updates(peer, view["reference"])
    assert [one["status"] for one in told] == ["INVESTIGATING", "IN_PROGRESS", "FIXED"]
    assert list(told[0]) == [
        "update_id",
        "service_request_id",
        "status",
        "updated_datetime",
        "description",
        "media_url",
    ]
    assert told[-1]["description"].endswith("Rebouché.")
    assert len({one["update_id"] for one in told}) == 3
    assert told == _updates(peer, view["reference"])
    root = ElementTree.fromstring(peer.get("/servicerequestupdates.xml").data)
    assert root.tag == "service_request_updates"
    assert {node.tag for node in root} == {"request_update"}


def test_37_updates_are_those_of_a_stretch_of_time(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report()
    assert move(app.test_client(), view["ticket"], dispatcher, "accepted").status_code == 200
    at = _updates(peer, view["reference"])[0]["updated_datetime"]
    assert len(_updates(peer, view["reference"], start_date=at, end_date=at)) == 1
    after = datetime.fromisoformat(at) + timedelta(seconds=1)
    later = f"{after.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert _updates(peer, view["reference"], start_date=later) == []
    wide = {"start_date": "2026-01-01", "end_date": "2026-06-01"}
    refused(peer.get("/servicerequestupdates.json", **wide), 400)
    refused(peer.get("/servicerequestupdates.json", start_date="x"), 400)


def test_37_what_is_not_public_is_in_no_update(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str]
) -> None:
    client = app.test_client()
    private, hidden, noted = (
        resident.report(**h.PRIVATE),
        resident.report(),
        resident.report(),
    )
    for view in (private, hidden):
        assert move(client, view["ticket"], dispatcher, "accepted").status_code == 200
    h.hide_report(app, hidden["reference"])
    path = f"/api/v1/tickets/{noted['ticket']}/notes"
    assert client.post(path, json={"text": "?"}, headers=dispatcher).status_code == 201
    for view in (private, hidden, noted):
        assert _updates(peer, view["reference"]) == []


@pytest.mark.parametrize(("status", "wanted"), STATUSES.items())
def test_38_an_update_moves_the_work(
    peer: Peer, session: Session, status: str, wanted: str
) -> None:
    id_ = peer.sent(email="ada@example.org")
    answer = peer.tell(id_, status, description=f"Dit par le prestataire ({status}).")
    assert first(answer).keys() == {"update_id"}
    ticket = _ticket(session, id_)
    assert ticket.status == wanted
    one = peer.request(id_)
    assert one["status"] == ("closed" if wanted in {"resolved", "declined"} else "open")
    assert one["status_notes"] == f"Dit par le prestataire ({status})."
    told = _updates(peer, id_)
    assert [one["update_id"] for one in told][-1:] == [first(answer)["update_id"]]
    assert f"({status})" in told[-1]["description"]
    news = select(Notice).where(Notice.ticket_id == ticket.id, Notice.kind == "status")
    assert len(session.scalars(news).all()) == 1


def test_38_xml_has_the_id_of_the_update(peer: Peer) -> None:
    form = {
        "api_key": peer.key,
        "update_id": h.a_word(),
        "service_request_id": peer.sent(),
        "updated_datetime": "2026-11-27T10:00:00Z",
        "status": "OPEN",
        "description": "Vu.",
    }
    answer = peer.client.post(f"{BASE}/servicerequestupdates.xml", data=form)
    assert answer.status_code == 200
    root = ElementTree.fromstring(answer.data)
    assert root.findtext("request_update/update_id")


def test_38_the_same_update_again_changes_nothing(peer: Peer, session: Session) -> None:
    id_ = peer.sent()
    once, again = (peer.tell(id_, "IN_PROGRESS", description="On y va.") for _ in range(2))
    assert first(once) == first(again)
    assert len(_updates(peer, id_)) == 1
    version = _ticket(session, id_).version
    assert first(peer.tell(id_, "IN_PROGRESS", update_id="other"))["update_id"]
    assert _ticket(session, id_).version == version


def test_38_a_name_of_an_update_is_that_of_one_report(peer: Peer) -> None:
    one, other = peer.sent(), peer.sent()
    assert peer.tell(one, "FIXED", update_id=one, description="?").status_code == 200
    assert "update_id" in refused(peer.tell(other, "FIXED", update_id=one, description="?"), 400)
    assert _updates(peer, other) == []


def test_38_each_update_has_a_name_of_its_own(
    app: Flask, peer: Peer, dispatcher: dict[str, str], session: Session
) -> None:
    id_ = peer.sent()
    ticket = _ticket(session, id_).reference
    assert move(app.test_client(), ticket, dispatcher, "resolved").status_code == 200
    [line] = _updates(peer, id_)
    names = [
        first(peer.tell(id_, status, update_id=f"{id_}{status}"))["update_id"]
        for status in ("FIXED", "CLOSED", "FIXED")
    ]
    assert line["update_id"] not in names
    assert len(set(names)) == 2
    assert names[0] == names[2]


def test_38_what_comes_late_does_not_move_the_work(peer: Peer, session: Session) -> None:
    id_ = peer.sent()
    told = {"updated_datetime": "2026-11-27T08:30:00Z", "description": "Fait."}
    assert peer.tell(id_, "FIXED", **told).status_code == 200
    late = {"updated_datetime": "2026-11-27T08:00:00Z", "description": "Vu."}
    assert peer.tell(id_, "OPEN", **late).status_code == 200
    assert _ticket(session, id_).status == "resolved"
    assert _updates(peer, id_)[-1]["description"] == "Vu."


def test_38_a_photo_is_no_reason_to_refuse_an_update(peer: Peer, session: Session) -> None:
    id_ = peer.sent()
    form = {"api_key": peer.key, "update_id": id_, "service_request_id": id_, "status": "FIXED"}
    form |= {"updated_datetime": "2026-11-27T10:00:00Z", "description": "Fait."}
    photo = {"media": ("a.jpg", b"\xff\xd8\xff" + bytes(2_000_000))}
    whole = httpx.Request("POST", "http://city.example/", data=form, files=photo)
    kind = whole.headers["Content-Type"]
    path = f"{BASE}/servicerequestupdates.json"
    answer = peer.client.post(path, data=whole.read(), content_type=kind)
    assert first(answer)["update_id"]
    assert _ticket(session, id_).status == "resolved"


def test_38_what_is_closed_is_opened_again_first(peer: Peer, session: Session) -> None:
    id_ = peer.sent()
    for status in ("CLOSED", "IN_PROGRESS", "INVESTIGATING"):
        assert peer.tell(id_, status, description=f"({status})").status_code == 200
    ticket = _ticket(session, id_)
    # There is no way back from work to planning, so that is only told.
    assert ticket.status == "in_progress"
    assert [one["status"] for one in _updates(peer, id_)] == [
        *("FIXED", "REOPEN", "IN_PROGRESS", "IN_PROGRESS")
    ]
    events = select(Event).where(Event.ticket_id == ticket.id, Event.kind == "status")
    assert all(event.data["client"] == "Open311" for event in session.scalars(events))


def test_38_who_is_declined_is_told_why(peer: Peer) -> None:
    for status in ("DUPLICATE", "NO_FURTHER_ACTION"):
        id_ = peer.sent()
        assert peer.tell(id_, status).status_code == 200
        assert peer.request(id_)["status_notes"]


def test_38_bad_updates_change_nothing(app: Flask, peer: Peer) -> None:
    id_ = peer.sent()
    for form in (
        {"update_id": None},
        {"updated_datetime": None},
        {"updated_datetime": "x"},
        {"description": "x" * 4_001},
        {"update_id": "x" * 201},
    ):
        given = {name: value for name, value in form.items() if value is not None}
        dropped = {name: "" for name, value in form.items() if value is None}
        refused(peer.tell(id_, "FIXED", **given, **dropped), 400)
    refused(peer.tell(id_, "NOPE"), 400)
    refused(peer.tell("000-000-000", "FIXED"), 404)
    refused(Peer(app.test_client(), "vk_unknown").tell(id_, "FIXED"), 403)
    assert _updates(peer, id_) == []


def test_38_an_app_speaks_for_its_own_senders_alone(
    app: Flask, peer: Peer, session: Session, dispatcher: dict[str, str]
) -> None:
    theirs = Peer(app.test_client(), key_of(app))
    own = theirs.sent()
    assert first(theirs.tell(own, "FIXED", description="C'est réparé ?"))["update_id"]
    ticket = _ticket(session, own)
    assert ticket.status == "received"
    told, _ = read_ticket(app.test_client(), ticket.reference, dispatcher)
    assert "C'est réparé ?" in [event["body"] for event in told["events"]]
    refused(theirs.tell(peer.sent(), "FIXED", description="?"), 403)
    # Of what nobody may see it does not learn that it is there.
    private = peer.sent(service_code=h.PRIVATE["category"], **{"attribute[situation]": "perdue"})
    hidden = peer.sent()
    h.hide_report(app, hidden)
    for id_ in (private, hidden):
        refused(theirs.tell(id_, "FIXED", description="?"), 404)


def test_38_an_app_withdraws_what_its_sender_takes_back(app: Flask, session: Session) -> None:
    theirs = Peer(app.test_client(), key_of(app))
    own = theirs.sent()
    assert theirs.tell(own, "CANCELLED", description="Trouvé !").status_code == 200
    ticket = _ticket(session, own)
    assert (ticket.status, ticket.withdrawn) == ("declined", True)
    assert [one["status"] for one in _updates(theirs, own)] == ["CANCELLED"]
    assert theirs.tell(own, "CANCELLED", update_id="again").status_code == 200


def test_the_event_of_an_update_names_the_client(
    app: Flask, peer: Peer, session: Session, dispatcher: dict[str, str]
) -> None:
    id_ = peer.sent()
    assert peer.tell(id_, "IN_PROGRESS", description=quote("On y va")).status_code == 200
    told, _ = read_ticket(app.test_client(), _ticket(session, id_).reference, dispatcher)
    step = next(event for event in told["events"] if event["kind"] == "status")
    assert step["by"] == "city"
    assert step["person"] == "Open311"
