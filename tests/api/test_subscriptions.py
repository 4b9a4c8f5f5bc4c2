"""Asking for the news of a ticket: confirmed by mail, told at each public step, ended at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from city.models import Actor, Jurisdiction
from infra.clock import now
from infra.mail import Mail
from reports import subscriptions
from reports.mail import delivery, writing
from reports.models import Audience, Notice
from reports.privacy import retention
from reports.resident.subscribing import MOST_UNCONFIRMED
from reports.subscriptions import UNCONFIRMED_FOR, Subscription
from reports.upkeep import sweep
from tests import traces
from tests.api import help as h
from tests.resident import BASE, Resident, bearer, body_of, move, read_ticket

View = dict[str, Any]
Mails = Callable[[str], list[Mail]]


def subscribe(client: FlaskClient, ticket: str, email: str, language: str = "en") -> TestResponse:
    return client.post(
        f"{BASE}/tickets/{ticket}/subscriptions",
        json={"email": email},
        headers={"Accept-Language": language},
    )


def an_address() -> str:
    return f"voisin.{uuid4().hex}@example.org"


def path_in(mail: Mail) -> str:
    """Return the path of the link to one's subscription."""
    [link] = re.findall(r"http://\S+/s/\S+", mail.text)
    return str(urlsplit(link).path)


@pytest.fixture
def mails_to(app: Flask, session: Session) -> Mails:
    """Return what writes the mails that are owed to an address, as the worker does."""
    settings = h.parts_of(app).settings

    def written(email: str) -> list[Mail]:
        session.rollback()
        owed = session.scalars(
            select(Notice).where(Notice.audience == Audience.SUBSCRIBER.value).order_by(Notice.id)
        )
        return [
            writing.compose(session, notice, email, settings.public_url, settings.secret_key)
            for notice in owed
            if writing.recipient(session, notice) == email
        ]

    return written


@pytest.fixture
def follower(client: FlaskClient, mails_to: Mails) -> Callable[[View], str]:
    """Return what has somebody follow a report, and returns their address."""

    def follow(view: View) -> str:
        email = an_address()
        assert subscribe(client, view["ticket"], email).status_code == 202
        [asking] = mails_to(email)
        assert client.post(path_in(asking)).status_code == 200
        return email

    return follow


def test_who_confirms_is_told_of_each_public_step_and_can_end_it(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], mails_to: Mails
) -> None:
    view, email = resident.report(), an_address()
    answer = subscribe(client, view["ticket"], email)
    assert (answer.status_code, body_of(answer)) == (202, {"ticket": view["ticket"]})
    [asking] = mails_to(email)
    assert view["reference"] in asking.subject
    assert move(client, view["ticket"], dispatcher, "accepted").status_code == 200
    assert len(mails_to(email)) == 1

    # A program that follows the link to look at it confirms nothing.
    assert client.get(path_in(asking)).status_code == 200
    assert move(client, view["ticket"], dispatcher, "in_progress").status_code == 200
    assert len(mails_to(email)) == 1
    assert client.post(path_in(asking)).status_code == 200

    words = {"public_message": "Le trou est rebouché."}
    assert move(client, view["ticket"], dispatcher, "resolved", **words).status_code == 200
    _, news = mails_to(email)
    assert news.subject.startswith("News of report")
    assert words["public_message"] in news.text
    assert f"/r/{view['reference']}" in news.text
    assert path_in(news).endswith("/end")

    assert client.get(path_in(news)).status_code == 200
    assert mails_to(email) == []
    assert move(client, view["ticket"], dispatcher, "reopened").status_code == 200
    assert mails_to(email) == []
    assert client.post(path_in(asking)).status_code == 404
    assert client.get(path_in(news)).status_code == 200


def test_the_mail_that_asks_says_nothing_of_what_happened(
    client: FlaskClient, resident: Resident, mails_to: Mails
) -> None:
    view, email = resident.report(), an_address()
    secret = h.a_word()
    client.post(
        f"{BASE}/reports/{view['reference']}/messages",
        json={"text": secret},
        headers=bearer(view["tracking_token"]),
    )
    subscribe(client, view["ticket"], email, "fr")
    [asking] = mails_to(email)
    assert secret not in asking.text + asking.html
    assert "votre adresse sera oubliée" in asking.text


def test_nobody_learns_whether_an_address_follows(
    client: FlaskClient,
    resident: Resident,
    follower: Callable[[View], str],
    mails_to: Mails,
) -> None:
    view = resident.report()
    email = follower(view)
    fresh = subscribe(client, view["ticket"], an_address())
    for address in (email, email.upper()):
        again = subscribe(client, view["ticket"], address)
        assert (again.status_code, again.data) == (fresh.status_code, fresh.data)
    assert len(mails_to(email)) == 1


def test_nobody_can_fill_anothers_mailbox(
    client: FlaskClient, resident: Resident, mails_to: Mails
) -> None:
    email = an_address()
    tickets = [resident.report()["ticket"] for _ in range(MOST_UNCONFIRMED + 1)]
    for ticket in tickets:
        for _ in range(2):
            assert subscribe(client, ticket, email).status_code == 202
    assert len(mails_to(email)) == MOST_UNCONFIRMED


def test_only_what_is_public_and_open_can_be_followed(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    private, hidden, closed = resident.report(**h.PRIVATE), resident.report(), resident.report()
    h.hide_report(app, hidden["reference"])
    assert move(client, closed["ticket"], dispatcher, "resolved").status_code == 200
    for ticket in (private["ticket"], hidden["ticket"], "T-7KM-3QX-9PG"):
        h.refused(subscribe(client, ticket, an_address()), 404)
    h.refused(subscribe(client, closed["ticket"], an_address()), 409)
    for given in ("no address", "", "  "):
        answer = subscribe(client, resident.report()["ticket"], given)
        assert h.blamed(answer) == ["/email"]


def test_what_is_hidden_is_told_to_nobody_who_only_follows(
    app: Flask,
    client: FlaskClient,
    resident: Resident,
    dispatcher: dict[str, str],
    follower: Callable[[View], str],
    mails_to: Mails,
) -> None:
    view = resident.report()
    email = follower(view)
    h.hide_report(app, view["reference"])
    assert move(client, view["ticket"], dispatcher, "accepted").status_code == 200
    assert mails_to(email) == []


def test_who_follows_a_merged_report_is_told_of_the_work_that_goes_on(
    client: FlaskClient,
    resident: Resident,
    dispatcher: dict[str, str],
    follower: Callable[[View], str],
    mails_to: Mails,
) -> None:
    one, other = resident.report(), resident.report()
    email = follower(one)
    answer = client.post(
        f"{BASE}/tickets/{one['ticket']}/merge",
        json={"into": other["ticket"]},
        headers={**dispatcher, "If-Match": read_ticket(client, one["ticket"], dispatcher)[1]},
    )
    assert answer.status_code == 200
    assert move(client, other["ticket"], dispatcher, "accepted").status_code == 200
    assert mails_to(email)[-1].subject.startswith("News of report")


def test_an_address_that_takes_no_mail_troubles_nobody(
    client: FlaskClient, resident: Resident, session: Session, dispatcher: dict[str, str]
) -> None:
    ticket, email = resident.report()["ticket"], an_address()
    subscribe(client, ticket, email)
    before = read_ticket(client, ticket, dispatcher)
    follower = session.scalars(select(Subscription).where(Subscription.email == email)).one()
    [id_] = session.scalars(select(Notice.id).where(Notice.subscription_id == follower.id))
    claimed = delivery.claim(session, id_, now(), lease_s=60)
    assert claimed is not None
    outcome = delivery.record_failure(session, claimed, "SMTP 550", 1, now(), final=True)
    session.commit()
    assert outcome is delivery.Outcome.DROPPED
    assert read_ticket(client, ticket, dispatcher) == before


@pytest.mark.parametrize("token", ["", "1", "1.x", "é", "x" * 500])
def test_a_made_up_link_is_of_no_use(client: FlaskClient, token: str) -> None:
    assert client.get(f"/s/{token}").status_code == 404
    assert client.post(f"/s/{token}").status_code == 404


def test_an_address_is_handed_out_and_erased(
    client: FlaskClient,
    resident: Resident,
    session: Session,
    dispatcher: dict[str, str],
    follower: Callable[[View], str],
) -> None:
    view = resident.report()
    email = follower(view)
    assert [table for table, _ in traces.in_database(session, email)] == ["subscriptions"]
    given = client.post(f"{BASE}/residents/export", json={"email": email}, headers=dispatcher)
    packed = given.data
    given.close()
    with ZipFile(BytesIO(packed)) as archive:
        [held] = json.loads(archive.read("data.json"))["subscriptions"]
    assert (held["report"], held["email"]) == (view["reference"], email)
    erased = client.post(f"{BASE}/residents/erase", json={"email": email}, headers=dispatcher)
    assert body_of(erased)["contacts"] == 1
    assert traces.in_database(session, email) == []


def test_an_address_goes_when_it_is_not_confirmed_and_when_retention_ends(
    app: Flask,
    client: FlaskClient,
    resident: Resident,
    session: Session,
    dispatcher: dict[str, str],
    follower: Callable[[View], str],
) -> None:
    view, waiting = resident.report(), an_address()
    email = follower(view)
    assert subscribe(client, view["ticket"], waiting).status_code == 202
    session.rollback()
    sweep.drop_expired(session, now() + UNCONFIRMED_FOR / 2)
    assert traces.in_database(session, waiting)
    session.execute(
        update(Subscription)
        .where(Subscription.email == waiting)
        .values(created_at=now() - UNCONFIRMED_FOR - timedelta(hours=1))
    )
    subscriptions.drop_expired(session, now())
    session.commit()
    assert traces.in_database(session, waiting) == []
    assert traces.in_database(session, email)

    assert move(client, view["ticket"], dispatcher, "resolved").status_code == 200
    session.execute(update(Jurisdiction).values(retention_months=1))
    [city] = retention.cities(session)
    later = now() + timedelta(days=40)
    while retention.run_batch(session, city, later, Actor.WORKERS).end is not None:
        pass
    found = session.scalars(select(Subscription).where(Subscription.email == email)).all()
    session.rollback()
    assert found == []
