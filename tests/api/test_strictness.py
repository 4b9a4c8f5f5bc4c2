"""What clients send is read exactly as it has to be written, and nothing is guessed at."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from tests.api import help as h
from tests.resident import BASE, INSIDE, Resident, body_of, problem_at, read_ticket

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


NOT_JSON_NUMBERS = ["48.8", "4_8", "\u0664\u0668", "", " 48", True, False, [48], {"value": 48}]


@pytest.mark.parametrize("value", NOT_JSON_NUMBERS)
@pytest.mark.parametrize("name", ["latitude", "longitude", "accuracy_m"])
def test_a_number_of_a_body_is_a_number_of_json(
    client: FlaskClient, name: str, value: object
) -> None:
    answer = client.post(REPORTS, json=problem_at({**INSIDE, name: value}))  # type: ignore[dict-item]
    assert h.blamed(answer) == [f"/location/{name}"]


@pytest.mark.parametrize("text", ["48", "4.88e1", "+48.8", "48.", "048.8"])
def test_a_number_of_a_query_is_in_decimal_digits(client: FlaskClient, text: str) -> None:
    query = {"latitude": text, "longitude": "2.2", "accuracy_m": "5"}
    assert client.get(f"{BASE}/locate", query_string=query).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["4_8", "\u0664\u0668", "\uff14\uff18", " 48", "48 ", "48\n", "0x30", "4\u20098", "1e", "--1"],
)
@pytest.mark.parametrize("path", ["/locate", "/categories"])
def test_anything_else_is_no_number(client: FlaskClient, path: str, text: str) -> None:
    for name in ("latitude", "longitude"):
        query = {"latitude": "48.8", "longitude": "2.2", name: text}
        assert h.blamed(client.get(BASE + path, query_string=query)) == [name]
    query = {"latitude": "48.8", "longitude": "2.2", "accuracy_m": text}
    assert h.blamed(client.get(f"{BASE}/locate", query_string=query)) == ["accuracy_m"]


@pytest.mark.parametrize(
    "text", ["1_0", "\u0661\u0660", "+10", " 10", "10\n", "1e1", "10.0", "0x0A", "", "ten", "true"]
)
@pytest.mark.parametrize("path", ["/reports", "/tickets"])
def test_a_whole_number_is_in_digits_alone(
    client: FlaskClient, dispatcher: dict[str, str], path: str, text: str
) -> None:
    answer = client.get(BASE + path, query_string={"limit": text}, headers=dispatcher)
    assert h.blamed(answer) == ["limit"]


@pytest.mark.parametrize("text", ["yes", "on", "t", "2", "01", "FALSE", "null", ""])
@pytest.mark.parametrize("name", ["late", "unrouted", "uncertain", "undelivered"])
def test_a_flag_is_true_or_false(
    client: FlaskClient, dispatcher: dict[str, str], name: str, text: str
) -> None:
    answer = client.get(f"{BASE}/tickets", query_string={name: text}, headers=dispatcher)
    assert h.blamed(answer) == [name]


@pytest.mark.parametrize("texts", [("true", "false"), ("True", "False"), ("1", "0")])
def test_a_flag_is_read_as_languages_write_it(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], texts: tuple[str, str]
) -> None:
    word = h.a_word()
    resident.report(description=word)
    found = [
        len(h.read(client, f"/tickets?q={word}&late={text}", dispatcher)["items"]) for text in texts
    ]
    assert found == [0, 1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z"),
        ("2026-05-01t10:00:00z", "2026-05-01T10:00:00Z"),
        ("2026-05-01T10:00:00.5-00:00", "2026-05-01T10:00:00.500000Z"),
        ("2026-05-01T10:00:00.123456789+02:00", "2026-05-01T08:00:00.123456Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_as_rfc_3339_has_it(
    client: FlaskClient, dispatcher: dict[str, str], text: str, told: str
) -> None:
    sent = body_of(client.post(REPORTS, json=problem_at(observed_at=text)))
    ticket, _ = read_ticket(client, sent["ticket"], dispatcher)
    assert ticket["reports"][0]["observed_at"] == told
    assert client.get(REPORTS, query_string={"created_after": text}).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01 10:00:00Z",
        "2026-05-01T10:00:00,5Z",
        "2026-05-01T10:00:00.Z",
        "2026-05-01T10:00Z",
        "2026-05-01T10Z",
        "2026-05-01T24:00:00Z",
        "2026-05-01T10:00:60Z",
        "2026-05-01T10:00:61Z",
        "2026-05-01T10:00:00+02",
        "2026-05-01T10:00:00+0200",
        "2026-05-01T10:00:00+02:00:30",
        "2026-05-01T10:00:00+24:00",
        "2026-05-01T10:00:00+02:60",
        "2026-05-01T10:00:00ZZ",
        "2026-05-01T10:00:00Z ",
        "2026-W18-5T10:00:00Z",
        "2026-121T10:00:00Z",
        "20260501T100000Z",
        "2026-05-01",
        "2026-02-30T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "\u0662\u0660\u0662\u0666-05-01T10:00:00Z",
        "",
        1_772_000_000,
        True,
        ["2026-05-01T10:00:00Z"],
    ],
)
def test_anything_else_is_no_time(client: FlaskClient, text: object) -> None:
    assert h.blamed(client.post(REPORTS, json=problem_at(observed_at=text))) == ["/observed_at"]
    if isinstance(text, str):
        for name in ("created_after", "created_before"):
            assert h.blamed(client.get(REPORTS, query_string={name: text})) == [name]


@pytest.mark.parametrize(
    ("path", "query", "wrong"),
    [
        ("/reports", "limit=1&limit=1", ["limit"]),
        ("/reports", "jurisdiction=beaurive&jurisdiction=beaurive", ["jurisdiction"]),
        ("/reports", "q=a&q=b&bbox=2,48,3,49&bbox=2,48,3,50", ["bbox", "q"]),
        ("/reports", "near=48,2,1&near=48,2,1", ["near"]),
        ("/reports", "created_after=2026-05-01T10:00:00Z&created_after=", ["created_after"]),
        ("/tickets", "sort=newest&sort=oldest&late=true&late=true", ["late", "sort"]),
        ("/tickets", "assignee=a&assignee=b", ["assignee"]),
        ("/locate", "latitude=48&longitude=2&latitude=49", ["latitude"]),
        ("/categories", "latitude=48&longitude=2&longitude=2", ["longitude"]),
    ],
)
def test_what_is_single_comes_once(
    client: FlaskClient, dispatcher: dict[str, str], path: str, query: str, wrong: list[str]
) -> None:
    assert h.blamed(client.get(f"{BASE}{path}?{query}", headers=dispatcher)) == wrong


def test_what_nobody_reads_may_come_twice(client: FlaskClient) -> None:
    assert client.get(f"{REPORTS}?utm=a&utm=b&status=received&status=received").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "similar?latitude=3.25&longitude=-5e-324&category=arbre",
        "similar?latitude=5e-324&longitude=1&category=arbre",
        "locate?latitude=48.82&longitude=2.24&accuracy_m=5e-324",
        "locate?latitude=5e-324&longitude=1e-300",
        "categories?latitude=48&longitude=5e-324",
        "reports?near=48.8,5e-324,5e-324",
        "reports?bbox=-5e-324,-5e-324,5e-324,5e-324",
    ],
)
def test_a_number_next_to_nothing_is_nothing(client: FlaskClient, path: str) -> None:
    assert client.get(f"{BASE}/{path}").status_code in {200, 422}
