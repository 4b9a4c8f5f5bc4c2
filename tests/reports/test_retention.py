"""Retention: what is forgotten so many months after the closing, and what never is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from api.services import Services
from city.audit import AuditAct
from city.models import Actor, AuditEntry, Jurisdiction, KeptText
from infra.clock import now
from infra.mail import Mailer
from reports import gallery
from reports.desk.flags import PhotoFlag
from reports.models import Contact, Message, Notice, Report, Ticket
from reports.privacy import retention
from reports.privacy.removals import Removal
from tests import traces
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, log_in, move
from workers import sweeper
from workers.tools import Tools

EMAIL, NAME, PHONE = "Ines.Quimper@example.org", "Inès Quimper", "+33 6 98 76 54 32"
CONTACT = {"email": EMAIL, "name": NAME, "phone": PHONE}
# Each stands in a place of its own among what people write.
WORDS = {
    "description": "motdescription",
    "address": "motadresse",
    "answer": "motreponse",
    "message": "motmessage",
    "reason": "motmotif",
    "public": "motpublic",
    "note": "motnote",
}
EVERY_CONTACT = (EMAIL, "ines.quimper", NAME, "Quimper", PHONE, "98 76 54 32")


@dataclass
class Town:
    """The demo city with nothing but what a test puts there."""

    app: Flask
    folder: Path
    session: Session
    kit: Tools

    @property
    def resident(self) -> Resident:
        return Resident(self.app.test_client())

    def closed(self, months: int, **members: Any) -> dict[str, Any]:
        """Send a report that says something in every place, close it, and date it back."""
        view = self.resident.report(
            description=f"Une voiture {WORDS['description']}",
            category="vehicule-abandonne",
            answers={"description-vehicule": WORDS["answer"], "immobile-depuis": 12},
            address=f"chez moi, {WORDS['address']}",
            **{"contact": CONTACT, **members},
        )
        client, staff = self.app.test_client(), log_in(self.app.test_client())
        answer = client.post(
            f"{BASE}/reports/{view['reference']}/messages",
            json={"text": WORDS["message"]},
            headers={**bearer(view["tracking_token"]), "Idempotency-Key": f"key-{EMAIL}"},
        )
        assert answer.status_code == 201
        photo = self.resident.put_photo(view, photo_samples.jpeg(gps=True))
        assert photo.status_code == 201
        h.render_photos(self.app, view["reference"])
        path = f"{BASE}/tickets/{view['ticket']}/notes"
        assert client.post(path, json={"text": WORDS["note"]}, headers=staff).status_code == 201
        words = {"reason": WORDS["reason"], "public_message": WORDS["public"]}
        assert move(client, view["ticket"], staff, "resolved", **words).status_code == 200
        self.date_back(view, months)
        return view

    def date_back(self, view: dict[str, Any], months: int) -> None:
        self.session.execute(
            update(Ticket)
            .where(Ticket.reference == view["ticket"])
            .values(closed_at=Ticket.closed_at - text(f"interval '{months} months 1 hour'"))
        )
        self.session.commit()

    def keep_for(self, months: int | None, kept: KeptText = KeptText.KEEP) -> None:
        values = {"retention_months": months, "retention_text": kept.value}
        self.session.execute(update(Jurisdiction).values(values))
        self.session.commit()

    def sweep(self) -> None:
        """Do what the sweeper does every day."""
        while sweeper.retain(self.kit):
            pass
        sweeper.remove(self.kit)

    def audit(self) -> list[AuditEntry]:
        self.session.rollback()
        return list(
            self.session.scalars(
                select(AuditEntry).where(AuditEntry.act != AuditAct.ADDED).order_by(AuditEntry.id)
            )
        )

    def public(self, view: dict[str, Any]) -> dict[str, Any]:
        return h.read(self.app.test_client(), f"/reports/{view['reference']}")


@pytest.fixture
def town(own_app: Flask, tmp_path: Path) -> Iterator[Town]:
    parts: Services = own_app.extensions["vigie"]
    mailer = Mailer(parts.settings.smtp_url, parts.settings.mail_from)
    with parts.sessions() as session:
        kit = Tools(parts.settings, parts.sessions, parts.storage, mailer, parts.metrics)
        yield Town(own_app, tmp_path, session, kit)


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


def test_two_at_once_share_the_tickets(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        town.closed(months=24)
    town.keep_for(24)
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    city = town.session.scalars(select(Jurisdiction)).one()
    with town.kit.sessions() as one, town.kit.sessions() as other:
        first = retention.run_batch(one, city, now(), Actor.WORKERS)
        second = retention.run_batch(other, city, now(), Actor.WORKERS)
        other.commit()
        one.commit()
    assert (first.counts["tickets"], second.counts["tickets"]) == (2, 1)
    assert traces.in_database(town.session, *EVERY_CONTACT) == []
    assert sorted(entry.changes["tickets"] for entry in town.audit()) == [1, 2]


def test_killed_before_the_commit_it_leaves_everything(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24, KeptText.BLANK)
    before = traces.rows(town.session)
    stored = sorted(traces.files(town.folder))
    city = town.session.scalars(select(Jurisdiction)).one()
    with town.kit.sessions() as session:
        assert retention.run_batch(session, city, now(), Actor.WORKERS).counts["tickets"] == 1
    assert traces.rows(town.session) == before
    assert sorted(traces.files(town.folder)) == stored


def test_killed_before_the_files_are_gone_the_next_one_removes_them(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24)
    assert sweeper.retain(town.kit)
    # The rows are as they will be, and no file that is still there is forgotten.
    owed = town.session.scalars(select(Removal.key)).all()
    assert [str(path) for path in traces.files(town.folder, "originals")] == [
        str(town.folder / "storage" / key) for key in owed
    ]
    sweeper.remove(town.kit)
    sweeper.remove(town.kit)
    assert traces.files(town.folder, "originals") == []
    assert town.session.scalars(select(Removal)).all() == []


def test_the_command_says_how_many_of_what_and_does_as_it_said(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        town.closed(months=24)
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    assert _command(town) == (0, ["no city has a retention"])
    assert _command(town, "--jurisdiction", "beaurive") == (
        1,
        ["Error: there is no city 'beaurive' with a retention"],
    )
    town.keep_for(24, KeptText.BLANK)
    before = traces.rows(town.session)
    code, lines = _command(town, "--dry-run", "--jurisdiction", "beaurive")
    assert (code, lines[-1]) == (0, "nothing was changed")
    assert traces.rows(town.session) == before

    code, done = _command(town)
    assert (code, done) == (0, lines[:-1])
    assert done[-1].startswith("beaurive: 3 tickets, 3 reports, 3 contacts")
    assert done[-2].endswith("3 of 3 tickets")
    changes: Counter[str] = Counter()
    for entry in town.audit():
        assert entry.actor == "command"
        changes.update({what: n for what, n in entry.changes.items() if what != "text"})
    told = {f"{count} {what}" for what, count in changes.items() if what != "months"}
    assert set(done[-1].removeprefix("beaurive: ").split(", ")) == told
    assert _command(town) == (0, ["beaurive: nothing to do"])


def _command(town: Town, *arguments: str) -> tuple[int, list[str]]:
    done = town.app.test_cli_runner().invoke(args=["retention", "run", *arguments])
    return done.exit_code, done.output.splitlines()


def test_no_message_is_sent_to_somebody_forgotten(town: Town) -> None:
    town.closed(months=24)
    town.keep_for(24)
    town.sweep()
    theirs = select(Notice.status).where(Notice.audience == "reporter")
    assert set(town.session.scalars(theirs)) == {"dropped"}
    teams = select(Notice.status).where(Notice.audience == "team")
    assert set(town.session.scalars(teams)) == {"pending"}


def test_history_says_so_to_staff_alone(town: Town) -> None:
    view = town.closed(months=24)
    town.keep_for(24)
    town.sweep()
    client, staff = town.app.test_client(), log_in(town.app.test_client())
    events = h.read(client, f"/tickets/{view['ticket']}", staff)["events"]
    assert [event["kind"] for event in events][-1] == "anonymised"
    public = h.read(client, f"/reports/{view['reference']}/events")["items"]
    assert "anonymised" not in {event["kind"] for event in public}
    assert town.session.scalars(select(Message.id)).all()
