"""Handing out and erasing what is held about one resident."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from infra.clock import now
from reports import gallery, phone_ends
from reports.models import Notice, Report
from reports.privacy.phones import same_number
from reports.privacy.removals import Removal
from reports.work import ReportAnonymised
from tests import traces
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.city.towns import document, load, write
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, Resident, bearer, body_of, log_in, move, problem_at

EMAIL, NAME, PHONE = "Ines.Quimper@example.org", "Inès Quimper", "06 98 76 54 32"
OTHER = {"email": "sam@example.org", "phone": "+33 1 44 55 66 77", "name": "Sam"}
TRACES = (EMAIL, NAME, "Quimper", PHONE, "98 76 54 32", "98765432")
WORDS = "motsecret"
# Its colour profile tells when it was made, so it is made once.
PHOTO = photo_samples.jpeg(gps=True)


def ask(client: FlaskClient, what: str, staff: dict[str, str], **who: Any) -> TestResponse:
    return client.post(f"{BASE}/residents/{what}", json=who, headers=staff, buffered=True)


def unpacked(answer: TestResponse) -> tuple[dict[str, Any], dict[str, bytes]]:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    with ZipFile(BytesIO(answer.data)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    data: dict[str, Any] = json.loads(held.pop("data.json"))
    return data, held


@pytest.fixture
def town(own_app: Flask) -> Iterator[FlaskClient]:
    """Return a client of a city where nobody has reported anything."""
    with own_app.test_client() as client:
        yield client


@pytest.fixture
def own_session(own_app: Flask) -> Iterator[Session]:
    with h.parts_of(own_app).sessions() as session:
        yield session


@pytest.fixture
def staff(town: FlaskClient) -> dict[str, str]:
    return log_in(town)


def full_report(town: FlaskClient, staff: dict[str, str], **contact: str) -> dict[str, Any]:
    """Send a report that leaves personal data wherever a report can."""
    resident = Resident(town)
    body = problem_at(contact=contact, description=f"Un trou {WORDS}", address=f"Chez {WORDS}")
    sent = town.post(f"{BASE}/reports", json=body, headers={"Idempotency-Key": uuid4().hex})
    view = body_of(sent)
    town.post(
        f"{BASE}/reports/{view['reference']}/messages",
        json={"text": f"Encore {WORDS}"},
        headers={**bearer(view["tracking_token"]), "Idempotency-Key": uuid4().hex},
    )
    assert resident.put_photo(view, PHOTO).status_code == 201
    h.render_photos(town.application, view["reference"])
    words = {"public_message": "Nous y allons."}
    assert move(town, view["ticket"], staff, "accepted", **words).status_code == 200
    return view


def test_all_that_is_held_is_handed_out(town: FlaskClient, staff: dict[str, str]) -> None:
    view = full_report(town, staff, email=EMAIL, name=NAME)
    by_phone = Resident(town).report(contact={"phone": "+33 (0)6 98.76.54.32"})
    full_report(town, staff, **OTHER)
    data, files = unpacked(ask(town, "export", staff, email=EMAIL.upper(), phone=PHONE))
    assert data["jurisdiction"] == "beaurive"
    first, second = data["reports"]
    assert (first["reference"], second["reference"]) == (view["reference"], by_phone["reference"])
    assert first["contact"] == {"name": NAME, "email": EMAIL, "phone": None}
    assert first["description"] == f"Un trou {WORDS}"
    assert [one["text"] for one in first["messages"]] == [f"Encore {WORDS}", "Nous y allons."]
    assert [one["kind"] for one in first["notices"]] == ["receipt", "status"]
    assert {one["kind"] for one in first["events"]} == {
        *("received", "routed", "message", "photo_added", "status")
    }
    [photo] = first["photos"]
    assert files == {photo["file"]: PHOTO}
    assert first["status"] == "accepted"
    assert second["photos"] == []
    assert "Sam" not in json.dumps(data)


def test_an_original_that_is_lost_is_said_to_be(
    town: FlaskClient, staff: dict[str, str], own_app: Flask, tmp_path: Path
) -> None:
    full_report(town, staff, email=EMAIL)
    for path in traces.files(tmp_path, "originals"):
        path.unlink()
    data, files = unpacked(ask(town, "export", staff, email=EMAIL))
    assert data["reports"][0]["photos"][0]["file"] is None
    assert files == {}


@pytest.mark.parametrize("kept", ["keep", "blank"])
def test_what_is_erased_is_nowhere_any_more(
    town: FlaskClient, staff: dict[str, str], own_session: Session, tmp_path: Path, kept: str
) -> None:
    views = [full_report(town, staff, email=EMAIL.lower(), phone=PHONE, name=NAME)]
    views.append(full_report(town, staff, email=EMAIL.upper(), name=NAME))
    assert traces.in_database(own_session, *TRACES)
    answer = ask(town, "erase", staff, email=EMAIL, phone=PHONE, text=kept)
    assert answer.status_code == 200
    blanked = {"photos": 2, "texts": 6} if kept == "blank" else {"photos": 0, "texts": 0}
    counts = {"reports": 2, "contacts": 2, "notices": 4, "originals": 2, **blanked}
    assert body_of(answer) == counts

    words = (*TRACES, WORDS) if kept == "blank" else TRACES
    assert traces.in_database(own_session, *words) == []
    owed = set(own_session.scalars(select(Removal.key)))
    left = {path.relative_to(tmp_path / "storage") for path in traces.files(tmp_path)}
    assert {str(path) for path in left} - owed == {
        str(path) for path in left if kept == "keep" and path.parts[0] == "derivatives"
    }
    for view in views:
        public = h.read(town, f"/reports/{view['reference']}")
        assert public["status"] == "accepted"
        assert bool(public["description"]) == bool(public["photos"]) == (kept == "keep")
    assert own_session.execute(text("SELECT 1 FROM idempotency_keys")).all() == []
    theirs = select(Notice.status).where(Notice.audience == "reporter")
    assert set(own_session.scalars(theirs)) == {"dropped"}


def test_nobody_elses_data_change(
    town: FlaskClient, staff: dict[str, str], own_session: Session
) -> None:
    other = full_report(town, staff, **OTHER)
    # The same thing, on the same ticket, by somebody else.
    joined = Resident(town).report(same_as=other["ticket"], contact={"email": EMAIL})
    assert joined["ticket"] == other["ticket"]
    before = traces.rows(own_session)
    ask(town, "erase", staff, email=EMAIL, text="blank")
    gone = [(table, json.loads(row)) for table, row in before - traces.rows(own_session)]
    report_id = own_session.scalars(
        select(Report.id).where(Report.reference == joined["reference"])
    ).one()
    changed = {"contacts", "notices", "reports", "ticket_words", "tickets"}
    assert {table for table, _ in gone} == changed
    for table, row in gone:
        if table == "ticket_words":
            # The words that are left are found as before.
            found = h.read(town, f"/tickets?q={WORDS}", staff)
            assert other["ticket"] in h.references(found["items"])
        elif table == "tickets":
            # Its history has a line more, and nothing else of it has changed.
            assert row["reference"] == other["ticket"]
            assert row["address"]
        else:
            assert row["id" if table == "reports" else "report_id"] == report_id
    data, _ = unpacked(ask(town, "export", staff, email=OTHER["email"]))
    assert data["reports"][0]["description"] == f"Un trou {WORDS}"


def test_erasing_again_finds_nothing_and_shows_in_the_audit(
    town: FlaskClient, staff: dict[str, str], own_session: Session
) -> None:
    full_report(town, staff, email=EMAIL)
    for what in ("export", "erase", "erase", "export"):
        answer = ask(town, what, staff, email=EMAIL)
        assert answer.status_code == 200
        if what == "erase":
            counts = body_of(answer)
    assert set(counts.values()) == {0}
    data, files = unpacked(answer)
    assert (data["reports"], files) == ([], {})

    entries = own_session.execute(
        text(
            "SELECT act, actor, person_id, thing_kind, changes FROM audit_entries"
            " WHERE act NOT IN ('added', 'changed') ORDER BY id"
        )
    ).all()
    assert [entry.act for entry in entries] == ["export", "erasure", "erasure", "export"]
    assert {(entry.actor, entry.thing_kind) for entry in entries} == {("person", "resident")}
    assert all(entry.person_id for entry in entries)
    # The seal shows that it was the same address, and not which.
    [seal] = {json.dumps(entry.changes["seals"]) for entry in entries}
    assert EMAIL.lower() not in seal
    assert entries[1].changes["contacts"] == 1
    assert "contacts" not in entries[2].changes


def test_another_citys_reports_are_out_of_reach(
    town: FlaskClient, staff: dict[str, str], own_app: Flask, own_session: Session, tmp_path: Path
) -> None:
    with h.parts_of(own_app).sessions.begin() as session:
        load(session, write(tmp_path / "town", document(addresses=None)), now())
    there = {"latitude": -33.95, "longitude": 20.05}
    elsewhere = Resident(town).report(
        location=there, category="hole", contact={"email": EMAIL, "phone": PHONE}
    )
    here = Resident(town).report(contact={"email": EMAIL})
    data, _ = unpacked(ask(town, "export", staff, email=EMAIL, phone=PHONE))
    assert h.references(data["reports"]) == [here["reference"]]
    assert body_of(ask(town, "erase", staff, email=EMAIL, phone=PHONE))["contacts"] == 1
    path = f"/reports/{elsewhere['reference']}"
    assert h.read(town, path, bearer(elsewhere["tracking_token"]))["contact"]["email"] == EMAIL


def test_a_photo_that_arrives_while_its_report_is_erased_leaves_nothing(
    town: FlaskClient, staff: dict[str, str], own_app: Flask, tmp_path: Path
) -> None:
    view = Resident(town).report(contact={"email": EMAIL})
    parts = h.parts_of(own_app)
    upload = gallery.receive(uuid4(), photo_samples.jpeg())
    with parts.sessions() as session:
        report = session.scalars(select(Report).where(Report.reference == view["reference"])).one()
        assert gallery.find_same(session, report.id, upload) is None
        session.commit()
        assert body_of(ask(town, "erase", staff, email=EMAIL))["reports"] == 1
        with pytest.raises(ReportAnonymised):
            gallery.add(session, report, upload, now())
    assert ReportAnonymised in gallery.REFUSALS


def test_files_in_the_hands_of_a_job_go_after_it(
    town: FlaskClient, staff: dict[str, str], own_app: Flask, own_session: Session
) -> None:
    view = Resident(town).report(contact={"email": EMAIL})
    assert Resident(town).put_photo(view, photo_samples.jpeg()).status_code == 201
    moment = now()
    with h.parts_of(own_app).sessions.begin() as session:
        [photo] = session.scalars(text("SELECT id FROM photos"))
        claimed = gallery.claim(session, photo, moment, lease_s=60)
    assert claimed is not None
    assert body_of(ask(town, "erase", staff, email=EMAIL))["photos"] == 1
    due = set(own_session.scalars(select(Removal.due_at)))
    assert due == {claimed.row.leased_until}


@pytest.mark.parametrize("what", ["export", "erase"])
@pytest.mark.parametrize(
    ("who", "place"),
    [
        ({}, "/email"),
        ({"email": None, "phone": None}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"phone": "12 34"}, "/phone"),
        ({"email": EMAIL, "name": NAME}, "/name"),
    ],
)
def test_who_is_meant_must_be_said(
    client: FlaskClient, dispatcher: dict[str, str], what: str, who: dict[str, Any], place: str
) -> None:
    assert h.blamed(ask(client, what, dispatcher, **who)) == [place]


def test_texts_are_kept_or_blanked(client: FlaskClient, dispatcher: dict[str, str]) -> None:
    answer = ask(client, "erase", dispatcher, email=EMAIL, text="burn")
    assert h.blamed(answer) == ["/text"]


@pytest.mark.parametrize("what", ["export", "erase"])
def test_it_is_for_dispatchers_alone(
    client: FlaskClient, resident: Resident, as_person: LogIn, what: str
) -> None:
    view = resident.report(contact={"email": "lou@example.org"})
    for email in set(h.EVERYBODY) - {DISPATCHER}:
        h.refused(ask(client, what, as_person(email), email="lou@example.org"), 403)
    h.refused(ask(client, what, bearer(view["tracking_token"]), email="lou@example.org"), 404)
    h.refused(ask(client, what, {}, email="lou@example.org"), 401)
    own = h.read(client, f"/reports/{view['reference']}", bearer(view["tracking_token"]))
    assert own["contact"]["email"] == "lou@example.org"


def test_the_archive_is_kept_by_no_cache(
    client: FlaskClient, dispatcher: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    answer = ask(client, "export", dispatcher, email=EMAIL, phone=PHONE)
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Quimper" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("06 98 76 54 32", "0698765432", True),
        ("06.98.76.54.32", "+33 6 98 76 54 32", True),
        ("0033698765432", "+33 (0)6 98 76 54 32", True),
        ("06 98 76 54 32", "06 98 76 54 33", False),
        ("+33 6 98 76 54 32", "+44 6 98 76 54 32", False),
        ("76 54 32", "+33 6 98 76 54 32", False),
        ("", "06 98 76 54 32", False),
        ("", "+33", False),
        # What comes before has to be a country's code, and nothing of the number itself.
        ("39572717", "+45 39572717", True),
        ("39572717", "+33 6 39572717", False),
        ("39572717", "+33 1 39572717", False),
        ("06 98 76 54 32 poste 12", "0698765432", True),
        ("06 98 76 54 32 poste 12", "06 98 76 54 32 ext. 12", True),
        ("06 98 76 54 32 poste 12", "06 98 76 54 32 poste 34", False),
        ("Tél. 06 98 76 54 32", "0698765432", True),
        ("Mobile : 06 98 76 54 32", "+33 6 98 76 54 32", True),
        ("tel:+33698765432", "06 98 76 54 32", True),
        ("٠٦٩٨٧٦٥٤٣٢", "+33 6 98 76 54 32", True),
        ("０６９８７６５４３２", "0698765432", True),
    ],
)
def test_a_number_is_the_same_however_it_is_written(one: str, other: str, same: bool) -> None:
    assert same_number(one, other) is same
    assert same_number(other, one) is same


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("lower(email) = 'a@example.org'", "ix_contacts_email"),
        (f"{phone_ends.END_SQL} = '765432'", "ix_contacts_phone"),
    ],
)
def test_residents_are_found_by_an_index(session: Session, condition: str, index: str) -> None:
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = session.scalars(
        text(f"EXPLAIN SELECT * FROM contacts WHERE jurisdiction_id = 1 AND {condition}")
    ).all()
    found = "\n".join(plan)
    assert index in found
    # Not only by the city that the index begins with.
    assert re.search(r"Index Cond: .*(765432|a@example.org)", found)


@pytest.mark.parametrize(
    "written",
    [
        "Tél. 06 98 76 54 32",
        "tel:+33698765432",
        "٠٦٩٨٧٦٥٤٣٢",
        "０６ ９８ ７６ ５４ ３２",
        "06 98 76 54 32 poste 12",
        "+33 (0)6 98 76 54 32",
    ],
)
def test_whoever_left_a_number_is_found_by_it(town: FlaskClient, written: str) -> None:
    view = Resident(town).report(contact={"phone": written})
    staff = log_in(town)
    for asked in (written, "0698765432"):
        data, _ = unpacked(ask(town, "export", staff, phone=asked))
        assert [one["reference"] for one in data["reports"]] == [view["reference"]]


def test_a_part_of_a_number_forgets_nobody(town: FlaskClient) -> None:
    for written in ("+33 6 39572717", "+33 7 39572717", "+33 1 39572717"):
        Resident(town).report(contact={"phone": written})
    assert body_of(ask(town, "erase", log_in(town), phone="39572717"))["contacts"] == 0
