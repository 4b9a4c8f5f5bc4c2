"""Photos of the work: put up by the team, seen by residents, and looked at where they look odd."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from io import BytesIO
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from infra.clock import now
from reports import gallery
from reports.models import Photo
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.reports import photo_samples
from tests.reports.photo_samples import scene, shot
from tests.resident import BASE, INSIDE, Resident, bearer, body_of, read_ticket

WHY = {"reason": "Vu sur place."}
Person = dict[str, str]
Put = Callable[..., TestResponse]
_seeds = count(1_000)


def fresh(*arguments: Any, **options: Any) -> bytes:
    """Return a photo of something that nobody has taken a photo of."""
    return shot(scene(next(_seeds)), *arguments, **options)


def north(metres: float) -> tuple[float, float]:
    """Return the latitude and longitude so many metres north of INSIDE."""
    return INSIDE["latitude"] + metres / 111_200, INSIDE["longitude"]


@pytest.fixture
def member(as_person: LogIn) -> Person:
    """Return the header of somebody of the team for roads."""
    return as_person(h.MEMBER_OF_ROADS)


@pytest.fixture
def put(client: FlaskClient, member: Person) -> Put:
    """Return what puts a photo on a ticket, as somebody of its team."""

    def send(
        ticket: str,
        data: bytes,
        purpose: str | None = "after",
        uuid: object = None,
        person: Person | None = None,
        content_type: str = "image/jpeg",
    ) -> TestResponse:
        query = f"?purpose={purpose}" if purpose else ""
        return client.put(
            f"{BASE}/tickets/{ticket}/photos/{uuid or uuid4()}{query}",
            data=data,
            headers=member if person is None else person,
            content_type=content_type,
        )

    return send


def flags_of(client: FlaskClient, ticket: str, person: Person) -> list[dict[str, Any]]:
    found, _ = read_ticket(client, ticket, person | {"Accept-Language": "en"})
    flags: list[dict[str, Any]] = found["flags"]
    return flags


def test_a_photo_of_the_work_is_taken_by_the_rules_of_residents_photos(
    client: FlaskClient, resident: Resident, put: Put, member: Person
) -> None:
    ticket, uuid, data = resident.report()["ticket"], uuid4(), fresh()
    first = put(ticket, data, uuid=uuid)
    assert first.status_code == 201, first.text
    assert (body_of(first)["status"], body_of(first)["purpose"]) == ("pending", "after")
    again = put(ticket, data, uuid=uuid)
    assert (again.status_code, body_of(again)) == (200, body_of(first))
    h.refused(put(ticket, fresh(), uuid=uuid), 409)
    h.refused(put(ticket, data, "before", uuid=uuid), 409)
    for _ in range(4):
        assert put(ticket, fresh()).status_code == 201
    h.refused(put(ticket, fresh()), 409)
    # Of each kind there may be five.
    assert put(ticket, fresh(), "before").status_code == 201
    photos = read_ticket(client, ticket, member)[0]["photos"]
    assert [photo["purpose"] for photo in photos] == ["after"] * 5 + ["before"]
    assert photos[0] == body_of(first)


def test_the_faults_of_a_photo_of_the_work_come_in_their_order(
    resident: Resident, put: Put, as_person: LogIn, dispatcher: Person
) -> None:
    view = resident.report()
    ticket, many = view["ticket"], bytes(25_000_001)
    h.refused(put(ticket, many, None, person={}), 401)
    h.refused(put(ticket, many, None, person=bearer(view["tracking_token"])), 404)
    h.refused(put(ticket, many, None, person=as_person(h.AUDITOR)), 403)
    h.refused(put(ticket, many, None, person=as_person(h.MEMBER_OF_PARKS)), 404)
    h.refused(put("T-7KM-3QX-9PG", many, None), 404)
    h.refused(put(ticket, many, None), 413)
    h.refused(put(ticket, b"a", None, content_type="text/plain"), 415)
    assert h.blamed(put(ticket, b"a", None)) == ["purpose"]
    assert h.blamed(put(ticket, fresh(), "during")) == ["purpose"]
    h.refused(put(ticket, b"no photo"), 422)
    h.refused(put(ticket, photo_samples.truncated_jpeg()), 422)
    assert put(ticket, fresh(), person=dispatcher).status_code == 201


def test_residents_see_the_work_with_their_report_and_nothing_of_who_or_where(
    app: Flask, client: FlaskClient, resident: Resident, put: Put, dispatcher: Person
) -> None:
    view = resident.report()
    own = resident.put_photo(view, fresh())
    work = body_of(put(view["ticket"], fresh(*north(5))))
    for reference in (view["reference"], view["ticket"]):
        h.render_photos(app, reference)
    for token in ({}, bearer(view["tracking_token"])):
        photos = h.read(client, f"/reports/{view['reference']}", token)["photos"]
        assert [(one["id"], one["purpose"]) for one in photos] == [
            (body_of(own)["id"], None),
            (work["id"], "after"),
        ]
    urls = [url for size in work["urls"].values() for url in size.values()]
    for url in urls:
        picture = client.get(urlsplit(url).path)
        assert picture.status_code == 200
        assert not any(secret in picture.data for secret in photo_samples.PRIVATE_MARKS)
    [event] = [
        event
        for event in h.read(client, f"/reports/{view['reference']}/events")["items"]
        if event["kind"] == "work_photo_added"
    ]
    assert event["by"] == "city"
    page = client.get(f"/r/{view['reference']}", headers={"Accept-Language": "fr"}).text
    assert 'alt="Photo du lieu après les travaux"' in page
    # The desk decides by the resident's photo.
    [line] = h.read(client, f"/tickets?q={view['ticket']}", dispatcher)["items"]
    assert [photo["id"] for photo in line["photos"]] == [body_of(own)["id"]]

    hidden = client.post(f"{BASE}/photos/{work['id']}/hide", json=WHY, headers=dispatcher)
    assert hidden.status_code == 200
    h.refused(client.get(urlsplit(urls[0]).path), 410)
    assert client.get(urlsplit(urls[0]).path, headers=dispatcher).status_code == 200
    assert len(h.read(client, f"/reports/{view['reference']}")["photos"]) == 1
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert [photo["id"] for photo in ticket["hidden_photos"]] == [work["id"]]


def test_the_work_on_what_is_not_public_is_seen_by_whom_it_concerns(
    app: Flask, client: FlaskClient, resident: Resident, put: Put, as_person: LogIn
) -> None:
    view = resident.report(**h.PRIVATE)
    person = as_person("regulateur@beaurive.example")
    photo = body_of(put(view["ticket"], fresh(), person=person))
    h.render_photos(app, view["ticket"])
    path = urlsplit(photo["urls"]["320"]["jpg"]).path
    h.refused(client.get(path), 404)
    h.refused(client.get(path, headers=bearer(resident.report()["tracking_token"])), 404)
    h.refused(client.get(path, headers=as_person(h.MEMBER_OF_PARKS)), 404)
    for headers in (bearer(view["tracking_token"]), person):
        assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("metres", "purpose", "flagged"),
    [(400, "after", True), (140, "after", False), (400, "before", False), (None, "after", False)],
)
def test_who_was_far_from_the_pin_when_it_was_taken_is_flagged(
    app: Flask,
    client: FlaskClient,
    resident: Resident,
    put: Put,
    dispatcher: Person,
    metres: float | None,
    purpose: str,
    flagged: bool,
) -> None:
    ticket = resident.report()["ticket"]
    data = fresh() if metres is None else fresh(*north(metres))
    photo = body_of(put(ticket, data, purpose))
    h.render_photos(app, ticket)
    flags = flags_of(client, ticket, dispatcher)
    assert [(one["code"], one["photo"], one["ticket"]) for one in flags] == (
        [("far", photo["id"], None)] if flagged else []
    )
    assert all("400 m" in one["text"] for one in flags)
    for query, found in (("flagged=true", flagged), ("flagged=false", not flagged)):
        items = h.read(client, f"/tickets?q={ticket}&{query}", dispatcher)["items"]
        assert h.references(items) == [ticket] * found


def test_a_phone_that_says_how_unsure_it_is_is_believed(
    client: FlaskClient, resident: Resident, put: Put, dispatcher: Person
) -> None:
    picture = Image.open(BytesIO(fresh(*north(400))))
    exif = picture.getexif()
    exif.get_ifd(0x8825)[31] = 300.0
    out = BytesIO()
    picture.save(out, "JPEG", exif=exif.tobytes())
    ticket = resident.report()["ticket"]
    assert put(ticket, out.getvalue()).status_code == 201
    assert flags_of(client, ticket, dispatcher) == []


def test_what_was_taken_before_the_report_came_is_flagged(
    client: FlaskClient, resident: Resident, put: Put, dispatcher: Person
) -> None:
    ticket = resident.report()["ticket"]
    # A camera that names no zone shows the time of the place, which is ahead of UTC.
    for zone, codes in ((ZoneInfo("Europe/Paris"), []), (UTC, ["too_early"])):
        taken = now().astimezone(zone).strftime("%Y:%m:%d %H:%M:%S")
        assert put(ticket, fresh(taken=taken)).status_code == 201
        assert [one["code"] for one in flags_of(client, ticket, dispatcher)] == codes


def test_a_picture_of_another_ticket_is_flagged_even_written_anew(
    app: Flask,
    client: FlaskClient,
    resident: Resident,
    put: Put,
    as_person: LogIn,
    dispatcher: Person,
    member: Person,
) -> None:
    picture = scene(next(_seeds), 1600, 1200)
    first, view = resident.report(), resident.report(category="arbre", answers={"danger": "non"})
    assert resident.put_photo(view, shot(picture)).status_code == 201
    h.render_photos(app, view["reference"])
    small = shot(picture.resize((500, 375)), quality=55)
    assert put(first["ticket"], shot(picture), "before").status_code == 201
    copy = body_of(put(first["ticket"], small))
    own = fresh()
    for _ in range(2):
        # On its own ticket a picture may come twice.
        assert put(first["ticket"], own).status_code == 201
    assert flags_of(client, first["ticket"], dispatcher) == []
    h.render_photos(app, first["ticket"])
    [flag] = flags_of(client, first["ticket"], dispatcher)
    assert (flag["code"], flag["photo"]) == ("seen_before", copy["id"])
    assert flag["ticket"] == view["ticket"]
    assert view["ticket"] in flag["text"]
    # Whose ticket the other one is, its team alone learns.
    [told] = flags_of(client, first["ticket"], member)
    assert told["ticket"] is None
    assert view["ticket"] not in told["text"]
    events = read_ticket(client, first["ticket"], dispatcher)[0]["events"]
    assert [event["public"] for event in events if event["kind"] == "photo_flagged"] == [False]

    path = f"{BASE}/photos/{copy['id']}/clear-flags"
    h.refused(client.post(path, json=WHY, headers=member), 403)
    h.refused(client.post(f"{BASE}/photos/{uuid4()}/clear-flags", headers=dispatcher), 404)
    assert h.blamed(client.post(path, json={}, headers=dispatcher)) == ["/reason"]
    for _ in range(2):
        answer = client.post(path, json=WHY, headers=dispatcher)
        assert (answer.status_code, body_of(answer)) == (200, {"id": copy["id"]})
    assert flags_of(client, first["ticket"], dispatcher) == []
    assert h.read(client, f"/tickets?q={first['ticket']}&flagged=true", dispatcher)["items"] == []
    events = read_ticket(client, first["ticket"], dispatcher)[0]["events"]
    cleared = [event for event in events if event["kind"] == "flag_cleared"]
    assert [(one["reason"], one["public"]) for one in cleared] == [(WHY["reason"], False)]


def test_the_work_goes_along_when_tickets_are_merged_and_parted(
    app: Flask, client: FlaskClient, resident: Resident, put: Put, dispatcher: Person
) -> None:
    views = [resident.report() for _ in range(3)]
    one, two, three = (view["ticket"] for view in views)
    photo = body_of(put(one, fresh(*north(900))))
    h.render_photos(app, one)
    path = urlsplit(photo["urls"]["320"]["jpg"]).path

    def join(ticket: str, act: str, **body: str) -> None:
        _, tag = read_ticket(client, ticket, dispatcher)
        headers = {**dispatcher, "If-Match": tag}
        answer = client.post(f"{BASE}/tickets/{ticket}/{act}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    def seen_by(view: dict[str, Any]) -> list[str]:
        return [one["id"] for one in h.read(client, f"/reports/{view['reference']}")["photos"]]

    def flagged() -> list[str]:
        return h.references(h.read(client, "/tickets?flagged=true", dispatcher)["items"])

    assert [seen_by(view) for view in views] == [[photo["id"]], [], []]
    assert one in flagged()
    join(one, "merge", into=two)
    join(two, "merge", into=three)
    assert [seen_by(view) for view in views] == [[photo["id"]]] * 3
    assert {one, two, three} & set(flagged()) == {three}
    assert [flag["code"] for flag in flags_of(client, three, dispatcher)] == ["far"]
    h.refused(put(one, fresh()), 409)
    assert client.get(path).status_code == 200
    h.hide_report(app, views[0]["reference"])
    assert client.get(path).status_code == 200
    join(one, "unmerge")
    h.refused(client.get(path), 410)
    assert [seen_by(view) for view in views[1:]] == [[], []]


def test_a_photo_of_the_work_that_cannot_be_used_is_told_to_the_desk_alone(
    app: Flask, client: FlaskClient, resident: Resident, put: Put, dispatcher: Person
) -> None:
    view = resident.report()
    photo = body_of(put(view["ticket"], fresh()))
    parts = h.parts_of(app)
    with parts.sessions.begin() as session:
        row = session.scalars(select(Photo).where(Photo.public_id == UUID(photo["id"]))).one()
        claimed = gallery.claim(session, row.id, now(), lease_s=60)
        assert claimed is not None
        gallery.record_rejected(session, claimed, gallery.GAVE_UP, now())
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert [one["status"] for one in ticket["photos"]] == ["rejected"]
    assert ticket["events"][-1]["kind"] == "photo_failed"
    assert h.read(client, f"/reports/{view['reference']}")["photos"] == []
