"""Retention: what is forgotten so many months after the closing, and what never is."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import func, select, text

from city.models import KeptText
from reports import gallery
from reports.desk.flags import PhotoFlag
from reports.models import Contact, Message, Report, Ticket
from tests import traces
from tests.api import help as h
from tests.reports import photo_samples
from tests.reports.retained import CONTACT, EMAIL, EVERY_CONTACT, NAME, WORDS, Town
from tests.resident import BASE, bearer, log_in, move
from workers import sweeper


def test_contact_and_originals_go_and_the_facts_stay(town: Town) -> None:
    view = town.closed(months=24)
    before = town.public(view)
    assert traces.in_database(town.session, *EVERY_CONTACT)
    assert traces.in_storage(town.folder, photo_samples.SECRET)
    town.keep_for(24)

    town.sweep()

    assert traces.in_database(town.session, *EVERY_CONTACT) == []
    assert traces.files(town.folder, "originals") == []
    assert traces.in_storage(town.folder, photo_samples.SECRET) == []
    after = town.public(view)
    assert after == {**before, "updated_at": after["updated_at"]}
    assert after["photos"][0]["status"] == "ready"
    address = after["photos"][0]["urls"]["320"]["jpg"].removeprefix(h.PUBLIC_URL)
    assert town.app.test_client().get(address).status_code == 200
    [entry] = town.audit()
    assert (entry.act, entry.actor, entry.thing_kind) == ("retention", "workers", "tickets")
    expected = {"tickets": 1, "reports": 1, "contacts": 1, "originals": 1, "notices": 2}
    assert entry.changes == {"months": 24, "text": "keep", **expected}


def test_blanked_nothing_that_anybody_wrote_is_left_and_no_photo(town: Town) -> None:
    view = town.closed(months=24)
    assert len(traces.in_database(town.session, *WORDS.values())) >= 5
    town.keep_for(24, KeptText.BLANK)

    town.sweep()

    assert traces.in_database(town.session, *EVERY_CONTACT, *WORDS.values()) == []
    assert traces.files(town.folder) == []
    after = town.public(view)
    assert (after["description"], after["photos"], after["public_message"]) == ("", [], None)
    assert after["status"] == "resolved"
    assert after["location"] == view["location"]
    report = town.session.scalars(select(Report)).one()
    assert report.answers == {"immobile-depuis": 12}
    [entry] = town.audit()
    # Description, answer, address, message, note, and the words of the closing.
    assert (entry.changes["texts"], entry.changes["photos"]) == (6, 1)
    page = town.app.test_client().get(f"/r/{view['reference']}")
    assert page.status_code == 200


def test_photos_of_the_work_go_with_what_the_city_wrote(town: Town) -> None:
    view = town.closed(months=24)
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    answer = client.put(
        f"{BASE}/tickets/{view['ticket']}/photos/{uuid4()}?purpose=after",
        data=photo_samples.jpeg(gps=True),
        headers=staff,
        content_type="image/jpeg",
    )
    assert answer.status_code == 201, answer.text
    h.render_photos(town.app, view["ticket"])
    assert town.session.scalars(select(PhotoFlag.code)).all() == ["far"]
    originals = partial(town.kit.storage.list, gallery.ORIGINALS)

    who = {"email": EMAIL, "text": "blank"}
    assert client.post(f"{BASE}/residents/erase", json=who, headers=staff).status_code == 200
    sweeper.remove(town.kit)
    # The resident's own is gone, and what the team did is not about the resident.
    assert [photo["purpose"] for photo in town.public(view)["photos"]] == ["after"]
    assert gallery.without_row(town.session, list(originals())) == []
    assert len(list(originals())) == 1

    town.date_back(view, 0)
    town.keep_for(24)
    town.sweep()
    assert list(originals()) == []
    [photo] = town.public(view)["photos"]
    assert client.get(urlsplit(photo["urls"]["320"]["jpg"]).path).status_code == 200
    assert town.audit()[-1].changes["originals"] == 1

    town.keep_for(24, KeptText.BLANK)
    town.sweep()
    assert town.public(view)["photos"] == []
    assert traces.files(town.folder) == []
    assert town.audit()[-1].changes["photos"] == 1
    assert town.session.scalars(select(PhotoFlag.code)).all() == []


def test_nothing_of_other_reports_changes(town: Town) -> None:
    old = town.closed(months=24)
    others = [
        town.closed(months=23),
        town.resident.report(contact=CONTACT, description=WORDS["description"]),
    ]
    town.keep_for(24, KeptText.BLANK)
    before = traces.rows(town.session)

    town.sweep()

    after = traces.rows(town.session)
    ids = {
        "ticket": town.session.scalars(
            select(Ticket.id).where(Ticket.reference == old["ticket"])
        ).one(),
        "report": town.session.scalars(
            select(Report.id).where(Report.reference == old["reference"])
        ).one(),
        "message": town.session.scalars(select(func.min(Message.id))).one(),
    }
    for table, row in (before - after) + (after - before):
        assert table == "audit_entries" or _is_about(table, json.loads(row), ids), (table, row)
    assert town.public(others[0])["description"]


def _is_about(table: str, row: dict[str, Any], ids: dict[str, int]) -> bool:
    if table == "tickets":
        return bool(row["id"] == ids["ticket"])
    if table == "reports":
        return bool(row["id"] == ids["report"])
    if table == "idempotency_keys":
        return bool(row["message_id"] == ids["message"])
    return bool(row.get("report_id") == ids["report"] or row.get("ticket_id") == ids["ticket"])


def test_only_what_was_closed_long_enough_ago_counts(town: Town) -> None:
    recent, reopened, still_open = town.closed(23), town.closed(30), town.resident.report()
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    assert move(client, reopened["ticket"], staff, "reopened").status_code == 200
    town.keep_for(24)
    town.sweep()
    assert town.audit() == []
    assert town.session.scalars(select(Contact.email)).all() == [EMAIL] * 2

    # Closed again, its time begins anew.
    assert move(client, reopened["ticket"], staff, "resolved").status_code == 200
    town.sweep()
    assert town.audit() == []
    town.date_back(reopened, 24)
    town.sweep()
    assert [entry.changes["contacts"] for entry in town.audit()] == [1]
    assert town.public(recent)
    assert town.public(still_open)


def test_without_a_retention_everything_is_kept(town: Town) -> None:
    town.closed(months=900)
    town.keep_for(None)
    before = traces.rows(town.session)
    town.sweep()
    assert traces.rows(town.session) == before


def test_a_second_time_changes_nothing(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24, KeptText.BLANK)
    town.sweep()
    before = traces.rows(town.session)
    town.sweep()
    assert traces.rows(town.session) == before


def test_kept_texts_go_once_the_city_wants_them_blanked(town: Town) -> None:
    view = town.closed(months=24)
    town.keep_for(24, KeptText.KEEP)
    town.sweep()
    assert town.public(view)["description"]
    town.keep_for(24, KeptText.BLANK)
    town.sweep()
    assert traces.in_database(town.session, *WORDS.values()) == []
    assert traces.files(town.folder) == []


def test_what_staff_write_afterwards_goes_too(town: Town) -> None:
    view = town.closed(months=24)
    town.keep_for(24, KeptText.BLANK)
    town.sweep()
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    path = f"{BASE}/tickets/{view['ticket']}/notes"
    client.post(path, json={"text": f"{NAME} a rappelé"}, headers=staff)
    assert traces.in_database(town.session, NAME)
    town.sweep()
    assert traces.in_database(town.session, NAME) == []
    anonymised = town.session.scalars(
        text("SELECT count(*) FROM events WHERE kind = 'anonymised'")
    ).one()
    assert anonymised == 1


def test_reports_about_the_same_thing_go_with_their_ticket(town: Town) -> None:
    first = town.resident.report(contact=CONTACT, address=WORDS["address"])
    second = town.resident.report(contact=CONTACT, same_as=first["ticket"])
    left = town.resident.report(contact=CONTACT, same_as=first["ticket"])
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    path = f"{BASE}/reports/{left['reference']}/withdraw"
    assert client.post(path, headers=bearer(left["tracking_token"])).status_code == 200
    assert move(client, first["ticket"], staff, "resolved").status_code == 200
    town.date_back(first, 24)
    town.keep_for(24, KeptText.BLANK)
    town.sweep()
    untied = select(Report.reference).where(Report.anonymised_at.is_not(None))
    assert set(town.session.scalars(untied)) == {first["reference"], second["reference"]}
    assert town.session.scalars(select(Contact.email)).all() == [EMAIL]
    # The withdrawn report's own ticket had taken the address over.
    assert traces.in_database(town.session, WORDS["address"]) == []


def test_a_contact_that_its_owner_removed_is_not_counted(town: Town) -> None:
    view = town.closed(months=24)
    path = f"{BASE}/reports/{view['reference']}/contact"
    client = town.app.test_client()
    assert client.delete(path, headers=bearer(view["tracking_token"])).status_code == 204
    town.keep_for(24)
    town.sweep()
    [entry] = town.audit()
    assert entry.changes["reports"] == 1
    assert "contacts" not in entry.changes


def test_the_tracking_token_opens_nothing_any_more(town: Town) -> None:
    view = town.closed(months=24)
    token = bearer(view["tracking_token"])
    client, path = town.app.test_client(), f"{BASE}/reports/{view['reference']}"
    assert "messages" in h.read(client, f"/reports/{view['reference']}", token)
    town.keep_for(24)
    town.sweep()
    assert set(h.read(client, f"/reports/{view['reference']}", token)) == h.PUBLIC_VIEW
    for answer in (
        client.post(f"{path}/messages", json={"text": "?"}, headers=token),
        client.post(f"{path}/withdraw", headers=token),
        client.delete(f"{path}/contact", headers=token),
        town.resident.put_photo(view, photo_samples.jpeg(64, 48)),
    ):
        assert h.refused(answer, 403)["type"].endswith("anonymised")
    assert traces.files(town.folder, "originals") == []


def test_a_private_report_is_gone_for_its_former_reporter(town: Town) -> None:
    view = town.resident.report(**h.PRIVATE, contact=CONTACT)
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    assert move(client, view["ticket"], staff, "resolved").status_code == 200
    town.date_back(view, 24)
    town.keep_for(24)
    town.sweep()
    token = bearer(view["tracking_token"])
    h.refused(client.get(f"{BASE}/reports/{view['reference']}", headers=token), 404)
    assert client.get(f"/r/{view['reference']}?token={view['tracking_token']}").status_code == 404
