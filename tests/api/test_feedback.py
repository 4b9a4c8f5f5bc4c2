"""After the closing: whether it is solved, by API and by a page without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from infra.mail import Mail
from reports.mail import writing
from reports.models import Notice, Report, Ticket
from tests import traces
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, Resident, bearer, body_of, log_in, move, read_ticket

View = dict[str, Any]
Mails = Callable[[View, str], list[Mail]]
ENGLISH = {"Accept-Language": "en"}
STILL = "Le trou est <b>encore</b> là."
QUESTION = "Is it solved for you?"


@pytest.fixture
def view(resident: Resident) -> View:
    """Return a report whose sender can be written to, in English."""
    return resident.report(contact={"email": f"{uuid4().hex}@example.org"}, locale="en")


@pytest.fixture
def close(client: FlaskClient, dispatcher: dict[str, str]) -> Callable[..., None]:
    """Return what closes a report's ticket."""

    def closing(view: View, to: str = "resolved") -> None:
        answer = move(client, view["ticket"], dispatcher, to, public_message="Fait.")
        assert answer.status_code == 200, answer.text

    return closing


@pytest.fixture
def mails_of(app: Flask, session: Session) -> Mails:
    """Return what writes all mails about a report to one kind of reader, as the worker does."""
    settings = h.parts_of(app).settings

    def written(view: View, audience: str) -> list[Mail]:
        session.rollback()
        owed = session.scalars(
            select(Notice)
            .join(Report, Report.id == Notice.report_id)
            .where(Report.reference == view["reference"], Notice.audience == audience)
            .order_by(Notice.id)
        )
        return [
            writing.compose(session, one, "a@example.org", settings.public_url, settings.secret_key)
            for one in owed
        ]

    return written


def give(client: FlaskClient, view: View, token: str | None = None, **body: Any) -> TestResponse:
    path = f"{BASE}/reports/{view['reference']}/feedback"
    headers = ENGLISH | bearer(token or view["tracking_token"])
    return client.post(path, json=body, headers=headers)


def own(client: FlaskClient, view: View) -> View:
    return h.read(client, f"/reports/{view['reference']}", bearer(view["tracking_token"]))


def links_in(mail: Mail) -> dict[str, str]:
    """Return where the mail's answers are given, by answer."""
    found = re.findall(r"(http://\S+[?&]solved=(\w+))", mail.text)
    return {answer: link.removeprefix(h.PUBLIC_URL) for link, answer in found}


def age(session: Session, view: View, **passed: float) -> None:
    """Have a ticket been closed so long ago."""
    session.execute(
        update(Ticket)
        .where(Ticket.reference == view["ticket"])
        .values(closed_at=Ticket.closed_at - timedelta(**passed))
    )
    session.commit()


def test_a_no_opens_the_ticket_again_and_the_team_reads_why(
    client: FlaskClient, view: View, close: Callable[..., None], mails_of: Mails, as_person: LogIn
) -> None:
    assert "feedback" not in own(client, view)["can"]
    close(view)
    assert own(client, view)["can"] == ["message", "photo", "feedback"]
    told = len(mails_of(view, "team"))

    answer = give(client, view, satisfied=False, comment=STILL)

    assert answer.status_code == 201, answer.text
    given = body_of(answer)
    assert (given["satisfied"], given["comment"], given["status"]) == (False, STILL, "reopened")
    now = own(client, view)
    assert (now["status"], now["closed_at"]) == ("reopened", None)
    assert now["can"] == ["message", "photo", "withdraw"]
    assert now["messages"][-1]["text"] == STILL
    [mail] = mails_of(view, "team")[told:]
    assert view["reference"] in mail.subject
    assert STILL in mail.text.replace("\u2068", "").replace("\u2069", "")
    assert "&lt;b&gt;encore" in (mail.html or "")
    ticket, _ = read_ticket(client, view["ticket"], as_person(h.MEMBER_OF_ROADS))
    [said] = ticket["feedback"]
    assert (said["report"], said["comment"]) == (view["reference"], STILL)
    *_, answered, reopened = ticket["events"]
    assert (answered["kind"], answered["public"], answered["by"]) == ("feedback", False, "resident")
    assert (reopened["status"], reopened["by"]) == ("reopened", "resident")
    assert reopened["reason"] == "not_solved"
    public = client.get(f"{BASE}/reports/{view['reference']}/events", headers=ENGLISH).text
    assert "says that it is not solved" in public
    assert "encore" not in public
    assert resident_may_add_a_photo(client, view)


def resident_may_add_a_photo(client: FlaskClient, view: View) -> bool:
    return Resident(client).put_photo(view, photo_samples.jpeg(64, 48)).status_code == 201


def test_each_closing_is_asked_about_once_and_no_prefetch_answers(
    client: FlaskClient, view: View, close: Callable[..., None], mails_of: Mails
) -> None:
    close(view)
    *earlier, first = mails_of(view, "reporter")
    assert QUESTION in first.text
    assert not [mail for mail in earlier if QUESTION in mail.text]
    links = links_in(first)
    assert set(links) == {"yes", "no"}
    assert all(link in unescape(first.html or "") for link in links.values())
    before = own(client, view)
    for link in links.values():
        assert client.get(link).status_code == client.head(link).status_code == 200
    assert own(client, view) == before

    assert give(client, view, satisfied=False).status_code == 201
    close(view, "declined")
    *_, reopened, second = mails_of(view, "reporter")
    assert "Do you agree with that?" in second.text
    assert QUESTION not in reopened.text
    assert "says that it is not solved" in reopened.text
    # Written late, the first one no longer asks about what is over.
    assert QUESTION not in mails_of(view, "reporter")[len(earlier)].text
    assert give(client, view, satisfied=True).status_code == 201
    assert QUESTION not in mails_of(view, "reporter")[-1].text


def test_the_page_asks_without_javascript(
    client: FlaskClient, view: View, close: Callable[..., None], mails_of: Mails
) -> None:
    close(view)
    link = links_in(mails_of(view, "reporter")[-1])["no"]
    page = client.get(link, headers=ENGLISH)
    assert page.text.count("<form") == 2
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    fields = dict(parse_qsl(urlsplit(link).query))
    for field in fields.items():
        assert '<input type="hidden" name="{}" value="{}">'.format(*field) in page.text
    path = urlsplit(link).path
    wordless = client.post(path, data={**fields, "text": " "}, headers=ENGLISH)
    assert wordless.status_code == 422
    assert 'role="alert"' in wordless.text
    assert own(client, view)["status"] == "resolved"

    answer = client.post(path, data={**fields, "text": STILL})

    assert answer.status_code == 303
    page = client.get(answer.headers["Location"], headers=ENGLISH)
    assert "You said that it is not solved." in page.text
    assert "<b>" not in page.text
    assert "&lt;b&gt;encore&lt;/b&gt;" in page.text
    assert own(client, view)["status"] == "reopened"
    assert client.post(path, data={**fields, "token": "vgr_x", "text": "?"}).status_code == 404


def test_the_page_takes_a_photo_without_javascript(client: FlaskClient, view: View) -> None:
    address = f"/r/{view['reference']}/photos?token={view['tracking_token']}"
    page = client.get(f"/r/{view['reference']}?token={view['tracking_token']}")
    assert f'action="{address}"' in unescape(page.text)

    def send(data: bytes, to: str = address) -> TestResponse:
        return client.post(to, data={"photo": (BytesIO(data), "a.jpg")}, headers=ENGLISH)

    broken = send(b"<b>no photo</b>")
    assert broken.status_code == 422
    assert "This is no JPEG, PNG, WebP, HEIC or AVIF picture." in broken.text
    missing = client.post(address, data={}, content_type="multipart/form-data", headers=ENGLISH)
    assert missing.status_code == 422
    assert "The file is missing." in missing.text
    for _ in range(2):
        assert send(photo_samples.jpeg(64, 48)).status_code == 303
    assert len(own(client, view)["photos"]) == 1
    assert send(photo_samples.jpeg(64, 48), f"{address}x").status_code == 404


def test_a_yes_is_counted_and_may_turn_into_a_no(
    client: FlaskClient, view: View, close: Callable[..., None], mails_of: Mails, as_person: LogIn
) -> None:
    close(view)
    told = len(mails_of(view, "team"))
    first = give(client, view, satisfied=True)
    assert body_of(first) == body_of(give(client, view, satisfied=True))
    assert own(client, view)["status"] == "resolved"
    assert len(mails_of(view, "team")) == told
    # Thanks that somebody wrote are read.
    assert give(client, view, satisfied=True, comment="Bravo").status_code == 201
    assert "Bravo" in mails_of(view, "team")[told].text
    assert give(client, view, satisfied=False, comment=STILL).status_code == 201
    again = give(client, view, satisfied=False, comment=STILL)
    assert again.status_code == 201
    assert len(mails_of(view, "team")) == told + 2
    ticket, _ = read_ticket(client, view["ticket"], as_person(h.MEMBER_OF_ROADS))
    assert [one["satisfied"] for one in ticket["feedback"]] == [False]
    # A no has led to work: what comes after it is a message.
    h.refused(give(client, view, satisfied=True), 409)


def test_a_second_no_to_the_same_ticket_is_kept_and_told(
    client: FlaskClient,
    resident: Resident,
    view: View,
    close: Callable[..., None],
    mails_of: Mails,
    as_person: LogIn,
) -> None:
    other = resident.report(same_as=view["ticket"], contact={"email": "b@example.org"})
    silent = resident.report(same_as=view["ticket"])
    close(view)
    assert QUESTION in mails_of(view, "reporter")[-1].text
    assert links_in(mails_of(other, "reporter")[-1])
    assert give(client, view, satisfied=False, comment="Un.").status_code == 201
    assert "dit que ce n'est pas réglé" in mails_of(other, "reporter")[-1].text
    assert give(client, other, satisfied=False, comment="Deux.").status_code == 201
    assert give(client, silent, satisfied=True).status_code == 201
    assert "Deux." in mails_of(other, "team")[-1].text
    ticket, _ = read_ticket(client, view["ticket"], as_person(h.MEMBER_OF_ROADS))
    assert [one["comment"] for one in ticket["feedback"]] == ["Un.", "Deux.", None]
    statuses = [event["status"] for event in ticket["events"] if event["kind"] == "status"]
    assert statuses == ["resolved", "reopened"]


def test_what_came_too_late_is_told_how_to_report_again(
    client: FlaskClient, view: View, close: Callable[..., None], session: Session
) -> None:
    close(view)
    age(session, view, days=13.9)
    assert "feedback" in own(client, view)["can"]
    age(session, view, days=0.2)
    assert "feedback" not in own(client, view)["can"]

    problem = h.refused(give(client, view, satisfied=False, comment=STILL), 409)

    again = problem["report_again"]
    body = {name: again[name] for name in ("kind", "category", "location", "address")}
    path = urlsplit(again["href"]).path
    assert client.post(path, json={**body, "description": STILL}).status_code == 201
    form = {"token": view["tracking_token"], "solved": "no", "text": STILL}
    page = client.post(f"/r/{view['reference']}", data=form, headers=ENGLISH)
    assert page.status_code == 409
    assert again["page"] in unescape(page.text)
    assert own(client, view)["status"] == "resolved"
    assert own(client, view)["messages"][-1]["by"] == "city"


def test_nobody_is_asked_of_what_is_open_withdrawn_or_a_compliment(
    client: FlaskClient, resident: Resident, view: View, mails_of: Mails
) -> None:
    h.refused(give(client, view, satisfied=True), 409)
    path = f"{BASE}/reports/{view['reference']}/withdraw"
    assert client.post(path, headers=bearer(view["tracking_token"])).status_code == 200
    h.refused(give(client, view, satisfied=False), 409)
    assert QUESTION not in mails_of(view, "reporter")[-1].text
    thanks = resident.report(kind="compliment", category="merci", description="Merci !")
    h.refused(give(client, thanks, satisfied=True), 409)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "/satisfied"),
        ({"satisfied": "yes"}, "/satisfied"),
        ({"satisfied": 1}, "/satisfied"),
        ({"satisfied": True, "comment": "x" * 4_001}, "/comment"),
        ({"satisfied": True, "comment": ["x"]}, "/comment"),
    ],
)
def test_what_cannot_be_accepted_is_named(
    client: FlaskClient, view: View, body: View, wrong: str
) -> None:
    assert h.blamed(give(client, view, **body)) == [wrong]


def test_only_the_reporter_answers(
    client: FlaskClient, resident: Resident, view: View, close: Callable[..., None]
) -> None:
    close(view)
    path = f"{BASE}/reports/{view['reference']}/feedback"
    h.refused(client.post(path, json={"satisfied": False}), 401)
    h.refused(give(client, view, token="vgr_nonsense", satisfied=False), 401)
    h.refused(give(client, view, token=resident.report()["tracking_token"], satisfied=False), 403)
    unknown = {**view, "reference": "7KM-3QX-9PG"}
    h.refused(give(client, unknown, satisfied=False), 404)
    assert own(client, view)["status"] == "resolved"


def test_the_figures_are_told_by_category_team_and_district(
    own_app: Flask,
) -> None:
    client = own_app.test_client()
    staff = Resident(client)
    sent = [staff.report(contact={"email": f"{n}@example.org"}) for n in range(3)]
    sent.append(staff.report(**h.PRIVATE))
    office = {mail: log_in(client, mail) for mail in (h.AUDITOR, DISPATCHER)}
    for one in sent:
        move(client, one["ticket"], office[DISPATCHER], "resolved")
    for one, satisfied in zip(sent, (True, False), strict=False):
        assert give(client, one, satisfied=satisfied).status_code == 201
    assert give(client, sent[3], satisfied=True).status_code == 201
    told = {
        by: h.read(client, f"/satisfaction?by={by}", ENGLISH | office[h.AUDITOR])
        for by in ("category", "team", "district")
    }
    pothole, lost = told["category"]["items"]
    assert pothole["thing"] == {"code": "nid-de-poule", "name": "Pothole"}
    counted = {"closed": 3, "asked": 3, "answered": 2, "satisfied": 1, "share": 0.5}
    assert {name: pothole[name] for name in counted} == counted
    assert (lost["closed"], lost["asked"], lost["answered"], lost["share"]) == (1, 0, 1, 1.0)
    assert told["team"]["items"][0]["thing"]["code"] == "voirie"
    [district] = told["district"]["items"]
    assert (district["thing"]["code"], district["answered"]) == ("bellevue", 3)
    closed_at = own(client, sent[0])["closed_at"]
    path = "/satisfaction?by=team&"
    for query, answered in ((f"after={closed_at}", 3), (f"before={closed_at}", 0)):
        items = h.read(client, path + query, office[h.AUDITOR])["items"]
        assert sum(one["answered"] for one in items) == answered
    lead = log_in(client, h.LEAD_OF_ROADS)
    h.refused(client.get(f"{BASE}/satisfaction", headers=lead), 403)
    h.refused(client.get(f"{BASE}/satisfaction?by=person", headers=office[h.AUDITOR]), 422)


def test_what_was_said_is_handed_out_and_its_words_are_forgotten(
    client: FlaskClient,
    view: View,
    close: Callable[..., None],
    dispatcher: dict[str, str],
    session: Session,
) -> None:
    close(view)
    word = h.a_word()
    assert give(client, view, satisfied=False, comment=word).status_code == 201
    email = own(client, view)["contact"]["email"]
    held = _exported(client, email, dispatcher)
    assert [one["satisfied"] for one in held["feedback"]] == [False]
    assert word in str(held["messages"])
    erased = client.post(
        f"{BASE}/residents/erase", json={"email": email, "text": "blank"}, headers=dispatcher
    )
    assert erased.status_code == 200
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert [(one["satisfied"], one["comment"]) for one in ticket["feedback"]] == [(False, None)]
    assert traces.in_database(session, word, email) == []


def _exported(client: FlaskClient, email: str, staff: dict[str, str]) -> View:
    answer = client.post(f"{BASE}/residents/export", json={"email": email}, headers=staff)
    packed = answer.data
    answer.close()
    with ZipFile(BytesIO(packed)) as archive:
        [report] = json.loads(archive.read("data.json"))["reports"]
    held: View = report
    return held
