"""Saying "me too": counted once, told everywhere, and nobody known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from reports.resident import supporting
from tests import traces
from tests.api import help as h
from tests.resident import BASE, Resident, body_of, move, read_ticket

View = dict[str, Any]


def say_me_too(client: FlaskClient, reference: str, address: str = "192.0.2.1") -> TestResponse:
    return client.post(
        f"{BASE}/tickets/{reference}/supports", environ_base={"REMOTE_ADDR": address}
    )


def supported(answer: TestResponse, status: int) -> tuple[str, int]:
    assert answer.status_code == status, answer.text
    found = body_of(answer)
    return found["ticket"], found["supports"]


def test_each_address_counts_once_and_every_view_tells(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    word = h.a_word()
    view = resident.report(description=word)
    ticket = view["ticket"]
    assert supported(say_me_too(client, ticket), 201) == (ticket, 1)
    assert supported(say_me_too(client, ticket), 200) == (ticket, 1)
    assert supported(say_me_too(client, ticket, "192.0.2.2"), 201) == (ticket, 2)
    # What one household holds of IPv6 is one caller.
    assert supported(say_me_too(client, ticket, "2001:db8::1"), 201) == (ticket, 3)
    assert supported(say_me_too(client, ticket, "2001:db8::2"), 200) == (ticket, 3)
    assert h.read(client, f"/reports/{view['reference']}")["supports"] == 3
    assert h.read(client, f"/reports?q={word}")["items"][0]["supports"] == 3
    assert h.read(client, f"/tickets?q={word}", dispatcher)["items"][0]["supports"] == 3
    assert read_ticket(client, ticket, dispatcher)[0]["supports"] == 3
    joined = resident.report(same_as=ticket)
    assert joined["supports"] == 4


def test_supports_go_where_their_report_goes(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    one, other = resident.report(), resident.report()
    for view in (one, other):
        say_me_too(client, view["ticket"])
    path = f"{BASE}/tickets/{one['ticket']}"
    headers = {**dispatcher, "If-Match": read_ticket(client, one["ticket"], dispatcher)[1]}
    client.post(f"{path}/merge", json={"into": other["ticket"]}, headers=headers)
    assert read_ticket(client, other["ticket"], dispatcher)[0]["supports"] == 3
    # Who still has the old reference supports what is done now.
    assert supported(say_me_too(client, one["ticket"], "192.0.2.9"), 201) == (other["ticket"], 4)
    headers["If-Match"] = read_ticket(client, one["ticket"], dispatcher)[1]
    assert client.post(f"{path}/unmerge", headers=headers).status_code == 200
    assert read_ticket(client, one["ticket"], dispatcher)[0]["supports"] == 1
    assert read_ticket(client, other["ticket"], dispatcher)[0]["supports"] == 2


def test_what_the_public_does_not_see_is_not_there(
    app: Flask, client: FlaskClient, resident: Resident
) -> None:
    private, hidden = resident.report(**h.PRIVATE), resident.report()
    h.hide_report(app, hidden["reference"])
    for reference in (private["ticket"], hidden["ticket"], "T-7KM-3QX-9PG", "no-reference"):
        h.refused(say_me_too(client, reference), 404)


def test_what_is_finished_takes_no_supports(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    ticket = resident.report()["ticket"]
    assert move(client, ticket, dispatcher, "resolved").status_code == 200
    h.refused(say_me_too(client, ticket), 409)


def test_twenty_at_once_from_one_address_count_once(app: Flask, resident: Resident) -> None:
    ticket = resident.report()["ticket"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: say_me_too(app.test_client(), ticket).status_code, range(20))
        )
    assert sorted(answers) == [200] * 19 + [201]


def test_nobody_is_known_by_their_support(
    client: FlaskClient, resident: Resident, session: Session
) -> None:
    ticket = resident.report()["ticket"]
    before = traces.rows(session)
    say_me_too(client, ticket, "198.51.100.77")
    [(table, row)] = traces.rows(session) - before
    assert table == "supports"
    assert "198.51.100.77" not in row


def test_an_address_counts_anew_on_another_day_and_shares_its_digest_with_many(
    resident: Resident, session: Session
) -> None:
    ticket = resident.report()["ticket"]
    today = datetime.now(UTC)
    times = [today, today, today + timedelta(days=1)]
    given = [supporting.support(session, ticket, "192.0.2.1", "secret", at) for at in times]
    assert [(one.new, one.supports) for one in given] == [(True, 1), (False, 1), (True, 2)]
    assert supporting.DIGEST_BITS <= 20
