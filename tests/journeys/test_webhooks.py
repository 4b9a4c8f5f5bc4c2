"""Webhooks, from the report to a receiver that proves whose they are, whatever fails on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from standardwebhooks import WebhookVerificationError

from infra.mail import Mailer
from infra.outgoing import Outgoing, Resolve
from tests import web
from tests.api import help as h
from tests.api.test_administration import Office
from tests.conftest import application
from tests.receiver import OK, Message, Receiver, receiving
from tests.resident import BASE, DISPATCHER, PASSWORD, bearer, body_of, problem_at
from tests.stack import Stack, environment, eventually
from workers.tools import Tools
from workers.webhooks import Courier

TEAM = "voirie@beaurive.example"
RECEIVED = ["report.received"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def variables(receiver: Receiver) -> dict[str, str]:
    return {
        "WEBHOOK_NETWORKS_ALLOWED": "127.0.0.1/32",
        "WEBHOOK_PORTS": str(receiver.port),
        "WEBHOOK_RETRY_SECONDS": "1",
        "WEBHOOK_LEASE_SECONDS": "4",
    }


class City:
    """A running city, its administrator, and the receiver that its webhooks lead to."""

    def __init__(self, stack: Stack, receiver: Receiver) -> None:
        self.stack, self.receiver = stack, receiver
        self.http = web.Client(base_url=f"{stack.url}{BASE}", timeout=10)
        self.office = self.log_in(h.ADMINISTRATOR)
        self.hooks: list[dict[str, Any]] = []

    def log_in(self, email: str) -> dict[str, str]:
        login = {"email": email, "password": PASSWORD}
        return bearer(self.http.post("/sessions", json=login).json()["token"])

    def hook(self, *events: str) -> tuple[dict[str, Any], str]:
        """Add a webhook to a path of its own, and return both."""
        path = f"/{uuid4().hex}"
        body = {"url": self.receiver.url(path), "events": events or RECEIVED}
        answer = self.http.post("/admin/webhooks", json=body, headers=self.office)
        assert answer.status_code == 201, answer.text
        self.hooks.append(answer.json())
        return answer.json(), path

    def report(self) -> dict[str, Any]:
        sent = self.http.post("/reports", json=problem_at())
        assert sent.status_code == 201, sent.text
        view: dict[str, Any] = sent.json()
        return view

    def log(self, hook: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.http.get(f"/admin/webhooks/{hook['id']}/deliveries", headers=self.office)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def read(self, hook: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.get(f"/admin/webhooks/{hook['id']}", headers=self.office)
        read: dict[str, Any] = answer.json()
        return read

    def act(self, hook: dict[str, Any], what: str) -> dict[str, Any]:
        headers = {**self.office, "If-Match": self.read(hook)["etag"]}
        answer = self.http.post(f"/admin/webhooks/{hook['id']}/{what}", headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def retire_all(self) -> None:
        for hook in self.hooks:
            body = {**self.read(hook), "retired": True}
            headers = {**self.office, "If-Match": body["etag"]}
            self.http.put(f"/admin/webhooks/{hook['id']}", json=body, headers=headers)

    def messages(self, path: str, count: int) -> list[Message]:
        """Return the messages that came to the path, once there are as many."""
        enough: Callable[[], list[Message]] = lambda: self.receiver.messages(path)[count - 1 :]  # noqa: E731
        eventually(enough)
        return self.receiver.messages(path)


@pytest.fixture
def city(stack: Stack, receiver: Receiver) -> Iterator[City]:
    city = City(stack, receiver)
    yield city
    city.retire_all()
    city.http.close()


def test_a_receiver_is_told_a_tickets_story(city: City) -> None:
    hook, path = city.hook("report.received", "ticket.routed", "ticket.status")
    contact = {"name": "Camille Roux", "email": f"{uuid4().hex}@example.org"}
    sent = city.http.post("/reports", json=problem_at(contact=contact)).json()
    staff, ticket = city.log_in(DISPATCHER), f"/tickets/{sent['ticket']}"
    tag = city.http.get(ticket, headers=staff).headers["ETag"]
    step = {"to": "resolved", "reason": "mot du bureau", "public_message": "Rebouché !"}
    headers = {**staff, "If-Match": tag}
    assert city.http.post(f"{ticket}/transitions", json=step, headers=headers).status_code == 200

    messages = city.messages(path, 3)
    told = [message.verified_by(hook["secret"]) for message in messages]
    assert [one["type"] for one in told] == ["report.received", "ticket.routed", "ticket.status"]
    last = told[-1]["data"]
    assert (last["event"]["from"], last["event"]["to"]) == ("received", "resolved")
    assert last["ticket"]["reference"] == sent["ticket"]
    assert last["ticket"]["reports"] == [sent["reference"]]
    assert last["ticket"]["team"] == {"code": "voirie", "name": "Équipe voirie"}
    french = {"Accept-Language": "fr"}
    public = city.http.get(f"/reports/{sent['reference']}", headers=french).json()
    for name in ("category", "description", "location", "public_message", "closed_at"):
        assert last["public"][name] == public[name]
    unsaid = ("mot du bureau", *contact.values())
    for message in messages:
        assert not any(word.encode() in message.body for word in unsaid)
    assert len({message.id for message in messages}) == 3
    with pytest.raises(WebhookVerificationError):
        messages[0].verified_by(city.hook()[0]["secret"])


def test_what_failed_comes_again_under_the_same_id(city: City) -> None:
    hook, path = city.hook()
    city.receiver.answers[path] = lambda earlier: OK if earlier else (503, {"Retry-After": "2"})
    city.report()
    first, second = city.messages(path, 2)
    assert first.id == second.id
    waited = int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"])
    assert waited >= 2
    eventually(lambda: city.log(hook)[0]["status"] == "sent")
    (line,) = city.log(hook)
    assert (line["attempts"], line["response_status"], line["error"]) == (2, 200, None)
    assert line["message"] == first.id

    city.act(hook, f"deliveries/{line['id']}/replay")
    *_, third = city.messages(path, 3)
    assert third.id == first.id
    assert third.verified_by(hook["secret"])["data"] == first.document["data"]
    metrics = web.get(f"{city.stack.url}/metrics").text
    assert 'vigie_webhook_outcomes_total{outcome="put_off"}' in metrics


def test_a_new_secret_signs_beside_the_old_one(city: City) -> None:
    hook, path = city.hook()
    fresh = city.act(hook, "secret")
    assert fresh["old_secret_until"] is not None
    city.act(hook, "test")
    (message,) = city.messages(path, 1)
    assert len(message.headers["webhook-signature"].split()) == 2
    for secret in (hook["secret"], fresh["secret"]):
        assert message.verified_by(secret)["type"] == "webhook.ping"


def test_the_silent_hold_up_neither_mails_nor_others(city: City) -> None:
    silent = [city.hook()[1] for _ in range(5)]
    for path in silent:
        city.receiver.answers[path] = city.receiver.silent
    _hook, path = city.hook()
    for _ in range(3):
        sent = city.report()
    began = time.monotonic()
    city.messages(path, 3)
    eventually(
        lambda: [one for one in city.stack.mails(TEAM) if sent["reference"] in one["Subject"]]
    )
    # As long as each of the silent ones is waited for; one after the other would take ten.
    assert time.monotonic() - began < 4
    assert all(city.receiver.messages(path) for path in silent)


def test_whoever_is_gone_is_asked_no_more(city: City) -> None:
    hook, path = city.hook()
    city.receiver.answers[path] = lambda _earlier: (410, {})
    city.act(hook, "test")
    eventually(lambda: city.read(hook)["disabled_reason"] == "gone")
    city.report()
    assert [line["type"] for line in city.log(hook)] == ["webhook.ping"]
    assert len(city.receiver.messages(path)) == 1


def test_a_killed_worker_s_message_comes_again_under_the_same_id(city: City) -> None:
    hook, path = city.hook()
    received = city.receiver

    def answer(earlier: int) -> tuple[int, dict[str, str]]:
        return OK if earlier else received.silent(earlier)

    received.answers[path] = answer
    city.report()
    city.messages(path, 1)
    assert city.stack.kill_workers("outgoing")
    first, second = city.messages(path, 2)
    assert first.id == second.id
    eventually(lambda: city.log(hook)[0]["status"] == "sent")
    assert city.log(hook)[0]["attempts"] == 2


@contextmanager
def carrying(app: Flask, resolve: Resolve, receiver: Receiver) -> Iterator[None]:
    """Run a courier that finds names by `resolve`, and may ask 127.0.0.1 but no other inside."""
    parts = h.parts_of(app)
    settings = parts.settings
    kit = Tools(
        settings, parts.sessions, parts.storage, Mailer(settings.smtp_url, "v@x"), parts.metrics
    )
    here = ip_network("127.0.0.1/32")
    outgoing = Outgoing(resolve=resolve, allowed=[here], ports={receiver.port})
    stopped = threading.Event()
    thread = threading.Thread(target=Courier(kit, outgoing).run, args=(stopped,))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@pytest.fixture
def inside_app(
    own_database_url: str, valkey: Any, tmp_path: Path, variables: dict[str, str]
) -> Iterator[Flask]:
    environ = environment(tmp_path, own_database_url, valkey.url, "smtp://127.0.0.1:9")
    with application(environ | variables) as app:
        yield app


@pytest.mark.fault(31)
def test_a_name_that_turns_inwards_leads_nowhere(inside_app: Flask, receiver: Receiver) -> None:
    answers = iter([["127.0.0.1"]])
    resolve: Resolve = lambda _name, _within_s: next(answers, ["127.0.0.2"])  # noqa: E731
    office, path = Office(inside_app), f"/{uuid4().hex}"
    url = f"http://rebinding.example:{receiver.port}{path}"
    hook = body_of(office.post("/webhooks", {"url": url, "events": RECEIVED}))
    with carrying(inside_app, resolve, receiver):
        for count in (1, 2):
            assert office.post(f"/webhooks/{hook['id']}/test", {}).status_code == 201
            eventually(lambda count=count: len(_ended(office, hook)) == count)  # type: ignore[misc]
    # Looked up once for each request, and asked at what was found alone.
    assert [message.host for message in receiver.messages(path)] == ["127.0.0.1"]
    refused, sent = office.get(f"/webhooks/{hook['id']}/deliveries")["items"]
    assert sent["response_status"] == 200
    assert refused["response_status"] is None
    assert "not public" in refused["error"]


@pytest.mark.fault(31)
def test_a_redirect_inwards_is_not_followed(inside_app: Flask, receiver: Receiver) -> None:
    office, path, inside = Office(inside_app), f"/{uuid4().hex}", f"/{uuid4().hex}"
    for code in (302, 307):
        receiver.answers[path] = lambda _earlier, code=code: (  # type: ignore[misc]
            *(code,),
            {"Location": receiver.url(inside)},
        )
        hook = body_of(office.post("/webhooks", {"url": receiver.url(path), "events": RECEIVED}))
        with carrying(inside_app, lambda _name, _within_s: [], receiver):
            office.post(f"/webhooks/{hook['id']}/test", {})
            eventually(lambda hook=hook: _ended(office, hook))  # type: ignore[misc]
        (line,) = office.get(f"/webhooks/{hook['id']}/deliveries")["items"]
        assert (line["status"], line["error"]) == ("pending", "the answer is a redirect")
        office.change(f"/webhooks/{hook['id']}", retired=True)
    assert receiver.messages(inside) == []


def _ended(office: Office, hook: dict[str, Any]) -> list[dict[str, Any]]:
    lines = office.get(f"/webhooks/{hook['id']}/deliveries")["items"]
    return [line for line in lines if line["sent_at"] or line["error"]]
