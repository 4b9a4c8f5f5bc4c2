"""What joining and parting write down: whose words they were, and which team has the work now."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from city.models import Team
from reports.models import Notice, Report, Ticket
from reports.notices import NoticeKind
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.api.written import mails_about
from tests.resident import BASE, Resident, move, read_ticket

View = dict[str, Any]
Headers = dict[str, str]


def _act(client: FlaskClient, ticket: str, act: str, staff: Headers, **body: Any) -> TestResponse:
    _, tag = read_ticket(client, ticket, staff)
    headers = {**staff, "If-Match": tag}
    answer = client.post(f"{BASE}/tickets/{ticket}/{act}", json=body or None, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    return answer


def test_whoever_joins_or_parts_is_not_given_the_reason_of_who_wrote_before(
    client: FlaskClient, resident: Resident, dispatcher: Headers, as_person: LogIn
) -> None:
    one, other = resident.report(), resident.report()
    words = {"reason": "Of the lead", "public_message": "We come."}
    lead = as_person(h.LEAD_OF_ROADS)
    assert move(client, other["ticket"], lead, "accepted", **words).status_code == 200
    _act(client, one["ticket"], "merge", dispatcher, into=other["ticket"])
    joined = read_ticket(client, other["ticket"], dispatcher)[0]["events"][-1]
    assert (joined["kind"], joined["reason"], joined["body"]) == ("moved_in", None, "We come.")
    parted = _act(
        client, other["ticket"], "split", dispatcher, reports=[one["reference"]]
    ).get_json()
    told = [event for event in parted["events"] if event["kind"] == "parted"]
    assert [(event["reason"], event["body"]) for event in told] == [(None, "We come.")]


def _send_to(client: FlaskClient, ticket: str, staff: Headers, team: str) -> None:
    _, tag = read_ticket(client, ticket, staff)
    headers = {**staff, "If-Match": tag}
    answer = client.patch(f"{BASE}/tickets/{ticket}", json={"team": team}, headers=headers)
    assert answer.status_code == 200, answer.text


def _told(app: Flask, ticket: str, team: str) -> list[str]:
    """Return about which reports a team got a mail that tells of work for it."""
    with h.parts_of(app).sessions() as session:
        return list(
            session.scalars(
                select(Report.reference)
                .join(Notice, Notice.report_id == Report.id)
                .join(Ticket, Ticket.id == Notice.ticket_id)
                .join(Team, Team.id == Notice.team_id)
                .where(
                    Ticket.reference == ticket, Team.code == team, Notice.kind == NoticeKind.ARRIVAL
                )
                .order_by(Notice.id)
            )
        )


def _story(client: FlaskClient, view: View) -> list[str]:
    headers = {"Accept-Language": "en"}
    events = h.read(client, f"/reports/{view['reference']}/events", headers)["items"]
    return [event["text"] for event in events]


def test_a_team_is_told_of_the_reports_that_come_to_it_from_another(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    one, again, other = (resident.report() for _ in range(3))
    _send_to(client, one["ticket"], dispatcher, "reseaux")
    _act(client, again["ticket"], "merge", dispatcher, into=one["ticket"])
    words = {"reason": "Of another", "public_message": "We come."}
    assert move(client, other["ticket"], dispatcher, "accepted", **words).status_code == 200
    _act(client, one["ticket"], "merge", dispatcher, into=other["ticket"])
    assert _told(app, other["ticket"], "voirie") == [
        view["reference"] for view in (other, one, again)
    ]
    assert not any("Of another" in mail.text for mail in mails_about(app, other["ticket"], "team"))
    for view in (one, again):
        assert (
            "The report was joined with others about the same thing. Roads team answers for it now."
        ) in _story(client, view)
    assert _story(client, other)[-1] == "Another report about the same thing was added."

    _act(client, one["ticket"], "unmerge", dispatcher)
    assert _told(app, one["ticket"], "reseaux")[-1:] == [one["reference"]]
    assert len(_told(app, one["ticket"], "reseaux")) == 3
    assert _story(client, one)[-2:] == [
        "The report got a ticket of its own.",
        "It was sent to Water and lighting team.",
    ]


def test_a_team_is_not_told_again_of_what_it_had_already(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    one, other = resident.report(), resident.report()
    _act(client, one["ticket"], "merge", dispatcher, into=other["ticket"])
    assert _told(app, other["ticket"], "voirie") == [other["reference"]]
    _act(client, one["ticket"], "unmerge", dispatcher)
    assert _told(app, one["ticket"], "voirie") == [one["reference"]]


def test_what_is_split_off_for_another_team_is_told_to_it_once(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    lamp = resident.report(category="lampadaire", answers={"panne": "eteint"})
    hole = resident.report()
    team = lamp["team"]["code"]
    assert team != "voirie"
    _act(client, lamp["ticket"], "merge", dispatcher, into=hole["ticket"])
    own = _act(client, hole["ticket"], "split", dispatcher, reports=[lamp["reference"]]).get_json()
    assert _told(app, own["reference"], team) == [lamp["reference"]]
    assert _told(app, own["reference"], "voirie") == []


def test_whoever_joins_what_is_closed_reads_how_it_ended(
    app: Flask, client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    one, other = resident.report(), resident.report()
    _send_to(client, one["ticket"], dispatcher, "reseaux")
    words = {"public_message": "The hole is filled."}
    assert move(client, other["ticket"], dispatcher, "resolved", **words).status_code == 200
    _act(client, one["ticket"], "merge", dispatcher, into=other["ticket"])
    assert _story(client, one)[-1] == (
        "The report was joined with others about the same thing. Roads team answers for it now."
        " Resolved: the city has dealt with it. The hole is filled."
    )
    # Nothing is left to do for the team.
    assert _told(app, other["ticket"], "voirie") == [other["reference"]]
