"""Cursors: good for the list that they came with, whole or not at all, and telling nothing."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import cursors
from api.cursors import BadCursor
from reports.filters import Mark
from tests.api import help as h
from tests.api.conftest import Build
from tests.resident import BASE, Resident

ALPHABET = string.ascii_letters + string.digits + "-_"


@pytest.fixture(scope="module")
def word(app: Flask) -> str:
    """Return a word that three reports hold."""
    told = h.a_word()
    for _ in range(3):
        Resident(app.test_client()).report(description=told)
    return told


def _cursor(client: FlaskClient, path: str, headers: dict[str, str] | None = None) -> str:
    """Return the cursor of a list's second page."""
    address = urlsplit(str(h.read(client, path, headers)["next"]))
    [cursor] = parse_qs(address.query)["cursor"]
    return cursor


def _refused(
    client: FlaskClient, path: str, cursor: str, headers: dict[str, str] | None = None
) -> bool:
    address = f"{BASE}{path}{'&' if '?' in path else '?'}limit=1"
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    answer = client.get(f"{address}&cursor={cursor}", headers=headers)
    return answer.status_code == 422 and h.blamed(answer) == ["cursor"]


def test_a_cursor_is_of_its_list(
    client: FlaskClient, dispatcher: dict[str, str], word: str
) -> None:
    path = f"/reports?q={word}&kind=problem&limit=1"
    cursor = _cursor(client, path)
    for same in (path, f"/reports?limit=2&kind=problem&q={word}"):
        assert h.read(client, f"{same}&cursor={cursor}")["items"]
    for foreign in (
        "/reports",
        f"/reports?q={word}",
        f"/reports?q={word}&kind=idea",
        f"/reports?q={word}&kind=problem&status=received",
        f"/reports?q={word}&kind=problem&jurisdiction=beaurive",
        f"/tickets?q={word}&kind=problem",
    ):
        assert _refused(client, foreign, cursor, dispatcher), foreign


def test_a_cursor_goes_one_way(client: FlaskClient, dispatcher: dict[str, str], word: str) -> None:
    cursor = _cursor(client, f"/tickets?q={word}&limit=1&sort=newest", dispatcher)
    assert not _refused(client, f"/tickets?q={word}&sort=newest", cursor, dispatcher)
    assert _refused(client, f"/tickets?q={word}&sort=oldest", cursor, dispatcher)
    assert _refused(client, f"/reports?q={word}", cursor)


def test_an_altered_cursor_is_refused(client: FlaskClient, word: str) -> None:
    path = f"/reports?q={word}"
    cursor = _cursor(client, f"{path}&limit=1")
    assert not _refused(client, path, cursor)
    altered = [
        f"{cursor[:at]}{ALPHABET[ALPHABET.index(one) - 1]}{cursor[at + 1 :]}"
        for at, one in enumerate(cursor)
    ]
    plain = base64.urlsafe_b64encode(b"1772000000000000.1").decode().rstrip("=")
    longer = [f"{cursor}{more}" for more in ("A", "AAAA", "=", "====")]
    shorter = [cursor[:-1], cursor[:-4], cursor[1:], cursor[4:]]
    spaced = [f"%20{cursor}", f"{cursor}%0A", cursor.swapcase(), cursor[::-1], "%D9%A1", plain]
    for one in [*altered, *longer, *shorter, *spaced]:
        assert _refused(client, path, one), one


def test_a_cursor_is_spelled_in_one_way(app: Flask) -> None:
    with app.test_request_context(f"{BASE}/reports"):
        marks = (Mark(datetime(2026, 3, 1, tzinfo=UTC), number) for number in range(1, 100))
        cursor = next(one for one in map(cursors.encode, marks) if "-" in one and "_" in one)
        for other in (cursor.replace("-", "+"), cursor.replace("_", "/")):
            with pytest.raises(BadCursor):
                cursors.decode(other)


def test_a_cursor_tells_no_row(app: Flask) -> None:
    moment, number = datetime(2026, 3, 1, 12, tzinfo=UTC), 1_234_567_890_123
    with app.test_request_context(f"{BASE}/reports"):
        mark = Mark(moment, number)
        one, next_one = cursors.encode(mark), cursors.encode(Mark(moment, number + 1))
        assert cursors.decode(one) == mark
        assert cursors.encode(mark) == one
    sealed, next_sealed = base64.urlsafe_b64decode(one), base64.urlsafe_b64decode(next_one)
    micros = int(moment.timestamp() * 1_000_000)
    for told in (number, micros):
        assert str(told).encode() not in sealed
        assert told.to_bytes(8, "big")[2:] not in sealed
    # Nor do neighbours look alike.
    assert sum(a == b for a, b in zip(sealed, next_sealed, strict=True)) < 10


def test_every_process_with_the_secret_reads_it(
    client: FlaskClient, build: Build, word: str
) -> None:
    path = f"/reports?q={word}"
    cursor = _cursor(client, f"{path}&limit=1")
    again = build()
    assert not _refused(again, path, cursor)
    assert _cursor(again, f"{path}&limit=1") == cursor
    assert _refused(build(SECRET_KEY="another secret of at least 32 characters"), path, cursor)
