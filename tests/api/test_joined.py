"""What joining and parting write down: whose words they were, and which team has the work now."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api import help as h
from tests.api.conftest import LogIn
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
