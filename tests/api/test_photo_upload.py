"""Sending photos: by PUT and by form, again and again, too many, too large, or none at all."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, read_ticket
from tests.statements import asked_of

TOO_LARGE = 25_000_000 + 1
FORM = "multipart/form-data; boundary=x"
SIZES = {"320", "800", "1600"}


def _post(resident: Resident, view: dict[str, Any], data: Any, **options: Any) -> TestResponse:
    return resident.client.post(
        f"{BASE}/reports/{view['reference']}/photos",
        data=data,
        headers=bearer(view["tracking_token"]),
        content_type=options.pop("content_type", "multipart/form-data"),
    )


def _form(data: bytes, name: str = "photo") -> dict[str, Any]:
    return {name: (BytesIO(data), "trou.jpg")}


def _raw_form(data: bytes) -> bytes:
    """Return the form as bytes, since the test client leaves large files of its own open."""
    head = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    return head + data + b"\r\n--x--\r\n"


def _own(resident: Resident, view: dict[str, Any]) -> dict[str, Any]:
    token = bearer(view["tracking_token"])
    return h.read(resident.client, f"/reports/{view['reference']}", token)


def test_a_photo_is_taken_once_and_harmless_again(
    resident: Resident, dispatcher: dict[str, str]
) -> None:
    view, uuid, data = resident.report(), uuid4(), photo_samples.jpeg(64, 48)
    first = resident.put_photo(view, data, uuid)
    assert first.status_code == 201
    photo = body_of(first)
    assert set(photo) == {"id", "status", "reason", "placeholder", "purpose", "urls"}
    assert (photo["status"], photo["reason"], photo["placeholder"]) == ("pending", None, None)
    assert photo["purpose"] is None
    assert set(photo["urls"]) == SIZES
    for size, urls in photo["urls"].items():
        expected = f"{h.PUBLIC_URL}{BASE}/photos/{photo['id']}/{size}"
        assert urls == {"jpg": f"{expected}.jpg", "webp": f"{expected}.webp"}

    again = resident.put_photo(view, data, str(uuid).upper())
    assert again.status_code == 200
    assert body_of(again) == photo
    other = resident.put_photo(view, photo_samples.jpeg(48, 64), uuid)
    h.refused(other, 409)
    own = _own(resident, view)
    assert own["photos"] == [photo]
    assert own["photo_upload"]["remaining"] == 4
    ticket, _ = read_ticket(resident.client, view["ticket"], dispatcher)
    assert ticket["photos"] == ticket["reports"][0]["photos"] == [photo]
    assert [event["kind"] for event in ticket["events"]].count("photo_added") == 1


def test_a_photo_takes_few_statements(app: Flask, resident: Resident) -> None:
    view, uuid = resident.report(), uuid4()
    with asked_of(h.parts_of(app).engine) as sent:
        assert resident.put_photo(view, photo_samples.jpeg(64, 48), uuid).status_code == 201
    assert len(sent) == 4, "\n\n".join(sent)
    with asked_of(h.parts_of(app).engine) as sent:
        assert resident.put_photo(view, photo_samples.jpeg(64, 48), uuid).status_code == 200
    assert len(sent) == 3, "\n\n".join(sent)


def test_a_form_does_the_same(resident: Resident) -> None:
    view, data = resident.report(), photo_samples.png(64, 48)
    first = _post(resident, view, _form(data))
    assert first.status_code == 201
    again = _post(resident, view, {**_form(data), "note": "twice"})
    assert again.status_code == 200
    assert body_of(again) == body_of(first)
    other = _post(resident, view, _form(photo_samples.png(48, 64)))
    assert other.status_code == 201
    assert [one["id"] for one in _own(resident, view)["photos"]] == [
        body_of(first)["id"],
        body_of(other)["id"],
    ]


@pytest.mark.parametrize("content_type", ["image/png", "image/x-own", "application/octet-stream"])
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "heic", "avif"])
def test_the_bytes_decide(resident: Resident, name: str, content_type: str) -> None:
    data = getattr(photo_samples, name)(64, 48)
    answer = resident.put_photo(resident.report(), data, content_type=content_type)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("language", "advice"), [("en", "Please send it smaller"), ("fr", "l'envoyer en plus petit")]
)
@pytest.mark.parametrize(
    "data",
    [
        photo_samples.with_size_in_frame(
            photo_samples.saved("JPEG", photo_samples.picture(64, 48, "CMYK"), progressive=True),
            *(9248, 6936),
        ),
        photo_samples.with_size_in_boxes(
            photo_samples.saved("HEIF", photo_samples.picture(64, 64), chroma=444), *(9248, 6936)
        ),
    ],
    ids=["progressive CMYK", "HEIC 4:4:4"],
)
def test_who_sends_what_takes_too_much_memory_is_told_what_to_do(
    resident: Resident, data: bytes, language: str, advice: str
) -> None:
    view = resident.report()
    answer = resident.client.put(
        f"{BASE}/reports/{view['reference']}/photos/{uuid4()}",
        data=data,
        headers={**bearer(view["tracking_token"]), "Accept-Language": language},
        content_type="image/jpeg",
    )
    assert answer.status_code == 422
    assert body_of(answer)["reason"] == "too_much_memory"
    assert advice in body_of(answer)["detail"]


def test_a_sixth_photo_is_one_too_many(resident: Resident) -> None:
    view = resident.report()
    samples = [photo_samples.jpeg(32 + step, 32) for step in range(6)]
    uuids = [uuid4() for _ in samples]
    for step in range(5):
        assert resident.put_photo(view, samples[step], uuids[step]).status_code == 201
    h.refused(resident.put_photo(view, samples[5], uuids[5]), 409)
    h.refused(_post(resident, view, _form(samples[5])), 409)
    assert resident.put_photo(view, samples[0], uuids[0]).status_code == 200
    own = _own(resident, view)
    assert len(own["photos"]) == 5
    assert own["photo_upload"]["remaining"] == 0
    assert own["can"] == ["message", "withdraw"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ";;;"]
)
def test_a_put_of_something_else_is_refused_by_its_type(
    resident: Resident, content_type: str
) -> None:
    data = photo_samples.jpeg(32, 32)
    h.refused(resident.put_photo(resident.report(), data, content_type=content_type), 415)


def test_no_photo_is_refused(resident: Resident) -> None:
    view = resident.report()
    for data in (b"", photo_samples.gif(), b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        h.refused(resident.put_photo(view, data), 422)
        h.refused(_post(resident, view, _form(data)), 422)
    assert _own(resident, view)["photos"] == []


@pytest.mark.fault(5)
def test_a_put_of_more_than_25_megabytes_is_too_large(resident: Resident) -> None:
    view = resident.report()
    for content_type in ("image/jpeg", "text/plain"):
        h.refused(resident.put_photo(view, bytes(TOO_LARGE), content_type=content_type), 413)
    h.refused(resident.put_photo(view, bytes(TOO_LARGE - 1)), 422)


@pytest.mark.fault(5)
def test_a_form_with_more_than_25_megabytes_is_too_large(resident: Resident) -> None:
    view = resident.report()
    for size in (TOO_LARGE, TOO_LARGE + 1_000_000):
        h.refused(_post(resident, view, _raw_form(bytes(size)), content_type=FORM), 413)


@pytest.mark.fault(3)
def test_a_form_must_hold_the_file(resident: Resident) -> None:
    view, data = resident.report(), photo_samples.jpeg(32, 32)
    assert h.blamed(_post(resident, view, _form(data, name="picture"))) == ["/photo"]
    assert h.blamed(_post(resident, view, {"photo": "as a text"})) == ["/photo"]
    assert h.blamed(_post(resident, view, {})) == ["/photo"]


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    ("content_type", "status"),
    [("image/jpeg", 415), ("application/json", 415), ("multipart/form-data", 400)],
)
def test_a_form_must_be_one(resident: Resident, content_type: str, status: int) -> None:
    answer = _post(
        resident, resident.report(), photo_samples.jpeg(32, 32), content_type=content_type
    )
    h.refused(answer, status)


@pytest.mark.fault(2)
def test_a_form_that_was_cut_off_leaves_nothing(resident: Resident) -> None:
    view = resident.report()
    whole = _raw_form(photo_samples.jpeg(64, 48))
    for end in (10, 90, 300, -4):
        h.refused(_post(resident, view, whole[:end], content_type=FORM), 400)
    assert _post(resident, view, whole, content_type=FORM).status_code == 201
    assert len(_own(resident, view)["photos"]) == 1


@pytest.mark.parametrize(
    "uuid", ["1", "not-a-uuid", "6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c1", "..%2f"]
)
def test_a_malformed_identifier_is_nowhere(resident: Resident, uuid: str) -> None:
    h.refused(resident.put_photo(resident.report(), photo_samples.jpeg(32, 32), uuid), 404)


def test_the_faults_of_a_put_come_in_their_order(client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    photo = f"/photos/{uuid4()}"
    own = bearer(view["tracking_token"])
    here, nowhere = (f"{BASE}/reports/{one}{photo}" for one in (view["reference"], "7KM-3QX-9PG"))
    many, text = bytes(TOO_LARGE), "text/plain"
    h.refused(client.put(nowhere, data=many, content_type=text), 401)
    h.refused(client.put(nowhere, data=many, content_type=text, headers=own), 404)
    h.refused(client.put(here, data=many, content_type=text, headers=own), 413)
    h.refused(client.put(here, data=b"a", content_type=text, headers=own), 415)
    for size in range(32, 37):
        assert resident.put_photo(view, photo_samples.jpeg(size, 32)).status_code == 201
    h.refused(client.put(here, data=b"a", content_type="image/png", headers=own), 422)
    h.refused(resident.put_photo(view, photo_samples.jpeg(37, 32)), 409)
