"""A team shows its work, and a picture that was used before comes to light by itself."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests import web
from tests.reports.photo_samples import scene, shot
from tests.resident import BASE, DISPATCHER, INSIDE, PASSWORD, bearer, problem_at
from tests.stack import Stack, eventually

HERE = (INSIDE["latitude"], INSIDE["longitude"])


def test_a_picture_that_did_for_another_ticket_is_flagged_by_the_worker(stack: Stack) -> None:
    picture = scene(7, 640, 480)
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=10) as http:
        login = {"email": DISPATCHER, "password": PASSWORD}
        http.headers.update(bearer(http.post("/sessions", json=login).json()["token"]))
        first, second = (http.post("/reports", json=problem_at()).json() for _ in range(2))

        _show(http, first["ticket"], shot(picture, *HERE))
        copy = _show(http, second["ticket"], shot(picture.resize((400, 300)), *HERE, quality=50))

        [flag] = http.get(f"/tickets/{second['ticket']}").json()["flags"]
        assert (flag["code"], flag["photo"]) == ("seen_before", copy["id"])
        assert flag["ticket"] == first["ticket"]
        flagged = http.get("/tickets?flagged=true").json()["items"]
        assert [item["reference"] for item in flagged] == [second["ticket"]]
        assert not any(second["ticket"] in str(mail["Subject"]) for mail in stack.mails(DISPATCHER))


def _show(http: httpx.Client, ticket: str, data: bytes) -> dict[str, Any]:
    """Put up a photo of the work done, and return it when it is ready."""
    path = f"/tickets/{ticket}/photos/{uuid4()}?purpose=after"
    sent = http.put(path, content=data, headers={"Content-Type": "image/jpeg"})
    assert sent.status_code == 201, sent.text
    photo: dict[str, Any] = sent.json()
    eventually(lambda: http.get(photo["urls"]["1600"]["webp"]).status_code == 200)
    return photo
