"""The people of a city, as they use Vigie: residents with a mailbox, staff with a session."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx

from tests import web
from tests.resident import PASSWORD, bearer
from tests.stack import Stack


@dataclass(frozen=True)
class Town:
    """A running city, and the way to ask its API."""

    stack: Stack
    http: httpx.Client


class Resident:
    """Somebody with a phone, and an address for mails unless they gave none."""

    def __init__(
        self, town: Town, name: str, locale: str = "fr", *, reachable: bool = True
    ) -> None:
        self.name, self.locale = name, locale
        self.email = f"{name.lower()}@residents.example" if reachable else None
        self._stack, self._http = town.stack, town.http
        self.sent: dict[str, Any] = {}

    @property
    def reference(self) -> str:
        """Return the reference of their report."""
        return str(self.sent["reference"])

    @property
    def ticket(self) -> str:
        """Return the ticket that their report is in by now."""
        return str(self.look()["ticket"])

    def report(self, category: str, place: dict[str, float], text: str, **members: Any) -> None:
        """Send a report, which is taken."""
        contact = {"name": self.name, "email": self.email} if self.email else None
        body = {
            "kind": "problem",
            "category": category,
            "location": place,
            "description": text,
            "locale": self.locale,
            **({"contact": contact} if contact else {}),
            **members,
        }
        answer = self._http.post("/reports", json=body)
        assert answer.status_code == 201, answer.text
        self.sent = answer.json()

    def similar(self, category: str, place: dict[str, float], text: str) -> list[dict[str, Any]]:
        """Ask whether others reported the same before."""
        query: dict[str, str | float] = {**place, "category": category, "description": text}
        found: list[dict[str, Any]] = self._http.get("/similar", params=query).json()["items"]
        return found

    def write(self, text: str) -> None:
        """Write to the city."""
        answer = self._post("messages", {"text": text})
        assert answer.status_code == 201, answer.text

    def withdraw(self) -> None:
        """Take the report back."""
        assert self._post("withdraw", None).status_code == 200

    def feedback(self, body: dict[str, Any]) -> httpx.Response:
        """Say whether it is solved."""
        return self._post("feedback", body)

    def answer_by_link(self, text: str) -> None:
        """Answer on the page that the newest mail leads to, without any script."""
        links = re.findall(r"http://\S+/r/\S+\?token=\S+", said(self.mails()[-1]))
        page = web.post(links[0], data={"text": text}, follow_redirects=True, timeout=20)
        assert page.status_code == 200, page.text

    def look(self) -> dict[str, Any]:
        """Return their own view of their report."""
        answer = self._http.get(
            f"/reports/{self.reference}", headers=bearer(self.sent["tracking_token"])
        )
        assert answer.status_code in {200, 410}, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def statuses(self) -> list[str]:
        """Return what the public history says of the work, without repeats."""
        events = self._http.get(f"/reports/{self.reference}/events").json()["items"]
        return without_repeats(event["status"] for event in events if event["status"])

    def mails(self) -> list[EmailMessage]:
        """Return what they got, in the order in which it was sent."""
        return self._stack.mails(self.email) if self.email else []

    def _post(self, act: str, body: dict[str, Any] | None) -> httpx.Response:
        path = f"/reports/{self.reference}/{act}"
        return self._http.post(path, json=body, headers=bearer(self.sent["tracking_token"]))


class Officer:
    """Somebody of the city, with their session open."""

    def __init__(self, town: Town, email: str) -> None:
        self._http = town.http
        login = self._http.post("/sessions", json={"email": email, "password": PASSWORD})
        assert login.status_code == 201, login.text
        self._session = bearer(login.json()["token"])

    def read(self, path: str, **query: Any) -> Any:
        """Return what is answered there."""
        answer = self._http.get(path, params=query, headers=self._session)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def lines(self, path: str) -> list[dict[str, Any]]:
        """Return a file of one JSON document a line."""
        answer = self._http.get(path, headers=self._session)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def ticket(self, reference: str) -> dict[str, Any]:
        """Read a ticket."""
        found: dict[str, Any] = self.read(f"/tickets/{reference}")
        return found

    def tag(self, reference: str) -> str:
        """Return the version that a ticket has now."""
        answer = self._http.get(f"/tickets/{reference}", headers=self._session)
        return str(answer.headers["ETag"])

    def act(self, reference: str, act: str, body: Any = None) -> dict[str, Any]:
        """Do something with a ticket as it is now, which succeeds."""
        headers = {**self._session, "If-Match": self.tag(reference)}
        answer = self._http.post(f"/tickets/{reference}/{act}", json=body, headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def change(self, reference: str, **wanted: Any) -> dict[str, Any]:
        """Change a ticket as it is now."""
        headers = {**self._session, "If-Match": self.tag(reference)}
        answer = self._http.patch(f"/tickets/{reference}", json=wanted, headers=headers)
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()
        return changed

    def move(self, reference: str, to: str, reason: str, message: str | None = None) -> None:
        """Move a ticket on."""
        body = {"to": to, "reason": reason}
        self.act(reference, "transitions", body | ({"public_message": message} if message else {}))

    def answer(self, reference: str, to: str, reason: str, template: str) -> None:
        """Move a ticket on, and have its reporters read what a template says."""
        self.act(reference, "transitions", {"to": to, "reason": reason, "template": template})

    def show(self, reference: str, purpose: str, data: bytes) -> None:
        """Put a photo of the work on a ticket."""
        headers = {**self._session, "Content-Type": "image/jpeg"}
        path = f"/tickets/{reference}/photos/{uuid4()}"
        answer = self._http.put(path, params={"purpose": purpose}, content=data, headers=headers)
        assert answer.status_code == 201, answer.text

    def move_all(self, references: list[str], to: str, reason: str, message: str) -> None:
        """Move several tickets on at once."""
        items = [{"reference": one, "etag": self.tag(one)} for one in references]
        transition = {"to": to, "reason": reason, "public_message": message}
        body = {"items": items, "transition": transition}
        answer = self._http.post("/tickets/bulk", json=body, headers=self._session)
        assert [item["status"] for item in answer.json()["items"]] == [200] * len(items)

    def post(self, path: str, body: Any = None) -> None:
        """Do something that succeeds."""
        answer = self._http.post(path, json=body, headers=self._session)
        assert answer.is_success, answer.text


def said(mail: EmailMessage) -> str:
    """Return the words of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


def without_repeats(words: Iterator[str]) -> list[str]:
    """Return the words, each that is the same as the one before left out."""
    told: list[str] = []
    for word in words:
        if told[-1:] != [word]:
            told.append(word)
    return told
