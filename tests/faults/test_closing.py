"""Twenty people close one ticket at once: it is closed once (fault 34)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests import web
from tests.resident import BASE, DISPATCHER, PASSWORD, bearer, problem_at
from tests.stack import Stack, eventually

CLOSERS = 20
# As many as the web server has threads for, less a few for chance.
CROWD = 10
Close = Callable[[int], httpx.Response]


def _at_once(stack: Stack, ticket: str, work: Close) -> list[httpx.Response]:
    """Have everybody at work before anybody can be done: the ticket is held until many wait."""
    with psycopg.connect(stack.environ["DATABASE_URL"]) as database:
        database.execute("SELECT FROM tickets WHERE reference = %s FOR UPDATE", (ticket,))
        with ThreadPoolExecutor(CLOSERS) as threads:
            calls = [threads.submit(work, number) for number in range(CLOSERS)]
            eventually(lambda: _waiting(database) >= CROWD)
            database.rollback()
            return [call.result() for call in calls]


def _waiting(database: psycopg.Connection[tuple[Any, ...]]) -> int:
    ((count,),) = database.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchall()
    return int(count)


@pytest.fixture
def http(stack: Stack) -> httpx.Client:
    limits = httpx.Limits(max_connections=CLOSERS, max_keepalive_connections=CLOSERS)
    return web.Client(base_url=f"{stack.url}{BASE}", timeout=30, limits=limits)


@pytest.mark.fault(34)
@pytest.mark.parametrize("to", [["resolved"], ["resolved", "declined"]])
def test_34_of_twenty_closes_one_wins(stack: Stack, http: httpx.Client, to: list[str]) -> None:
    address = f"{uuid4().hex}@example.org"
    sent = http.post("/reports", json=problem_at(contact={"email": address})).json()
    login = http.post("/sessions", json={"email": DISPATCHER, "password": PASSWORD}).json()
    staff = bearer(login["token"])
    ticket = f"/tickets/{sent['ticket']}"
    tag = http.get(ticket, headers=staff).headers["ETag"]

    def close(number: int) -> httpx.Response:
        body = {
            "to": to[number % len(to)],
            "reason": f"{number}",
            "public_message": f"Word {number}.",
        }
        headers = {**staff, "If-Match": tag}
        return http.post(f"{ticket}/transitions", json=body, headers=headers)

    answers = _at_once(stack, sent["ticket"], close)

    counted = Counter(answer.status_code for answer in answers)
    assert counted[200] == 1
    assert counted[200] + counted[409] + counted[412] == CLOSERS
    (winner,) = (answer.json() for answer in answers if answer.status_code == 200)
    now = http.get(ticket, headers=staff).json()
    assert now["status"] == winner["status"]
    changes = [event for event in now["events"] if event["kind"] == "status"]
    assert len(changes) == 1
    both = eventually(lambda: _both(stack.mails(address)))
    assert any(changes[0]["body"] in mail.as_string() for mail in both)
    assert _owed(stack, sent["reference"]) == [("arrival",), ("receipt",), ("status",)]
    http.close()


def _both(mails: list[EmailMessage]) -> list[EmailMessage] | None:
    """Return the receipt and the news, once both have come."""
    return mails if len(mails) > 1 else None


def _owed(stack: Stack, reference: str) -> list[tuple[Any, ...]]:
    query = """
        SELECT notices.kind FROM notices JOIN reports ON reports.id = notices.report_id
        WHERE reports.reference = %s ORDER BY notices.kind
    """
    with psycopg.connect(stack.environ["DATABASE_URL"]) as database:
        return database.execute(query, (reference,)).fetchall()
