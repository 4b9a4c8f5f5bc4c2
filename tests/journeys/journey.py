"""The way of one report, from the phone to the closing, as every storage must let it go."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from tests import web
from tests.reports import photo_samples
from tests.resident import DISPATCHER, PASSWORD, bearer, problem_at
from tests.stack import Stack, eventually

TEAM = "voirie@beaurive.example"
ANSWER = "Le trou est rebouché. Merci de nous l'avoir signalé !"


def travel(stack: Stack) -> dict[str, Any]:
    """Send a report with two photos, see it worked on and closed; return the reporter's view."""
    reporter = f"journey-{uuid4().hex}@example.org"
    with web.Client(base_url=f"{stack.url}/api/v1", timeout=10) as http:
        sent = send(http, reporter)
        token = bearer(sent["tracking_token"])
        reference = sent["reference"]

        _put(http, sent, photo_samples.heic_with_gps())
        _put(http, sent, photo_samples.jpeg(640, 480, orientation=6, gps=True, comment="hello"))
        view = eventually(lambda: _with_photos_ready(http, reference, token))
        for photo in view["photos"]:
            _check_derivatives(http, photo)

        arrival = eventually(lambda: _about(stack.mails(TEAM), reference))[0]
        assert sent["ticket"] in text_of(arrival)
        assert reporter not in arrival.as_string()

        close(http, sent["ticket"])
        mails = eventually(lambda: _at_least(stack.mails(reporter), 3))

        assert len(mails) == 3
        assert len({mail["Message-ID"] for mail in mails}) == 3
        page = f"{stack.url}/r/{reference}"
        assert all(page in text_of(mail) for mail in mails)
        assert all(mail["To"] == reporter for mail in mails)
        assert ANSWER in text_of(mails[2])

        events = http.get(f"/reports/{reference}/events").json()["items"]
        told = [event["status"] for event in events if event["status"]]
        assert told == ["received", "accepted", "resolved"]
        assert ANSWER in events[-1]["text"]
        public = http.get(f"/reports/{reference}").json()
        assert public["status"] == "resolved"
        assert public["public_message"] == ANSWER
        assert public["closed_at"] is not None
        assert "contact" not in public
        assert ANSWER in web.get(page, headers={"Accept-Language": "fr"}).text.replace("&#39;", "'")
    return view


def send(http: httpx.Client, reporter: str) -> dict[str, Any]:
    """Send a report whose reporter can be written to, and return their view."""
    body = problem_at(contact={"name": "Camille", "email": reporter}, locale="fr")
    answer = http.post("/reports", json=body)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(view["reference"])
    return view


def _put(http: httpx.Client, sent: dict[str, Any], data: bytes) -> None:
    url = sent["photo_upload"]["template"].replace("{uuid}", str(uuid4()))
    headers = {**bearer(sent["tracking_token"]), "Content-Type": "application/octet-stream"}
    answer = http.put(url, content=data, headers=headers)
    assert answer.status_code == 201, answer.text


def _with_photos_ready(
    http: httpx.Client, reference: str, token: dict[str, str]
) -> dict[str, Any] | None:
    view: dict[str, Any] = http.get(f"/reports/{reference}", headers=token).json()
    ready = [photo for photo in view["photos"] if photo["status"] == "ready"]
    return view if len(ready) == 2 else None


def _check_derivatives(http: httpx.Client, photo: dict[str, Any]) -> None:
    assert photo["placeholder"].startswith("data:image/")
    for size, urls in photo["urls"].items():
        for url in urls.values():
            answer = http.get(url)
            assert answer.status_code == 200
            picture = Image.open(BytesIO(answer.content))
            assert max(picture.size) <= int(size)
            assert photo_samples.quadrants(answer.content) == photo_samples.UPRIGHT
            assert not picture.getexif()
            assert not any(mark in answer.content for mark in photo_samples.PRIVATE_MARKS)
            again = http.get(url, headers={"If-None-Match": answer.headers["ETag"]})
            assert again.status_code == 304


def close(http: httpx.Client, ticket: str) -> None:
    """Accept a ticket and resolve it, as the dispatcher."""
    login = http.post("/sessions", json={"email": DISPATCHER, "password": PASSWORD})
    staff = bearer(login.json()["token"])
    for step in (
        {"to": "accepted", "reason": "Vu sur place"},
        {"to": "resolved", "reason": "Enrobé posé", "public_message": ANSWER},
    ):
        tag = http.get(f"/tickets/{ticket}", headers=staff).headers["ETag"]
        headers = {**staff, "If-Match": tag}
        answer = http.post(f"/tickets/{ticket}/transitions", json=step, headers=headers)
        assert answer.status_code == 200, answer.text


def _about(mails: list[EmailMessage], reference: str) -> list[EmailMessage]:
    return [mail for mail in mails if reference in mail["Subject"]]


def _at_least(mails: list[EmailMessage], count: int) -> list[EmailMessage] | None:
    return mails if len(mails) >= count else None


def text_of(mail: EmailMessage) -> str:
    """Return what a mail says to who reads plain text."""
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text
