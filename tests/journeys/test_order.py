"""Mails come in the order of what they tell of, also when an earlier one has to be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.clock import now
from infra.embedded.valkey import Valkey
from infra.queue import Job, Nudge
from reports.mail import delivery
from reports.models import Notice, NoticeStatus
from reports.upkeep import sweep
from tests import web
from tests.conftest import running
from tests.resident import (
    BASE,
    DISPATCHER,
    PASSWORD,
    Resident,
    bearer,
    log_in,
    move,
    problem_at,
)
from tests.stack import Stack, environment, eventually, free_port


class _Hesitant:
    """A mail server that asks everybody to come again, once, as greylisting does."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.bodies: dict[str, list[str]] = {}

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self,
        _server: SMTP,
        _session: SmtpSession,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address not in self.known:
            self.known.add(address)
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        body = message_from_bytes(envelope.content, policy=policy.default).get_body(("plain",))
        assert body is not None
        self.bodies.setdefault(envelope.rcpt_tos[0], []).append(body.get_content())
        return "250 OK"


@pytest.fixture
def hesitant() -> Iterator[tuple[_Hesitant, str]]:
    server, port = _Hesitant(), free_port()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    yield server, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_the_end_is_not_told_before_the_beginning(
    hesitant: tuple[_Hesitant, str], own_database_url: str, own_valkey: Valkey, tmp_path: Path
) -> None:
    server, smtp_url = hesitant
    environ = environment(tmp_path, own_database_url, own_valkey.url, smtp_url)
    # Neither the sweeper nor a short wait may bring the order about.
    environ |= {"NOTICE_RETRY_SECONDS": "3", "SWEEP_INTERVAL_SECONDS": "1"}
    reporter = f"{uuid4().hex}@example.org"
    with ExitStack() as parts:
        stack = parts.enter_context(running(Stack(tmp_path, environ, tmp_path / "mail")))
        http = parts.enter_context(web.Client(base_url=f"{stack.url}{BASE}", timeout=10))
        sent = http.post("/reports", json=problem_at(contact={"email": reporter})).json()
        eventually(lambda: reporter in server.known)
        login = http.post("/sessions", json={"email": DISPATCHER, "password": PASSWORD}).json()
        staff = bearer(login["token"])
        for to, words in (("accepted", "We will come."), ("resolved", "It is filled.")):
            ticket = f"/tickets/{sent['ticket']}"
            tag = http.get(ticket, headers=staff).headers["ETag"]
            step = {"to": to, "reason": "test", "public_message": words}
            headers = {**staff, "If-Match": tag}
            assert http.post(f"{ticket}/transitions", json=step, headers=headers).is_success
        eventually(lambda: len(server.bodies.get(reporter, [])) >= 3)

    receipt, accepted, resolved = server.bodies[reporter]
    assert "We will come." not in receipt
    assert "It is filled." not in receipt
    assert "We will come." in accepted
    assert "It is filled." in resolved


@pytest.fixture
def told_twice(
    client: FlaskClient, resident: Resident, session: Session
) -> tuple[list[Notice], list[Notice]]:
    """Return what a reporter is to be told, in order, and what the team is."""
    view = resident.report(contact={"email": f"{uuid4().hex}@example.org"})
    assert move(client, view["ticket"], log_in(client), "accepted").status_code == 200
    newest = session.scalars(select(Notice.report_id).order_by(Notice.id.desc())).first()
    notices = session.scalars(
        select(Notice).where(Notice.report_id == newest).order_by(Notice.id)
    ).all()
    by_audience: dict[str, list[Notice]] = {"reporter": [], "team": []}
    for notice in notices:
        by_audience[notice.audience].append(notice)
    return by_audience["reporter"], by_audience["team"]


def test_a_notice_waits_for_those_before_it(
    told_twice: tuple[list[Notice], list[Notice]], session: Session
) -> None:
    (receipt, status), (arrival,) = told_twice
    moment = now() + timedelta(seconds=1)

    assert delivery.claim(session, status.id, moment, 60) is None
    assert delivery.claim(session, arrival.id, moment, 60) is not None
    first = delivery.claim(session, receipt.id, moment, 60)
    assert first is not None
    assert delivery.claim(session, status.id, moment, 60) is None
    assert delivery.next_of_reader(session, first.row, moment) is None
    delivery.record_failure(session, first, "451", 30, moment, final=False)
    assert delivery.claim(session, status.id, moment, 60) is None
    assert delivery.next_of_reader(session, first.row, moment) is None

    moment += timedelta(seconds=31)
    again = delivery.claim(session, receipt.id, moment, 60)
    assert again is not None
    delivery.record_sent(session, again, moment)
    assert delivery.next_of_reader(session, again.row, moment) == status.id
    assert delivery.claim(session, status.id, moment, 60) is not None
    session.rollback()


def test_a_report_that_leaves_its_ticket_keeps_its_order(
    client: FlaskClient, resident: Resident, session: Session
) -> None:
    first = resident.report()
    joined = resident.report(
        same_as=first["ticket"], contact={"email": f"{uuid4().hex}@example.org"}
    )
    path = f"{BASE}/reports/{joined['reference']}/withdraw"
    assert client.post(path, headers=bearer(joined["tracking_token"])).status_code == 200
    newest = session.scalars(select(Notice.report_id).order_by(Notice.id.desc())).first()
    notices = session.scalars(
        select(Notice).where(Notice.report_id == newest).order_by(Notice.id)
    ).all()
    receipt, withdrawal = (one for one in notices if one.audience == "reporter")
    assert receipt.ticket_id != withdrawal.ticket_id
    moment = now() + timedelta(seconds=1)

    assert delivery.claim(session, withdrawal.id, moment, 60) is None
    taken = delivery.claim(session, receipt.id, moment, 60)
    assert taken is not None
    delivery.record_sent(session, taken, moment)
    assert delivery.next_of_reader(session, taken.row, moment) == withdrawal.id
    session.rollback()


@pytest.mark.parametrize("end", [NoticeStatus.FAILED, NoticeStatus.DROPPED])
def test_a_notice_that_has_ended_holds_nobody_up(
    told_twice: tuple[list[Notice], list[Notice]], session: Session, end: NoticeStatus
) -> None:
    (receipt, status), _ = told_twice
    moment = now() + timedelta(seconds=1)
    first = delivery.claim(session, receipt.id, moment, 60)
    assert first is not None
    if end is NoticeStatus.DROPPED:
        delivery.record_dropped(session, first)
    else:
        delivery.record_failure(session, first, "550", 30, moment, final=True)

    assert delivery.next_of_reader(session, first.row, moment) == status.id
    session.rollback()


def test_the_sweeper_asks_for_none_whose_turn_it_is_not(
    told_twice: tuple[list[Notice], list[Notice]], session: Session
) -> None:
    (receipt, status), _ = told_twice
    moment = now() + timedelta(seconds=1)
    # The sweeper looks at the oldest first, and at so many at once.
    receipt.due_at = status.due_at = moment - timedelta(days=1)
    session.flush()

    waiting = sweep.waiting(session, moment)

    assert Nudge(Job.SEND_NOTICE, receipt.id) in waiting
    assert Nudge(Job.SEND_NOTICE, status.id) not in waiting
    session.rollback()
