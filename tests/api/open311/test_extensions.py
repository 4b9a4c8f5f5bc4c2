"""Lines 37 to 44 of the checklist: what extends the standard, and alters nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from infra.clock import now
from reports.models import Event, Membership, Notice, Report, Ticket
from reports.status import Status
from tests.api import help as h
from tests.api.conftest import Build
from tests.api.open311.peer import BASE, PLACE, POTHOLE, Peer, first, key_of, refused
from tests.reports.photo_samples import jpeg
from tests.resident import Resident, bearer, move, read_ticket

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


def _ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["service_request_id"] for one in found]


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


def test_39_requests_always_tell_where_and_when(peer: Peer, resident: Resident) -> None:
    resident.report()
    listed = peer.get("/requests.json").json
    assert isinstance(listed, list)
    for one in listed:
        assert isinstance(one["lat"], float)
        assert isinstance(one["long"], float)
        assert one["updated_datetime"] >= one["requested_datetime"]


def test_40_extensions_add_attributes(app: Flask, peer: Peer) -> None:
    photo = (BytesIO(jpeg(64, 48)), "a.jpg")
    form = {**POTHOLE, **PLACE, "api_key": peer.key, "media": photo}
    form["description"] = "Un trou.\nIl est profond."
    id_ = first(peer.client.post(f"{BASE}/requests.json", data=form))["service_request_id"]
    h.render_photos(app, id_)
    plain = peer.request(id_)
    assert "extended_attributes" not in plain
    one = peer.request(id_, extensions="true")
    assert {**plain, "extended_attributes": one["extended_attributes"]} == one
    assert one["extended_attributes"] == {
        "title": "Un trou.",
        "detailed_status": "RECEIVED",
        "media_urls": [plain["media_url"]],
    }
    refused(peer.get("/requests.json", extensions="perhaps"), 400)


def test_41_detailed_statuses(
    app: Flask, peer: Peer, resident: Resident, dispatcher: dict[str, str]
) -> None:
    word, client = h.a_word(), app.test_client()
    wanted = {}
    for to, detailed in (
        (None, "RECEIVED"),
        ("accepted", "IN_PROCESS"),
        ("waiting", "IN_PROCESS"),
        ("resolved", "PROCESSED"),
        ("resolved", "ARCHIVED"),
        ("declined", "REJECTED"),
    ):
        view = resident.report(description=word)
        if to:
            told = {"public_message": "Non."} if to == Status.DECLINED else {}
            assert move(client, view["ticket"], dispatcher, to, **told).status_code == 200
        if detailed == "ARCHIVED":
            with h.parts_of(app).sessions.begin() as session:
                query = update(Ticket).where(Ticket.reference == view["ticket"])
                session.execute(query.values(closed_at=now() - timedelta(days=15)))
        wanted[view["reference"]] = detailed
    told = {
        one["service_request_id"]: one["extended_attributes"]["detailed_status"]
        for one in peer.requests(q=word, extensions="true")
    }
    assert told == wanted
    for asked in ("RECEIVED", "PROCESSED", "ARCHIVED", "ARCHIVED,REJECTED", "in_process"):
        found = _ids(peer.requests(q=word, detailed_status=asked))
        names = asked.upper().split(",")
        assert set(found) == {id_ for id_, detailed in wanted.items() if detailed in names}
    both = peer.requests(q=word, detailed_status="PROCESSED,ARCHIVED,RECEIVED", status="closed")
    assert sorted(wanted[id_] for id_ in _ids(both)) == ["ARCHIVED", "PROCESSED"]
    refused(peer.get("/requests.json", detailed_status="NOPE"), 400)


def test_41_filters(app: Flask, peer: Peer, resident: Resident) -> None:
    word = h.a_word()
    here = resident.report(description=word)["reference"]
    there = resident.report(description=word, location=h.DOCKS)["reference"]
    old = now() - timedelta(days=200)
    with h.parts_of(app).sessions.begin() as session:
        query = update(Report).where(Report.reference == there)
        session.execute(query.values(created_at=old))
    circle = {"lat": PLACE["lat"], "long": PLACE["long"], "radius": "100"}
    assert _ids(peer.requests(q=word, **circle)) == [here]
    assert _ids(peer.requests(q=word, bbox="2.2,48.8,2.22,48.81")) == [here]
    assert peer.requests(q=word, bbox="2.26,48.82,2.28,48.83") == []
    assert _ids(peer.requests(q=word, lat=PLACE["lat"], long=PLACE["long"])) == [here]
    recent = f"{now() - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    # What is old but has changed lately is told to who asks for changes.
    assert _ids(peer.requests(q=word, updated_after=recent)) == [here, there]
    assert peer.requests(q=word, updated_before=recent) == []
    names = {peer.request(here, locale=tag)["service_name"] for tag in ("fr", "fr-CA", "de")}
    assert names == {"Nid-de-poule"}
    assert peer.request(here, locale="en_GB")["service_name"] == "Pothole"
    told = refused(peer.get("/requests.json", start_date="x", locale="fr"), 400)
    assert "date et une heure" in told
    for bad in ({"radius": "-1"}, {"radius": "x"}, {"radius": "10", "lat": "100"}, {"bbox": "1"}):
        refused(peer.get("/requests.json", **{**circle, **bad}), 400)
    refused(peer.get("/requests.json", radius="10"), 400)
    for bad in ({"lat": "91"}, {"long": "-181"}, {"lat": "x"}, {"long": "1e999"}):
        assert refused(peer.get("/requests.json", **bad), 400).startswith(("lat: ", "long: "))


def test_42_extensions_come_last(peer: Peer) -> None:
    id_ = peer.sent()
    root = ElementTree.fromstring(peer.get(f"/requests/{id_}.xml", extensions="true").data)
    assert [node.tag for node in root[0]][-2:] == ["media_url", "extended_attributes"]


def test_43_pages(peer: Peer, resident: Resident) -> None:
    word = h.a_word()
    all_of_them = [resident.report(description=word)["reference"] for _ in range(5)][::-1]
    pages = [_ids(peer.requests(q=word, page=page, page_size=2)) for page in (1, 2, 3, 4)]
    assert pages == [all_of_them[:2], all_of_them[2:4], all_of_them[4:], []]
    assert _ids(peer.requests(q=word, page_size=3)) == all_of_them[:3]
    assert _ids(peer.requests(q=word, page=1)) == all_of_them
    assert _ids(peer.requests(q=word, page=1, page_size=100_000)) == all_of_them
    for bad in ({"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page_size": "0"}):
        refused(peer.get("/requests.json", **bad), 400)
    refused(peer.get("/requests.json", q="x" * 201), 400)


def test_44_a_key_may_come_in_the_header_and_on_any_call(peer: Peer) -> None:
    assert peer.key is not None
    form = {**POTHOLE, **PLACE}
    answer = peer.client.post(f"{BASE}/requests.json", data=form, headers=bearer(peer.key))
    assert first(answer)["service_request_id"]
    for path in ("/services.json", "/requests.json", "/servicerequestupdates.json"):
        assert peer.get(path, api_key=peer.key).status_code == 200
        assert peer.get(path, api_key="nope").status_code == 200
        assert peer.client.get(BASE + path, headers=bearer(peer.key)).status_code == 200


def test_44_too_many_are_told_when_to_come_back(build: Build, app: Flask) -> None:
    slow = Peer(build(WRITES_PER_MINUTE="2", READS_PER_MINUTE="2"), key_of(app, per_minute=2))
    for suffix in ("json", "xml"):
        answers = [slow.get(f"/services.{suffix}") for _ in range(6)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert late
        refused(late[0], 429)
        assert 1 <= int(late[0].headers["Retry-After"]) <= 60
    answers = [slow.send(**POTHOLE, **PLACE) for _ in range(6)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    refused(late[0], 429)
    assert 1 <= int(late[0].headers["Retry-After"]) <= 60
    id_ = "000-000-000"
    answers = [slow.tell(id_, "OPEN", update_id=str(at)) for at in range(6)]
    assert {answer.status_code for answer in answers} == {404, 429}
    # A key counts by itself, whatever others have used up.
    other = Peer(slow.client, key_of(app, per_minute=60))
    assert other.send(**POTHOLE, **PLACE).status_code == 200


def test_the_event_of_an_update_names_the_client(
    app: Flask, peer: Peer, session: Session, dispatcher: dict[str, str]
) -> None:
    id_ = peer.sent()
    assert peer.tell(id_, "IN_PROGRESS", description=quote("On y va")).status_code == 200
    told, _ = read_ticket(app.test_client(), _ticket(session, id_).reference, dispatcher)
    step = next(event for event in told["events"] if event["kind"] == "status")
    assert step["by"] == "city"
    assert step["person"] == "Open311"
