"""The mail server is down or slow, or a job is poisoned: all others go on (fault 40)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from rq import Queue
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from infra.mail import Mail, Mailer
from infra.queue import QueueName, connect
from reports import gallery
from reports.mail import delivery
from tests import web
from tests.conftest import running
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, PASSWORD, bearer, problem_at
from tests.stack import Stack, environment, eventually, free_port

pytestmark = pytest.mark.fault(40)

HURRY = {"NOTICE_LEASE_SECONDS": "3"}
SLOW, LATER, FINE = "slow@example.org", "later@example.org", "fine@example.org"
Row = tuple[Any, ...]


class _Picky:
    """A mail server that never answers for one recipient and puts another off for ever."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address == SLOW:
            await asyncio.sleep(3600)
        if address == LATER:
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.taken += envelope.rcpt_tos
        return "250 OK"


class _Town:
    """A stack, its database, and a dispatcher who looks at it."""

    def __init__(self, stack: Stack, http: httpx.Client, database: psycopg.Connection[Row]) -> None:
        self.stack = stack
        self.database = database
        self._http = http
        login = {"email": DISPATCHER, "password": PASSWORD}
        self._staff = bearer(self._http.post("/sessions", json=login).json()["token"])

    def report(self, email: str) -> dict[str, Any]:
        answer = self._http.post("/reports", json=problem_at(contact={"email": email}))
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def send_photo(self, view: dict[str, Any]) -> None:
        headers = {**bearer(view["tracking_token"]), "Content-Type": "image/jpeg"}
        url = f"/reports/{view['reference']}/photos/{uuid4()}"
        assert self._http.put(url, content=photo_samples.jpeg(), headers=headers).is_success

    def photo(self, view: dict[str, Any]) -> str:
        (photo,) = self._http.get(f"/reports/{view['reference']}").json()["photos"]
        status: str = photo["status"]
        return status

    def receipt(self, view: dict[str, Any]) -> tuple[str, int]:
        """Return the status and the attempts of the reporter's notice."""
        query = """
            SELECT notices.status, notices.attempt FROM notices
            JOIN reports ON reports.id = notices.report_id
            WHERE reports.reference = %s AND notices.kind = 'receipt'
        """
        ((status, attempt),) = self.database.execute(query, (view["reference"],)).fetchall()
        return status, attempt

    def has_tried(self, view: dict[str, Any], times: int) -> bool:
        return self.receipt(view)[1] >= times

    def has_ended(self, view: dict[str, Any], status: str) -> bool:
        return self.receipt(view)[0] == status

    def let_time_pass(self) -> None:
        """Let the time come for the next attempt at what waits."""
        self.database.execute("UPDATE notices SET due_at = now() WHERE status = 'pending'")

    def come_to_the_last_attempt(self) -> None:
        """Let hours pass for what waits."""
        self.database.execute(
            "UPDATE notices SET attempt = %s WHERE status = 'pending'",
            (delivery.MAX_ATTEMPTS - 1,),
        )
        self.let_time_pass()

    def poison(self, view: dict[str, Any]) -> None:
        """Make a report's receipt one that cannot be written, and its photo one that kills.

        The queue gets jobs besides that nobody knows how to do.
        """
        of_report = "report_id = (SELECT id FROM reports WHERE reference = %s)"
        self.database.execute(
            f"UPDATE notices SET seq = 999 WHERE kind = 'receipt' AND {of_report}",
            (view["reference"],),
        )
        self.database.execute(
            f"UPDATE photos SET strikes = %s WHERE {of_report}",
            (gallery.MAX_STRIKES, view["reference"]),
        )
        for name in QueueName:
            queue = Queue(
                name, connection=connect(self.stack.environ["REDIS_URL"]), serializer=JSONSerializer
            )
            queue.enqueue_call("workers.nothing.at_all", args=(1, None), at_front=True)
            queue.enqueue_call("workers.notices.send", args=("no id",), at_front=True)

    def history(self, view: dict[str, Any]) -> list[str]:
        ticket = self._http.get(f"/tickets/{view['ticket']}", headers=self._staff).json()
        return [event["kind"] for event in ticket["events"]]

    def public_history(self, view: dict[str, Any]) -> list[str]:
        events = self._http.get(f"/reports/{view['reference']}/events").json()["items"]
        return [event["kind"] for event in events]

    def inbox(self, undelivered: str) -> set[str]:
        listed = self._http.get(
            "/tickets", params={"undelivered": undelivered}, headers=self._staff
        ).json()["items"]
        assert {item["undelivered"] for item in listed} <= {undelivered == "true"}
        return {item["reference"] for item in listed}


@pytest.fixture
def start_town(
    tmp_path: Path, own_database_url: str, own_valkey: Valkey
) -> Iterator[Callable[[str], _Town]]:
    """Return what starts a town whose mail goes to the address."""
    with ExitStack() as parts:

        def start(smtp_url: str) -> _Town:
            environ = environment(tmp_path, own_database_url, own_valkey.url, smtp_url)
            stack = Stack(tmp_path, {**environ, **HURRY}, tmp_path / "mail")
            return _Town(
                parts.enter_context(running(stack)),
                parts.enter_context(web.Client(base_url=f"{stack.url}{BASE}", timeout=15)),
                parts.enter_context(psycopg.connect(own_database_url, autocommit=True)),
            )

        yield start


@pytest.fixture
def picky() -> Iterator[tuple[_Picky, str]]:
    server, port = _Picky(), free_port()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    yield server, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_40_a_server_that_is_down_or_silent_gets_its_mail_later(
    start_town: Callable[[str], _Town], tmp_path: Path
) -> None:
    port = free_port()
    town = start_town(f"smtp://127.0.0.1:{port}")
    sent = town.report(FINE)
    town.send_photo(sent)
    eventually(lambda: town.receipt(sent)[1] >= 2)
    eventually(lambda: town.photo(sent) == "ready")

    with socket.create_server(("127.0.0.1", port)) as silent:
        before = town.receipt(sent)[1]
        town.let_time_pass()
        eventually(lambda: town.receipt(sent)[1] > before)
        other = town.report(FINE)
        town.send_photo(other)
        eventually(lambda: town.photo(other) == "ready")
        assert town.receipt(sent)[0] == "pending"
        silent.accept()[0].close()

    mailbox = Mailbox(tmp_path / "mail", port=port)
    mailbox.start()
    town.let_time_pass()
    eventually(lambda: town.receipt(sent)[0] == town.receipt(other)[0] == "sent", 60)
    mailbox.stop()
    assert len({mail["Message-ID"] for mail in town.stack.mails(FINE)}) == 2
    assert "notice_failed" not in town.history(sent)


def test_40_what_is_never_taken_is_given_up_and_shown(
    start_town: Callable[[str], _Town], picky: tuple[_Picky, str]
) -> None:
    server, url = picky
    town = start_town(url)
    slow, later, fine = (town.report(email) for email in (SLOW, LATER, FINE))
    eventually(lambda: server.taken.count("voirie@beaurive.example") == 3 and FINE in server.taken)
    for view in (slow, later):
        eventually(partial(town.has_tried, view, 2))
        assert town.receipt(view)[0] == "pending"
        assert "notice_failed" not in town.history(view)
    assert town.inbox("true") == set()

    town.come_to_the_last_attempt()

    for view in (slow, later):
        eventually(partial(town.has_ended, view, "failed"))
        assert town.receipt(view)[1] == delivery.MAX_ATTEMPTS
        assert town.history(view).count("notice_failed") == 1
        assert "notice_failed" not in town.public_history(view)
    assert town.receipt(fine) == ("sent", 1)
    assert town.inbox("true") == {slow["ticket"], later["ticket"]}
    assert town.inbox("false") == {fine["ticket"]}


def _stall(listening: socket.socket, heard: list[bytes]) -> None:
    """Say what SMTP asks for until a recipient is named, and nothing from then on."""
    with listening.accept()[0] as line:
        line.sendall(b"220 here\r\n")
        while not (said := line.recv(1024)).startswith(b"rcpt"):
            line.sendall(b"250 here\r\n")
        heard += [said, line.recv(1024)]


def test_40_a_conversation_that_takes_too_long_is_left_without_a_farewell() -> None:
    heard: list[bytes] = []
    mail = Mail(FINE, "Trou", "text", "<p>text</p>", "<1@example.org>")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stalling = Thread(target=_stall, args=(listening, heard))
        stalling.start()
        mailer = Mailer(f"smtp://127.0.0.1:{listening.getsockname()[1]}", "vigie@example.org")
        with pytest.raises(JobTimeoutException), UnixSignalDeathPenalty(1, JobTimeoutException):  # type: ignore[no-untyped-call]
            mailer.send(mail)
        stalling.join()
    assert heard == [f"rcpt TO:<{FINE}>\r\n".encode(), b""]


def test_40_a_poisoned_job_harms_itself_alone(
    start_town: Callable[[str], _Town], picky: tuple[_Picky, str]
) -> None:
    _, url = picky
    town = start_town(url)
    town.stack.stop_workers()
    poisoned, sound = town.report(FINE), town.report(FINE)
    for view in (poisoned, sound):
        town.send_photo(view)
    town.poison(poisoned)
    town.stack.start_workers()

    eventually(lambda: town.receipt(sound)[0] == "sent" and town.photo(sound) == "ready")
    eventually(lambda: town.photo(poisoned) == "rejected")
    eventually(lambda: town.receipt(poisoned)[1] >= 2)
    town.come_to_the_last_attempt()
    eventually(lambda: town.receipt(poisoned)[0] == "failed")
    assert town.receipt(poisoned)[1] == delivery.MAX_ATTEMPTS

    assert {"photo_failed", "notice_failed"} <= set(town.history(poisoned))
    assert not {"photo_failed", "notice_failed"} & set(town.public_history(poisoned))
    assert town.inbox("true") == {poisoned["ticket"]}
    assert town.receipt(sound) == ("sent", 1)
    later = town.report(FINE)
    eventually(lambda: town.receipt(later)[0] == "sent")
