"""The derivatives that everybody may fetch, and what is said of those that nobody may."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import update

from reports import gallery
from reports.models import Photo, Visibility
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, Resident, body_of

WIDTH, HEIGHT = 900, 600
Sent = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture
def send_ready(app: Flask, resident: Resident) -> Callable[..., Sent]:
    """Return what sends a report with a photo, renders it, and returns both as the public sees."""

    def send(**members: Any) -> Sent:
        view = resident.report(**members)
        data = photo_samples.jpeg(WIDTH, HEIGHT, gps=True)
        assert resident.put_photo(view, data).status_code == 201
        h.render_photos(app, view["reference"])
        (photo,) = h.read(resident.client, f"/reports/{view['reference']}")["photos"]
        return view, photo

    return send


def test_all_six_files_exist_and_are_never_enlarged(
    client: FlaskClient, send_ready: Callable[..., Sent]
) -> None:
    _, photo = send_ready()
    assert photo["status"] == "ready"
    assert photo["placeholder"].startswith("data:image/")
    seen = 0
    for size, urls in photo["urls"].items():
        for extension, url in urls.items():
            answer = client.get(urlsplit(url).path)
            assert answer.status_code == 200
            media_type = {"jpg": "image/jpeg", "webp": "image/webp"}[extension]
            assert answer.content_type == media_type
            assert int(answer.headers["Content-Length"]) == len(answer.data)
            picture = Image.open(BytesIO(answer.data))
            assert picture.get_format_mimetype() == media_type
            expected = (WIDTH, HEIGHT) if size == "1600" else (int(size), round(int(size) / 1.5))
            assert picture.size == expected
            seen += 1
    assert seen == 6


def test_files_are_kept_for_a_day_and_asked_for_again(
    client: FlaskClient, send_ready: Callable[..., Sent]
) -> None:
    _, photo = send_ready()
    tags = set()
    for urls in photo["urls"].values():
        for url in urls.values():
            path = urlsplit(url).path
            answer = client.get(path)
            control = answer.cache_control
            assert control.max_age == 86_400
            assert control.must_revalidate
            assert "public" in control
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            tag = answer.headers["ETag"]
            tags.add(tag)
            for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
                again = client.get(path, headers={"If-None-Match": given})
                assert again.status_code == 304
                assert again.data == b""
                assert again.headers["ETag"] == tag
                assert again.cache_control.max_age == 86_400
            fresh = client.get(path, headers={"If-None-Match": '"other"'})
            assert fresh.status_code == 200
            head = client.head(path)
            assert (head.status_code, head.data) == (200, b"")
    assert len(tags) == 6


def test_a_pending_photo_is_not_there_yet(client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    photo = body_of(resident.put_photo(view, photo_samples.jpeg(64, 48)))
    for urls in photo["urls"].values():
        for url in urls.values():
            h.refused(client.get(urlsplit(url).path), 404)
    assert h.read(client, f"/reports/{view['reference']}")["photos"] == [photo]


@pytest.mark.parametrize(
    "name",
    ["321.jpg", "0.jpg", "-320.jpg", "320.png", "320.JPG", "320", "original.jpg", "1600.heic"],
)
def test_other_sizes_and_formats_do_not_exist(
    client: FlaskClient, send_ready: Callable[..., Sent], name: str
) -> None:
    _, photo = send_ready()
    h.refused(client.get(f"{BASE}/photos/{photo['id']}/{name}"), 404)


@pytest.mark.parametrize(
    "photo", ["6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11", "7", "..%2f..%2foriginals"]
)
def test_unknown_photos_do_not_exist(client: FlaskClient, photo: str) -> None:
    h.refused(client.get(f"{BASE}/photos/{photo}/320.jpg"), 404)


def test_a_hidden_photo_is_gone(
    app: Flask, client: FlaskClient, send_ready: Callable[..., Sent]
) -> None:
    view, photo = send_ready()
    path = f"{BASE}/photos/{photo['id']}/320.jpg"
    tag = client.get(path).headers["ETag"]
    with h.parts_of(app).sessions.begin() as session:
        session.execute(
            update(Photo)
            .where(Photo.public_id == photo["id"])
            .values(visibility=Visibility.HIDDEN.value)
        )
    h.refused(client.get(path), 410)
    h.refused(client.get(path, headers={"If-None-Match": tag}), 410)
    assert h.read(client, f"/reports/{view['reference']}")["photos"] == []


def test_a_hidden_reports_photo_is_gone(
    app: Flask, client: FlaskClient, send_ready: Callable[..., Sent]
) -> None:
    view, photo = send_ready()
    h.hide_report(app, view["reference"])
    h.refused(client.get(f"{BASE}/photos/{photo['id']}/320.jpg"), 410)


def test_a_rejected_photo_says_why(app: Flask, client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    photo = body_of(resident.put_photo(view, photo_samples.jpeg(64, 48)))
    with h.parts_of(app).sessions.begin() as session:
        session.execute(
            update(Photo)
            .where(Photo.public_id == photo["id"])
            .values(status="rejected", reason="broken")
        )
    path = f"/reports/{view['reference']}"
    reasons = set()
    for language in ("fr", "en"):
        (found,) = h.read(client, path, {"Accept-Language": language})["photos"]
        assert found["status"] == "rejected"
        reasons.add(found["reason"])
    assert len(reasons) == 2
    assert all(reason and reason != "broken" for reason in reasons)
    h.refused(client.get(f"{BASE}/photos/{photo['id']}/320.jpg"), 404)


def test_a_file_that_is_lost_is_not_there(
    app: Flask, client: FlaskClient, send_ready: Callable[..., Sent]
) -> None:
    _, photo = send_ready()
    h.parts_of(app).storage.delete(gallery.derivative_key(photo["id"], 320, "jpg"))
    h.refused(client.get(urlsplit(photo["urls"]["320"]["jpg"]).path), 404)
    assert client.get(urlsplit(photo["urls"]["800"]["jpg"]).path).status_code == 200
