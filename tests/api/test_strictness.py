"""What is read exactly as it has to be written: nothing is guessed at, and nothing is let through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.resident import BASE, INSIDE, problem_at

REPORTS = f"{BASE}/reports"
JSON = "application/json"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig", "latin-1"]
)
def test_a_body_is_utf_8(client: FlaskClient, encoding: str) -> None:
    body = json.dumps(problem_at(description="Un trou très profond"), ensure_ascii=False)
    answer = client.post(REPORTS, data=body.encode(encoding), content_type=JSON)
    h.refused(answer, 400)


def test_a_surrogate_in_bytes_is_no_utf_8(client: FlaskClient) -> None:
    body = json.dumps(problem_at(description="?")).encode().replace(b"?", b"\xed\xa0\x80")
    h.refused(client.post(REPORTS, data=body, content_type=JSON), 400)
