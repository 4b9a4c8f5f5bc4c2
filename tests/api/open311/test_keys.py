"""Keys of clients: given, limited, watched and withdrawn by the city's administrators."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from tests.api.open311.peer import PLACE, POTHOLE, Peer, refused
from tests.api.test_administration import Office
from tests.resident import body_of

KEY = {"name": "Fix ma rue", "channel": "app", "per_minute": 6_000}


def test_a_key_is_given_watched_and_withdrawn(own_app: Flask) -> None:
    office = Office(own_app)
    given = office.post("/keys", KEY)
    assert given.status_code == 201
    key = body_of(given)
    assert key["moves_tickets"] is False
    assert (key["reports"], key["reports_lately"], key["last_used_at"]) == (0, 0, None)
    peer = Peer(own_app.test_client(), key["secret"])
    ids = [peer.sent() for _ in range(2)]
    path = f"/keys/{key['id']}"
    seen = office.get(path)
    assert (seen["reports"], seen["reports_lately"]) == (2, 2)
    assert seen["last_used_at"] is not None
    assert "secret" not in seen
    assert key["secret"] not in str(office.get("/keys"))
    [listed] = [one for one in office.get("/keys")["items"] if one["id"] == key["id"]]
    assert listed["reports"] == 2

    refused(peer.tell(peer.sent(), "NOPE"), 400)
    assert peer.tell(ids[0], "FIXED", description="Fait.").status_code == 200
    assert peer.request(ids[0])["status"] == "open"
    changed = office.change(path, moves_tickets=True)
    assert changed.status_code == 200, changed.text
    assert peer.tell(ids[1], "FIXED", description="Fait.").status_code == 200
    assert peer.request(ids[1])["status"] == "closed"

    assert office.change(path, retired=True).status_code == 200
    refused(peer.send(**POTHOLE, **PLACE), 403)
    refused(peer.tell(ids[0], "FIXED"), 403)
    assert office.get(path)["moves_tickets"] is True


def test_pages_of_others_may_read_what_is_public(own_app: Flask) -> None:
    client = own_app.test_client()
    for path in (
        "/open311/discovery.json",
        "/open311/v2/services.xml",
        "/open311/v2/requests.json",
    ):
        answer = client.get(path, headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    sent = client.post("/open311/v2/requests.json", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in sent.headers


def test_each_line_of_the_checklist_has_a_test() -> None:
    sources = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    numbers = {int(number) for number in re.findall(r"^def test_(\d\d)_", sources, re.M)}
    # The checklist has no line 9.
    assert numbers == set(range(1, 45)) - {9}
