"""Faults of photos: nothing unusable is taken in, nothing private comes out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from api.services import Services
from infra.clock import now
from reports import gallery
from reports.models import Photo, Report
from tests import web
from tests.api.help import PRIVATE, render_photos
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, body_of, log_in, problem_at
from tests.stack import ROOT, Stack, eventually


@pytest.mark.fault(15)
def test_15_an_empty_photo_is_422(resident: Resident) -> None:
    sent = resident.report()
    answer = resident.put_photo(sent, b"")
    assert answer.status_code == 422
    assert body_of(answer)["reason"] == "empty"


def _jpeg_with_broken_tables() -> bytes:
    """Return a JPEG that is whole from marker to marker, and says nothing that can be decoded."""
    data = bytearray(photo_samples.jpeg())
    table = data.index(b"\xff\xc4") + 5
    data[table : table + 20] = b"\xff" * 20
    return bytes(data)


@pytest.mark.fault(16)
@pytest.mark.parametrize("damage", [photo_samples.truncated_jpeg, _jpeg_with_broken_tables])
def test_16_a_broken_photo_is_422_and_the_report_goes_on(
    client: FlaskClient, resident: Resident, damage: Callable[[], bytes]
) -> None:
    sent = resident.report()
    uuid = uuid4()
    broken = resident.put_photo(sent, damage(), uuid)
    assert broken.status_code == 422
    assert body_of(broken)["reason"] == "broken"

    whole = resident.put_photo(sent, photo_samples.jpeg(), uuid)

    assert whole.status_code == 201
    view = body_of(client.get(f"{BASE}/reports/{sent['reference']}"))
    assert [photo["status"] for photo in view["photos"]] == ["pending"]


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\0b.jpg", "x" * 300 + ".jpg", "..\\..\\x", "C:/x.jpg", ""]
)
def test_23_a_file_name_is_never_used(
    app: Flask, client: FlaskClient, resident: Resident, name: str
) -> None:
    sent = resident.report()
    boundary = "parts"
    head = f'Content-Disposition: form-data; name="photo"; filename="{name or "x"}"'
    body = b"\r\n".join(
        [
            b"--parts",
            head.encode(),
            b"Content-Type: image/jpeg",
            b"",
            photo_samples.jpeg(64, 48),
            b"--parts--",
            b"",
        ]
    )
    answer = client.post(
        f"{BASE}/reports/{sent['reference']}/photos",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers=bearer(sent["tracking_token"]),
    )
    assert answer.status_code == 201, answer.text
    parts: Services = app.extensions["vigie"]
    keys = list(parts.storage.list("originals"))
    assert not [key for key in keys if "passwd" in key or "x" * 20 in key or ".." in key]
    assert not Path("/etc/passwd.jpg").exists()


PEAK = """
import resource, sys
from pathlib import Path
from reports.photos import UnusablePhoto, probe, render
data = Path(sys.argv[1]).read_bytes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for work in (probe, render):
    try:
        work(data)
        print("taken")
    except UnusablePhoto as error:
        print(error.code)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.fault(17)
def test_17_a_bomb_is_422_and_never_unfolds(resident: Resident, tmp_path: Path) -> None:
    bomb = photo_samples.saved("PNG", Image.new("L", (12_000, 12_000)), compress_level=1)
    assert len(bomb) < 1_000_000
    answer = resident.put_photo(resident.report(), bomb, content_type="image/png")
    assert answer.status_code == 422
    assert body_of(answer)["reason"] == "too_many_pixels"

    path = tmp_path / "bomb.png"
    path.write_bytes(bomb)
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], cwd=ROOT, capture_output=True, check=True
    )
    *codes, growth_kb = ran.stdout.split()
    assert codes == [b"too_many_pixels"] * 2
    assert int(growth_kb) < 20_000


@pytest.mark.fault(17)
def test_17_a_gif_is_422(resident: Resident) -> None:
    for content_type in ("image/gif", "image/jpeg"):
        answer = resident.put_photo(
            resident.report(), photo_samples.gif(), content_type=content_type
        )
        assert answer.status_code == 422
        assert body_of(answer)["reason"] == "unsupported_type"


def _published(app: Flask, resident: Resident, data: bytes) -> list[TestResponse]:
    """Send a photo, have it rendered, and return its derivatives as they are served."""
    sent = resident.report()
    assert resident.put_photo(sent, data).status_code == 201
    render_photos(app, sent["reference"])
    (photo,) = body_of(resident.client.get(f"{BASE}/reports/{sent['reference']}"))["photos"]
    urls = [url for size in photo["urls"].values() for url in size.values()]
    return [resident.client.get(urlsplit(url).path) for url in urls]


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    "trailer", [b"PK\x03\x04" + bytes(26), b"<script>alert(1)</script>", b"\xff\xd8\xff\xe0\0\x10"]
)
def test_19_what_rides_along_with_a_jpeg_is_not_served(
    app: Flask, resident: Resident, trailer: bytes
) -> None:
    mark = b"ride-along"
    for answer in _published(app, resident, photo_samples.jpeg() + trailer + mark):
        assert answer.status_code == 200
        assert trailer not in answer.data[4:]
        assert mark not in answer.data
        assert answer.content_type in {"image/jpeg", "image/webp"}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            photo_samples.saved("JPEG", photo_samples.picture(400, 300, "CMYK")), id="CMYK"
        ),
        pytest.param(photo_samples.png_of_16_bits(400, 300), id="16-bit"),
        pytest.param(photo_samples.heic(400, 300), id="HEIC"),
    ],
)
def test_22_other_ways_to_keep_colours_become_srgb(
    app: Flask, resident: Resident, data: bytes
) -> None:
    for answer in _published(app, resident, data):
        picture = Image.open(BytesIO(answer.data))
        assert picture.mode == "RGB"
        assert "icc_profile" not in picture.info
        assert photo_samples.quadrants(answer.data) == photo_samples.UPRIGHT


@pytest.mark.fault(20)
@pytest.mark.fault(21)
def test_20_and_21_served_files_are_upright_and_hold_nothing_private(stack: Stack) -> None:
    samples = [
        photo_samples.jpeg(640, 480, orientation=6, gps=True, comment="at home"),
        photo_samples.png(640, 480, orientation=6, gps=True),
        photo_samples.webp(640, 480, orientation=6, gps=True),
        photo_samples.heic_with_gps(),
    ]
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=15) as http:
        sent = http.post("/reports", json=problem_at()).json()
        headers = bearer(sent["tracking_token"])
        for data in samples:
            url = f"/reports/{sent['reference']}/photos/{uuid4()}"
            answer = http.put(url, content=data, headers={**headers, "Content-Type": "image/x"})
            assert answer.status_code == 201, answer.text
        photos = eventually(lambda: _ready(http, sent["reference"], len(samples)))
        for photo in photos:
            for urls in photo["urls"].values():
                for url in urls.values():
                    _check(http.get(url).content)


def _ready(http: httpx.Client, reference: str, count: int) -> list[dict[str, Any]] | None:
    photos: list[dict[str, Any]] = http.get(f"/reports/{reference}").json()["photos"]
    done = [photo for photo in photos if photo["status"] == "ready"]
    return done if len(done) == count else None


def _check(data: bytes) -> None:
    assert photo_samples.quadrants(data) == photo_samples.UPRIGHT
    assert not any(mark in data for mark in photo_samples.PRIVATE_MARKS)
    picture = Image.open(BytesIO(data))
    assert picture.width > picture.height
    assert not picture.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile"} & picture.info.keys()


@pytest.mark.fault(33)
def test_33_a_private_photo_is_404_for_others(app: Flask, resident: Resident) -> None:
    client = app.test_client()
    sent = resident.report(**PRIVATE)
    assert resident.put_photo(sent, photo_samples.jpeg()).status_code == 201
    render_photos(app, sent["reference"])
    own = client.get(f"{BASE}/reports/{sent['reference']}", headers=bearer(sent["tracking_token"]))
    photo = body_of(own)["photos"][0]
    path = f"{BASE}/photos/{photo['id']}/320.jpg"
    team = body_of(own)["team"]["code"]
    stranger = next(code for code in ("proprete", "voirie") if code != team)

    assert client.get(path).status_code == 404
    assert client.get(path, headers=bearer(resident.report()["tracking_token"])).status_code == 404
    other_team = log_in(client, f"chef.{stranger}@beaurive.example")
    assert client.get(path, headers=other_team).status_code == 404
    mine = client.get(path, headers=bearer(sent["tracking_token"]))
    assert mine.status_code == 200
    assert "private" in mine.headers["Cache-Control"]
    assert client.get(path, headers=log_in(client)).status_code == 200


def test_a_refused_photo_leaves_no_original(app: Flask, resident: Resident) -> None:
    parts: Services = app.extensions["vigie"]
    sent = resident.report()
    with parts.sessions() as session:
        report_id = session.scalar(select(Report.id).where(Report.reference == sent["reference"]))
    answer = app.test_client().post(
        f"{BASE}/reports/{sent['reference']}/withdraw", headers=bearer(sent["tracking_token"])
    )
    assert answer.status_code == 200

    assert resident.put_photo(sent, photo_samples.jpeg()).status_code == 409

    assert list(parts.storage.list(f"originals/{report_id}")) == []


def test_a_repeat_after_the_withdrawal_keeps_the_original(app: Flask, resident: Resident) -> None:
    parts: Services = app.extensions["vigie"]
    sent, uuid, data = resident.report(), uuid4(), photo_samples.jpeg()
    assert resident.put_photo(sent, data, uuid).status_code == 201
    app.test_client().post(
        f"{BASE}/reports/{sent['reference']}/withdraw", headers=bearer(sent["tracking_token"])
    )

    assert resident.put_photo(sent, data, uuid).status_code == 200

    with parts.sessions() as session:
        report_id = session.scalar(select(Report.id).where(Report.reference == sent["reference"]))
    assert len(list(parts.storage.list(f"originals/{report_id}"))) == 1


def test_an_original_without_a_photo_is_found(app: Flask, resident: Resident) -> None:
    parts: Services = app.extensions["vigie"]
    sent = resident.report()
    assert resident.put_photo(sent, photo_samples.jpeg()).status_code == 201
    lost = gallery.original_key(1, uuid4())
    parts.storage.put(lost, b"left over", "image/jpeg")
    keys = list(parts.storage.list("originals"))

    with parts.sessions() as session:
        assert gallery.without_row(session, keys) == [lost]
    parts.storage.delete(lost)


def test_rejected_photos_take_no_places(app: Flask, resident: Resident) -> None:
    parts: Services = app.extensions["vigie"]
    sent = resident.report()
    for _ in range(5):
        assert resident.put_photo(sent, photo_samples.jpeg(64, 48)).status_code == 201
    assert resident.put_photo(sent, photo_samples.jpeg(65, 48)).status_code == 409
    with parts.sessions.begin() as session:
        report_id = session.scalars(
            select(Report.id).where(Report.reference == sent["reference"])
        ).one()
        waiting = session.scalars(select(Photo.id).where(Photo.report_id == report_id)).all()
        for id_ in waiting:
            lease = gallery.claim(session, id_, now(), lease_s=60)
            assert lease is not None
            gallery.record_rejected(session, lease, "broken", now())

    assert resident.put_photo(sent, photo_samples.jpeg()).status_code == 201

    view = body_of(app.test_client().get(f"{BASE}/reports/{sent['reference']}"))
    reasons = [photo["reason"] for photo in view["photos"]]
    assert reasons[:5] == ["The picture is damaged or incomplete. Please send it again."] * 5
    assert reasons[5] is None
