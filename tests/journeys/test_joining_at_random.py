"""A thousand acts of merging, parting and splitting: no report is lost, none is in two places."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reports.models import Membership, Notice, Report, Ticket
from tests.api import help as h
from tests.resident import BASE, Resident, bearer, body_of, log_in, move

STEPS = 1_000
REPORTS = 12
SEED = 20_261_125


class Desk:
    """Dispatchers who try whatever comes to their mind."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client = client
        self.session = session
        self.staff = log_in(client)
        self.chance = random.Random(SEED)
        self.sent = [self._send() for _ in range(REPORTS)]
        self.tickets = [view["ticket"] for view in self.sent]
        self.outcomes: Counter[tuple[str, int]] = Counter()

    def _send(self) -> dict[str, Any]:
        return Resident(self.client).report(contact={"email": f"{uuid4().hex}@example.org"})

    def step(self) -> None:
        """Do one act, whether it makes sense or not."""
        act = self.chance.choices(("merge", "unmerge", "split", "withdraw"), (10, 10, 8, 0.05))[0]
        if act == "withdraw":
            self._withdraw()
            return
        ticket = self.chance.choice(self.tickets)
        read = self.client.get(f"{BASE}/tickets/{ticket}", headers=self.staff)
        inside = h.references(body_of(read)["reports"])
        body = {
            "merge": {"into": self.chance.choice(self.tickets)},
            "unmerge": None,
            "split": {"reports": self.chance.sample(inside, min(len(inside), 2)) or ["?"]},
        }[act]
        answer = self.client.post(
            f"{BASE}/tickets/{ticket}/{act}",
            json=body,
            headers={**self.staff, "If-Match": read.headers["ETag"]},
        )
        assert answer.status_code in {200, 201, 409, 422}, answer.text
        self.outcomes[act, answer.status_code] += 1
        if answer.status_code == 201:
            self.tickets.append(body_of(answer)["reference"])

    def _withdraw(self) -> None:
        view = self.chance.choice(self.sent)
        path = f"{BASE}/reports/{view['reference']}/withdraw"
        answer = self.client.post(path, headers=bearer(view["tracking_token"]))
        assert answer.status_code == 200
        self.outcomes["withdraw", 200] += 1
        self.tickets.append(body_of(answer)["ticket"])

    def check(self) -> None:
        """Look where each report is."""
        self.session.rollback()
        references = [view["reference"] for view in self.sent]
        places = self.session.execute(
            select(Report.reference, func.count(), func.count(Ticket.merged_into_id))
            .join(Membership, Membership.report_id == Report.id)
            .join(Ticket, Ticket.id == Membership.ticket_id)
            .where(Report.reference.in_(references), Membership.left_at.is_(None))
            .group_by(Report.reference)
        ).all()
        # Each in one ticket, and that one is merged into no other.
        assert sorted(places) == [(reference, 1, 0) for reference in sorted(references)]

    def where(self, view: dict[str, Any]) -> str:
        """Return the ticket that the public sees a report in."""
        found: str = h.read(self.client, f"/reports/{view['reference']}")["ticket"]
        return found


@pytest.fixture
def own_session(own_app: Flask) -> Iterator[Session]:
    with h.parts_of(own_app).sessions() as session:
        yield session


def test_whatever_is_merged_parted_and_split_nothing_is_lost(
    own_app: Flask, own_session: Session
) -> None:
    desk = Desk(own_app.test_client(), own_session)
    for _ in range(STEPS):
        desk.step()
        desk.check()
    # Whoever came to a ticket by whichever way hears how it ends.
    for ticket in {desk.where(view) for view in desk.sent}:
        state = body_of(desk.client.get(f"{BASE}/tickets/{ticket}", headers=desk.staff))["status"]
        if state != "declined":
            assert move(desk.client, ticket, desk.staff, "resolved").status_code == 200
    own_session.rollback()
    for view in desk.sent:
        last = own_session.execute(
            select(Notice.kind, Ticket.reference)
            .join(Report, Report.id == Notice.report_id)
            .join(Ticket, Ticket.id == Notice.ticket_id)
            .where(Report.reference == view["reference"], Notice.audience == "reporter")
            .order_by(Notice.id.desc())
            .limit(1)
        ).one()
        assert tuple(last) == ("status", desk.where(view)) or last.kind in {"joined", "parted"}
    assert {act for act, status in desk.outcomes if status < 300} == {
        "merge",
        "unmerge",
        "split",
        "withdraw",
    }, desk.outcomes
    assert desk.outcomes["merge", 200] > STEPS / 20
