"""Lines 39 to 44 of the checklist: what extends the standard, and alters nothing of it."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from flask import Flask
from sqlalchemy import update

from infra.clock import now
from reports.models import Report, Ticket
from reports.status import Status
from tests.api import help as h
from tests.api.conftest import Build
from tests.api.open311.peer import BASE, PLACE, POTHOLE, Peer, first, key_of, refused
from tests.reports.photo_samples import jpeg
from tests.resident import Resident, bearer, move


def _ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["service_request_id"] for one in found]


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
    other = Peer(slow.client, key_of(app))
    assert other.send(**POTHOLE, **PLACE).status_code == 200
