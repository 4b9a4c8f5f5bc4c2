"""Faults of photo forms: read in bounds, refused as a whole, and no name in them believed."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from reports.models import Photo, Report
from tests import web
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, problem_at
from tests.stack import Stack

EDGE = b"--parts"
PICTURE = b'Content-Disposition: form-data; name="photo"; filename="trou.jpg"'
WIDEST_FIELD = 500_000
MOST_PARTS = 1_000


def _part(head: bytes, data: bytes) -> bytes:
    return b"\r\n".join([EDGE, head, b"", data, b""])


def _text(name: str, data: bytes) -> bytes:
    return _part(f'Content-Disposition: form-data; name="{name}"'.encode(), data)


def _send(resident: Resident, body: bytes, parameters: str = "; boundary=parts") -> TestResponse:
    view = resident.report()
    return resident.client.post(
        f"{BASE}/reports/{view['reference']}/photos",
        data=body,
        headers=bearer(view["tracking_token"]),
        content_type=f"multipart/form-data{parameters}",
    )


def _whole(*parts: bytes) -> bytes:
    return b"".join(parts) + EDGE + b"--\r\n"


@pytest.mark.fault(1)
@pytest.mark.parametrize("parameters", ["", "; boundary=", '; boundary=""', "; charset=utf-8"])
def test_01_a_form_without_a_boundary_is_400(resident: Resident, parameters: str) -> None:
    body = _whole(_part(PICTURE, photo_samples.jpeg(64, 48)))
    h.refused(_send(resident, body, parameters), 400)


@pytest.mark.fault(2)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_02_a_form_that_was_cut_off_leaves_neither_row_nor_file(
    own_app: Flask, share: float
) -> None:
    parts = h.parts_of(own_app)
    body = _whole(_part(PICTURE, photo_samples.jpeg(64, 48)))
    answer = _send(Resident(own_app.test_client()), body[: int(len(body) * share)])
    h.refused(answer, 400)
    assert list(parts.storage.list("")) == []
    with parts.sessions() as session:
        assert session.scalars(select(Photo)).all() == []
        assert len(session.scalars(select(Report)).all()) == 1


@pytest.mark.fault(3)
def test_03_a_photo_as_a_text_is_422_and_named(resident: Resident) -> None:
    body = _whole(_text("photo", photo_samples.jpeg(64, 48)))
    assert h.blamed(_send(resident, body)) == ["/photo"]


@pytest.mark.fault(4)
def test_04_more_than_1000_parts_are_413(resident: Resident) -> None:
    picture = _part(PICTURE, photo_samples.jpeg(64, 48))
    notes = [_text("note", b"x")] * MOST_PARTS
    refusal = h.refused(_send(resident, _whole(picture, *notes)), 413)
    assert "1000 parts" in refusal["detail"]
    assert "25000000" not in refusal["detail"]
    assert _send(resident, _whole(picture, *notes[1:])).status_code == 201


@pytest.mark.fault(4)
def test_04_a_text_of_more_than_500_kilobytes_is_413(resident: Resident) -> None:
    picture = _part(PICTURE, photo_samples.jpeg(64, 48))
    wide = _send(resident, _whole(_text("note", bytes(WIDEST_FIELD + 1)), picture))
    assert "500000 bytes" in h.refused(wide, 413)["detail"]
    assert _send(resident, _whole(_text("note", bytes(WIDEST_FIELD)), picture)).status_code == 201


def test_a_second_photo_in_a_form_is_422_and_named(own_app: Flask) -> None:
    resident = Resident(own_app.test_client())
    picture, other = (_part(PICTURE, photo_samples.jpeg(64, height)) for height in (48, 32))
    for second in (other, picture, _text("photo", b"x")):
        for parts in ((picture, second), (second, picture)):
            assert h.blamed(_send(resident, _whole(*parts))) == ["/photo"]
    assert list(h.parts_of(own_app).storage.list("")) == []


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    ("method", "path", "content_type", "size"),
    [
        ("POST", "", "application/json", 1_000_001),
        (
            "PUT",
            f"/{{reference}}/photos/{UUID(int=5)}",
            "image/jpeg",
            25_000_001,
        ),
        ("POST", "/{reference}/photos", "multipart/form-data; boundary=parts", 26_000_000),
    ],
)
def test_05_too_large_a_body_is_413_before_any_of_it_has_come(
    stack: Stack, method: str, path: str, content_type: str, size: int
) -> None:
    view = web.post(f"{stack.url}{BASE}/reports", json=problem_at(), timeout=20).json()
    headers = {
        **bearer(view["tracking_token"]),
        "Content-Type": content_type,
        "Content-Length": str(size),
    }
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=20)
    connection.request(method, f"{BASE}/reports{path.format(**view)}", headers=headers)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"<?xml version='1.0'?><svg/>",
        b"\xef\xbb\xbf<html></html>",
    ],
)
def test_18_markup_that_is_called_a_picture_is_422(resident: Resident, data: bytes) -> None:
    named = _part(PICTURE + b"\r\nContent-Type: image/jpeg", data)
    for answer in (
        _send(resident, _whole(named)),
        resident.put_photo(resident.report(), data, content_type="image/jpeg"),
    ):
        assert h.refused(answer, 422)["reason"] == "unsupported_type"
