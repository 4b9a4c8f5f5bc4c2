"""Taking a ticket, planning its work, handing it to a third party, and telling colleagues."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from city.models import Person, TeamMember
from infra.words import Reader
from reports import history
from reports.models import Audience, Event, Ticket
from tests.api import help as h
from tests.api.conftest import LogIn, logging_in
from tests.api.written import mails_about
from tests.resident import BASE, Resident, bearer, body_of, move, read_ticket


@pytest.fixture
def view(resident: Resident) -> dict[str, Any]:
    """Return a report whose sender can be written to."""
    return resident.report(contact={"email": f"{uuid4().hex}@example.org"}, locale="en")


def _do(
    client: FlaskClient, view: dict[str, Any], staff: dict[str, str], act: str, **body: Any
) -> TestResponse:
    _, tag = read_ticket(client, view["ticket"], staff)
    path = f"{BASE}/tickets/{view['ticket']}/{act}"
    return client.post(path, json=body or None, headers={**staff, "If-Match": tag})


def test_who_takes_a_ticket_has_it_and_accepts_it(
    client: FlaskClient, view: dict[str, Any], as_person: LogIn, dispatcher: dict[str, str]
) -> None:
    member, lead = as_person(h.MEMBER_OF_ROADS), as_person(h.LEAD_OF_ROADS)
    _, stale = read_ticket(client, view["ticket"], lead)
    answer = _do(client, view, member, "take")
    assert answer.status_code == 200, answer.text
    ticket = body_of(answer)
    assert (ticket["assignee"], ticket["status"]) == (h.MEMBER_OF_ROADS, "accepted")
    assert [event["kind"] for event in ticket["events"]][-2:] == ["changed", "status"]
    # Twice is as good as once, and who comes too late learns who has it.
    assert body_of(_do(client, view, member, "take"))["events"] == ticket["events"]
    path = f"{BASE}/tickets/{view['ticket']}/take"
    h.refused(client.post(path, headers=lead), 428)
    h.refused(client.post(path, headers={**lead, "If-Match": stale}), 412)
    late = h.refused(_do(client, view, lead, "take"), 409)
    assert late["assignee"] == h.MEMBER_OF_ROADS
    assert "Karim Benali" in late["detail"]
    move(client, view["ticket"], dispatcher, "resolved")
    assert h.refused(_do(client, view, member, "take"), 409)["allowed"] == ["reopened"]


def test_a_planned_day_is_told_to_everybody_and_moves_no_deadline(
    app: Flask,
    client: FlaskClient,
    view: dict[str, Any],
    as_person: LogIn,
    dispatcher: dict[str, str],
) -> None:
    member = as_person(h.MEMBER_OF_ROADS)
    due_at = read_ticket(client, view["ticket"], member)[0]["due_at"]
    answer = _do(client, view, member, "plan", on="2031-12-01", public_message="We bring a lorry.")
    assert answer.status_code == 200, answer.text
    ticket = body_of(answer)
    assert (ticket["planned_at"], ticket["due_at"]) == ("2031-12-01", due_at)
    own = h.read(client, f"/reports/{view['reference']}")
    assert (own["planned_at"], own["public_message"]) == ("2031-12-01", "We bring a lorry.")
    events = h.read(client, f"/reports/{view['reference']}/events", {"Accept-Language": "fr"})
    said = "Les travaux sont prévus pour le 1er décembre 2031. We bring a lorry."
    assert (events["items"][-1]["kind"], events["items"][-1]["text"]) == ("planned", said)
    mail = mails_about(app, view["ticket"], "reporter")[-1].text
    assert "The work is planned for December 1, 2031." in mail
    assert mail.count("We bring a lorry.") == 1
    page = client.get(f"/r/{view['reference']}", headers={"Accept-Language": "fr"}).text
    assert '<dt>Prévu pour</dt><dd><time datetime="2031-12-01">1er décembre 2031</time>' in page
    # The same again is no news.
    again = _do(client, view, member, "plan", on="2031-12-01")
    assert body_of(again)["events"] == ticket["events"]

    _do(client, view, member, "plan", at="2031-12-02T13:30:00Z")
    assert h.read(client, f"/reports/{view['reference']}")["planned_at"] == "2031-12-02T13:30:00Z"
    mail = mails_about(app, view["ticket"], "reporter")[-1].text
    assert "December 2, 2031" in mail
    assert "2:30" in mail, "as the city's clocks have it"
    assert body_of(_do(client, view, member, "plan", on=None))["planned_at"] is None
    _do(client, view, member, "plan", on="2031-12-01")
    move(client, view["ticket"], dispatcher, "resolved")
    assert h.read(client, f"/reports/{view['reference']}")["planned_at"] is None
    h.refused(_do(client, view, member, "plan", on="2031-12-01"), 409)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"on": "2020-01-01"}, "/on"),
        ({"on": "2031-2-1"}, "/on"),
        ({"on": "2031-02-30"}, "/on"),
        ({"at": "2020-01-01T10:00:00Z"}, "/at"),
        ({"on": "2031-01-01", "at": "2031-01-01T10:00:00Z"}, "/on"),
        ({"public_message": "Soon."}, "/on"),
    ],
)
def test_work_is_planned_for_one_day_that_is_still_to_come(
    client: FlaskClient,
    view: dict[str, Any],
    dispatcher: dict[str, str],
    body: dict[str, Any],
    place: str,
) -> None:
    assert h.blamed(_do(client, view, dispatcher, "plan", **body)) == [place]
    assert read_ticket(client, view["ticket"], dispatcher)[0]["planned_at"] is None


def test_what_a_third_party_has_waits_until_it_is_taken_back(
    app: Flask, client: FlaskClient, view: dict[str, Any], as_person: LogIn, session: Session
) -> None:
    member = as_person(h.MEMBER_OF_ROADS)
    answer = _do(
        client,
        view,
        member,
        "third-party",
        code="departement",
        reason="Route départementale 7",
        expected_at="2031-12-01T10:00:00Z",
    )
    assert answer.status_code == 200, answer.text
    ticket = body_of(answer)
    assert (ticket["status"], ticket["late"]) == ("waiting", False)
    assert ticket["third_party"]["code"] == "departement"
    assert ticket["third_party"]["expected_at"] == "2031-12-01T10:00:00Z"
    assert ticket["events"][-1]["reason"] == "Route départementale 7"
    said = "It was handed to County council, who should see to it by December 1, 2031."
    public = h.read(client, f"/reports/{view['reference']}/events", {"Accept-Language": "en"})
    assert public["items"][-1]["text"] == said
    assert "départementale" not in str(public)
    mails = mails_about(app, view["ticket"], "reporter")
    assert [said in mail.text for mail in mails] == [False, True], "one mail tells of it"
    # What the reporter writes now does not start the work, since somebody else has it.
    _ask = client.post(
        f"{BASE}/tickets/{view['ticket']}/questions", json={"text": "Où ?"}, headers=member
    )
    assert _ask.status_code == 201
    client.post(
        f"{BASE}/reports/{view['reference']}/messages",
        json={"text": "Ici."},
        headers=bearer(view["tracking_token"]),
    )
    assert read_ticket(client, view["ticket"], member)[0]["status"] == "waiting"
    back = body_of(move(client, view["ticket"], member, "in_progress"))
    assert (back["third_party"], back["status"]) == (None, "in_progress")


def test_the_name_of_somebody_in_no_list_is_kept_with_the_words(
    app: Flask, client: FlaskClient, view: dict[str, Any], as_person: LogIn, session: Session
) -> None:
    member, name = as_person(h.MEMBER_OF_ROADS), f"Dupont {h.a_word()}"
    answer = _do(client, view, member, "third-party", name=name, reason="Sous garantie")
    ticket = body_of(answer)
    said = f"It was handed to {name}."
    assert (ticket["third_party"]["code"], ticket["third_party"]["text"]) == (None, said)
    public = h.read(client, f"/reports/{view['reference']}/events", {"Accept-Language": "en"})
    assert public["items"][-1]["text"] == said
    mail = mails_about(app, view["ticket"], "reporter")[-1].text
    assert mail.count(said) == 1
    kept = session.scalars(
        select(Event.data)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .where(Ticket.reference == view["ticket"])
    ).all()
    assert name not in str(kept)


def test_who_is_handed_something_is_known_or_named(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str]
) -> None:
    for body in ({"code": "nobody"}, {}, {"code": "departement", "name": "Dupont"}, {"name": " "}):
        refused = _do(client, view, dispatcher, "third-party", reason="?", **body)
        assert h.blamed(refused) == ["/code"]
    move(client, view["ticket"], dispatcher, "resolved")
    closed = _do(client, view, dispatcher, "third-party", code="departement", reason="?")
    assert h.refused(closed, 409)["allowed"] == ["reopened"]
    assert read_ticket(client, view["ticket"], dispatcher)[0]["events"][-1]["kind"] == "status"


def _colleagues(client: FlaskClient, view: dict[str, Any], staff: dict[str, str]) -> dict[str, int]:
    found = h.read(client, f"/tickets/{view['ticket']}/colleagues", staff)["items"]
    return {one["name"]: one["id"] for one in found}


def test_a_note_tells_those_it_mentions_as_long_as_they_may_see_the_ticket(
    own_app: Flask,
) -> None:
    client = own_app.test_client()
    as_person = logging_in(own_app)
    view = Resident(client).report()
    lead, dispatcher = as_person(h.LEAD_OF_ROADS), as_person("regulateur@beaurive.example")
    known = _colleagues(client, view, lead)
    assert {"Karim Benali", "Claude Marchand"} <= set(known)
    assert "Maëlle Jourdan" not in known
    text = f"Qui a la nacelle ? {h.a_word()}"
    mine, theirs = known["Claude Marchand"], known["Karim Benali"]
    note = {"text": text, "mentions": [theirs, mine, theirs]}
    path = f"{BASE}/tickets/{view['ticket']}/notes"
    answer = client.post(path, json=note, headers=dispatcher)
    assert answer.status_code == 201, answer.text
    # One mail to the colleague, and none to who wrote it.
    [mail] = mails_about(own_app, view["ticket"], "colleague")
    assert mail.to == h.MEMBER_OF_ROADS
    assert text in mail.text
    assert view["ticket"] in mail.subject
    with h.parts_of(own_app).sessions.begin() as session:
        told = session.scalars(select(Event).where(Event.kind == "note")).one()
        assert told.data == {"mentions": sorted([mine, theirs])}
        outsider = session.scalars(select(Person.id).where(Person.email == h.MEMBER_OF_PARKS)).one()
        session.execute(delete(TeamMember).where(TeamMember.person_id == theirs))
    for mentions in ([outsider], [theirs], [mine, 2**62]):
        refused = client.post(path, json={**note, "mentions": mentions}, headers=dispatcher)
        assert h.blamed(refused) == ["/mentions"]
    # Who has left the team in the meantime does not get it any more.
    assert mails_about(own_app, view["ticket"], "colleague") == []


def test_a_mail_that_cannot_be_delivered_is_told_of_whoever_was_to_read_it() -> None:
    reader = Reader("en", ["en"])
    told = {
        history.tell("notice_failed", {"audience": audience}, None, reader)
        for audience in Audience
        # Whoever only follows a report is dropped in silence.
        if audience is not Audience.SUBSCRIBER
    }
    assert len(told) == 3
