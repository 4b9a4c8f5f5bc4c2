"""Problem documents: always, in the caller's language, and what every answer carries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from city.models import Jurisdiction
from tests.api import help as h
from tests.resident import BASE, Resident, bearer, move, problem_at

REPORTS = f"{BASE}/reports"
LARGE = b"[" * 1_000_001


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/v1", "/api/v1/", f"{BASE}/nothing", f"{REPORTS}/", f"{BASE}/photos"],
)
@pytest.mark.parametrize("accept", ["text/html,*/*;q=0.8", "application/json", "image/png"])
def test_an_unknown_route_is_a_problem(client: FlaskClient, path: str, accept: str) -> None:
    h.refused(client.get(path, headers={"Accept": accept}), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/reports", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", "/reports/7KM-3QX-9PG", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/sessions", {"OPTIONS", "POST"}),
        ("POST", "/tickets", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/locate", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_a_problem_that_says_which_are_right(
    client: FlaskClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.open(BASE + path, method=method, headers={"Accept": "text/html"})
    h.refused(answer, 405)
    assert {one.strip() for one in answer.headers["Allow"].split(",")} == allowed


def _problems(client: FlaskClient, resident: Resident, staff: dict[str, str]) -> list[Any]:
    """Return what makes each of the problems, given a language's header."""
    view = resident.report()
    own, ticket = f"{REPORTS}/{view['reference']}", f"{BASE}/tickets/{view['ticket']}"
    move(client, view["ticket"], staff, "resolved")
    token, stale = bearer(view["tracking_token"]), {**staff, "If-Match": '"v0"'}
    step, json = {"to": "accepted", "reason": "?"}, {"Content-Type": "application/json"}
    return [
        (400, lambda to: client.post(REPORTS, data="{", headers=json | to)),
        (401, lambda to: client.get(f"{BASE}/tickets", headers=to)),
        (403, lambda to: client.delete(f"{own}/contact", headers=staff | to)),
        (404, lambda to: client.get(f"{REPORTS}/nothing", headers=to)),
        (404, lambda to: client.get(f"{REPORTS}?jurisdiction=nowhere", headers=to)),
        (405, lambda to: client.delete(REPORTS, headers=to)),
        (409, lambda to: client.post(f"{own}/withdraw", headers=token | to)),
        (412, lambda to: client.post(f"{ticket}/transitions", json=step, headers=stale | to)),
        (413, lambda to: client.post(REPORTS, data=LARGE, headers=json | to)),
        (415, lambda to: client.post(REPORTS, data="a=b", headers=to)),
        (422, lambda to: client.post(REPORTS, json=problem_at(h.OUTSIDE), headers=to)),
        (428, lambda to: client.post(f"{ticket}/transitions", json=step, headers=staff | to)),
    ]


def test_every_problem_speaks_french_and_english(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    for status, make in _problems(client, resident, dispatcher):
        french, english = (make({"Accept-Language": language}) for language in ("fr", "en"))
        assert french.headers["Content-Language"] == "fr"
        assert english.headers["Content-Language"] == "en"
        assert "Accept-Language" in french.vary
        one, other = h.refused(french, status), h.refused(english, status)
        assert one["type"] == other["type"]
        assert one["title"] != other["title"]
        assert one["detail"] != other["detail"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("FR-ca, en;q=0.9", "fr"),
        ("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "fr"),
        ("de, fr;q=0.5, en;q=0.4", "fr"),
        ("en;q=0.1, fr;q=0.2", "fr"),
        ("en-GB, fr;q=0.2", "en"),
        ("fr;q=0, en", "en"),
        ("de", "en"),
        ("*", "en"),
        ("", "en"),
        ("fr;q=nonsense", "en"),
        (";;,,==", "en"),
    ],
)
def test_the_callers_language_is_found(client: FlaskClient, accepted: str, language: str) -> None:
    answer = client.get(f"{BASE}/nothing", headers={"Accept-Language": accepted})
    h.refused(answer, 404)
    assert answer.headers["Content-Language"] == language


@pytest.mark.parametrize("language", ["fr", "en"])
def test_faults_are_told_in_words(client: FlaskClient, language: str) -> None:
    body = {
        **problem_at(),
        "kind": 5,
        "category": None,
        "description": "",
        "location": {"latitude": 91, "longitude": "x"},
        "observed_at": "?",
        "contact": {"email": "?", "name": "a" * 201},
        "surprise": 1,
    }
    del body["description"]
    answer = client.post(REPORTS, json=body, headers={"Accept-Language": language})
    details = {one["pointer"]: one["detail"] for one in h.refused(answer, 422)["errors"]}
    assert set(details) == {
        "/category",
        "/contact/email",
        "/contact/name",
        "/description",
        "/kind",
        "/location/latitude",
        "/location/longitude",
        "/observed_at",
        "/surprise",
    }
    french = language == "fr"
    for detail in details.values():
        assert "{" not in detail
        assert detail.endswith(".")
        english = re.search(
            r"\b(not?|must|field|expected|missing|longer|unknown)\b", detail.lower()
        )
        assert (english is None) == french, detail


def test_a_pointer_is_escaped(client: FlaskClient) -> None:
    answer = client.post(REPORTS, json=problem_at(answers={"a/b~c": 1}))
    assert h.blamed(answer) == ["/answers/a~1b~0c"]


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe\xfd", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", None, 415),
        (b"{}", ";;;", 415),
        (b"", ";;;", 415),
        (b"", None, 422),
        (b"null", "application/json", 422),
        (b'"text"', "application/json; charset=utf-8", 422),
        (b"{}", "application/vnd.city+json", 422),
    ],
)
def test_bodies_that_are_no_report(
    client: FlaskClient, data: bytes, content_type: str | None, status: int
) -> None:
    h.refused(client.post(REPORTS, data=data, content_type=content_type), status)


def test_the_largest_body_is_a_million_bytes(client: FlaskClient) -> None:
    json = "application/json"
    h.refused(client.post(REPORTS, data=b" " * 1_000_000, content_type=json), 400)
    for path in ("/reports", "/sessions"):
        answer = client.post(BASE + path, data=b" " * 1_000_001, content_type=json)
        h.refused(answer, 413)
    h.refused(client.post(REPORTS, data=b" " * 1_000_001, content_type="text/plain"), 413)


@pytest.mark.parametrize(
    "path", ["/", f"{BASE}/reports", f"{BASE}/nothing", "/healthz", "/openapi.json", "/api/docs"]
)
def test_every_answer_is_guarded(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Request-ID"]


def test_what_a_token_opened_is_not_kept(client: FlaskClient, resident: Resident) -> None:
    view = resident.report()
    answer = client.get(f"{REPORTS}/{view['reference']}", headers=bearer(view["tracking_token"]))
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Authorization" in answer.vary
    assert client.get(f"{BASE}/nothing").headers["Cache-Control"] == "no-store"


def test_a_request_is_known_by_its_own_id(client: FlaskClient) -> None:
    for path in ("/healthz", f"{BASE}/nothing"):
        answer = client.get(path, headers={"X-Request-ID": "phone-7.A_b"})
        assert answer.headers["X-Request-ID"] == "phone-7.A_b"


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, "<script>", "é", "a;b=c", "a,b"])
def test_an_unsafe_id_is_not_repeated(client: FlaskClient, given: str) -> None:
    one, other = (client.get("/healthz", headers={"X-Request-ID": given}) for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", one.headers["X-Request-ID"])
    assert one.headers["X-Request-ID"] != other.headers["X-Request-ID"]


def test_a_city_that_is_not_set_up_takes_reports_later(own_app: Flask) -> None:
    with h.parts_of(own_app).sessions.begin() as session:
        session.execute(update(Jurisdiction).values(fallback_team_id=None))
    answer = own_app.test_client().post(REPORTS, json=problem_at())
    h.refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_an_unexpected_error_tells_nothing(new_app: Flask) -> None:
    new_app.add_url_rule("/broken", "broken", _break)
    answer = new_app.test_client().get("/broken")
    problem = h.refused(answer, 500)
    assert "secret" not in str(problem)
    assert "Traceback" not in answer.text


def _break() -> str:
    raise RuntimeError("a secret of ours")
