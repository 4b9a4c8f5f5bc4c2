"""Deadlines pass: the team and the dispatchers get one mail each, whatever dies on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import psycopg

from infra.embedded.process import Child
from tests import web
from tests.resident import BASE, DISPATCHER, problem_at
from tests.stack import ROOT, Stack, eventually

TEAM = "voirie@beaurive.example"
SOME = 6


def _about(stack: Stack, to: str, ticket: str) -> list[EmailMessage]:
    """Return the mails about the ticket's deadline that an address got."""
    return [mail for mail in stack.mails(to) if f"dossier {ticket}," in mail["Subject"]]


def _told(stack: Stack, to: str, ticket: str) -> list[str]:
    """Return what was told; a mail that a killed worker sent is the same when sent again."""
    by_id = {mail["Message-ID"]: mail["Subject"] for mail in _about(stack, to, ticket)}
    return [subject.split(":")[0].strip() for subject in by_id.values()]


@contextmanager
def _another_sweeper(stack: Stack) -> Iterator[Child]:
    command = [sys.executable, "-m", "workers.process", "sweeper"]
    child = Child("sweeper", command, stack.folder / "other.log", cwd=ROOT, environ=stack.environ)
    child.start()
    try:
        yield child
    finally:
        child.stop(15)


def test_whoever_has_to_know_gets_one_mail_each(stack: Stack) -> None:
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=10) as http:
        tickets = [http.post("/reports", json=problem_at()).json()["ticket"] for _ in range(SOME)]
    closed = tickets.pop()
    with (
        psycopg.connect(stack.environ["DATABASE_URL"], autocommit=True) as database,
        _another_sweeper(stack) as other,
    ):
        database.execute("UPDATE tickets SET closed_at = now() WHERE reference = %s", [closed])
        database.execute("UPDATE tickets SET due_at = now() - interval '1 second'")
        stack.kill_workers("sweeper")
        for ticket in tickets:
            eventually(lambda ticket=ticket: _about(stack, TEAM, ticket))  # type: ignore[misc]
        assert not any(_about(stack, DISPATCHER, ticket) for ticket in tickets)

        database.execute("UPDATE tickets SET due_at = now() - interval '30 days'")
        other.kill()
        stack.kill_workers("sweeper")
        stack.kill_workers("notices")
        for ticket in tickets:
            eventually(lambda ticket=ticket: _about(stack, DISPATCHER, ticket))  # type: ignore[misc]
        left = "SELECT count(*) FROM notices WHERE status = 'pending'"
        eventually(lambda: database.execute(left).fetchone() == (0,))

    for ticket in tickets:
        assert _told(stack, TEAM, ticket) == ["En retard"]
        assert _told(stack, DISPATCHER, ticket) == ["En retard depuis longtemps"]
    assert _about(stack, TEAM, closed) == _about(stack, DISPATCHER, closed) == []
