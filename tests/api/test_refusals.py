"""The log has a line for every refusal, and nothing in it that a person wrote or carried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import web
from tests.resident import BASE, DISPATCHER, INSIDE, PASSWORD, bearer, problem_at
from tests.stack import Stack, eventually

EMAIL = "camille.quelquun@example.org"
PHONE = "+33612345678"
WORDS = "Ma voisine du troisième"
HIDDEN_NAME = "camille_quelquun"
SPOT = {"latitude": 45.764043, "longitude": 4.835659}
TOKEN = "vgr_7KM-3QX-9PG.Zm9yZ2VkIQ"
SESSION = "vgs_" + "Camille" * 6 + "C"
WRONG_PASSWORD = "mot-de-passe-de-camille"
REFERENCE = "7KM-3QX-9PA"
PLANTED = [
    EMAIL,
    "camille",
    "Camille",
    PHONE[1:],
    WORDS,
    HIDDEN_NAME,
    "45.764",
    "4.8356",
    TOKEN,
    WRONG_PASSWORD,
    PASSWORD,
    DISPATCHER,
    REFERENCE,
    str(INSIDE["latitude"]),
]
REPORTS = f"{BASE}/reports"
SESSIONS = f"{BASE}/sessions"

Answers = list[tuple[httpx.Response, list[str] | None]]


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    # A file where the storage's folder belongs, so that every photo is refused with 503.
    (stack.folder / "storage").write_text("")
    with web.Client(base_url=stack.url, timeout=30) as client:
        yield client


def test_every_refusal_has_a_line_without_anything_personal(
    stack: Stack, client: httpx.Client
) -> None:
    answers = [*_of_bodies(client), *_of_callers(client), *_of_state(client), *_of_parts(client)]
    statuses = {answer.status_code for answer, _ in answers}
    assert statuses == {400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 503}
    lines = eventually(lambda: _lines(stack, len(answers)))
    for answer, places in answers:
        line = lines[answer.headers["X-Request-ID"]]
        assert line["status"] == answer.status_code
        if answer.headers["Content-Type"] == "application/problem+json":
            assert answer.json()["type"] == f"urn:vigie:problem:{line['problem']}"
        if places is not None:
            assert line["at"] == places
    told = stack.log()
    assert [planted for planted in PLANTED if planted in told] == []


def _of_bodies(client: httpx.Client) -> Answers:
    good = problem_at(description=WORDS, contact={"name": "Camille", "email": EMAIL})

    def send(**members: Any) -> httpx.Response:
        return client.post(REPORTS, json={**good, **members})

    json_type = {"Content-Type": "application/json"}
    return [
        (client.post(REPORTS, content=f'{{"description": "{WORDS}', headers=json_type), []),
        (client.post(REPORTS, content=WORDS.encode(), headers={"Content-Type": "text/x"}), []),
        (client.post(REPORTS, content=WORDS.encode() * 60_000, headers=json_type), []),
        (send(category=WORDS), ["/category"]),
        (send(location=SPOT), ["/location"]),
        (send(location={**SPOT, "latitude": 145.764043}), ["/location/latitude"]),
        (send(contact={"email": EMAIL * 90, "phone": PHONE}), ["/contact/email"]),
        (send(contact={HIDDEN_NAME: EMAIL}), ["/contact/*"]),
        (send(answers={HIDDEN_NAME: WORDS}), ["/answers/*"]),
        (send(description=WORDS * 400), ["/description"]),
        (send(**{HIDDEN_NAME: 1}), ["/*"]),
        (client.get(REPORTS, params={"near": f"{SPOT['latitude']},x,{PHONE}"}), ["near"]),
        (client.get(REPORTS, params={"q": f"{WORDS}\0"}), ["q"]),
        (client.get(REPORTS, params={f"{HIDDEN_NAME}\0": EMAIL}), ["*"]),
    ]


def _of_callers(client: httpx.Client) -> Answers:
    login = {"email": EMAIL, "password": WRONG_PASSWORD}
    failures = [client.post(SESSIONS, json=login)]
    # On a slow machine the first ones may be forgotten before the eleventh comes.
    while failures[-1].status_code == 401 and len(failures) < 40:
        failures.append(client.post(SESSIONS, json=login))
    owner = client.post(REPORTS, json=problem_at(description=WORDS)).json()
    other = client.post(REPORTS, json=problem_at(description=WORDS)).json()
    return [
        *((answer, []) for answer in failures),
        (client.get(f"{BASE}/tickets", headers=bearer(SESSION)), []),
        (client.post(f"{REPORTS}/{REFERENCE}/withdraw", headers=bearer(TOKEN)), []),
        (
            client.post(
                f"{REPORTS}/{other['reference']}/messages",
                json={"text": WORDS},
                headers=bearer(owner["tracking_token"]),
            ),
            [],
        ),
        (client.get(f"{REPORTS}/{REFERENCE}", params={"email": EMAIL}), []),
        (client.get(f"/r/{REFERENCE}", params={"token": TOKEN}), []),
        (client.get(f"/{HIDDEN_NAME}/{EMAIL}"), []),
        (client.request("DELETE", REPORTS, params={"email": EMAIL}), []),
        (client.request(HIDDEN_NAME.upper(), REPORTS), []),
    ]


def _of_state(client: httpx.Client) -> Answers:
    staff = bearer(
        client.post(SESSIONS, json={"email": DISPATCHER, "password": PASSWORD}).json()["token"]
    )
    key = {"Idempotency-Key": f"camille-{uuid4()}"}
    view = client.post(REPORTS, json=problem_at(description=WORDS), headers=key).json()
    path = f"{BASE}/tickets/{view['ticket']}/transitions"
    tag = client.get(f"{BASE}/tickets/{view['ticket']}", headers=staff).headers["ETag"]
    here, stale = {**staff, "If-Match": tag}, {**staff, "If-Match": '"camille"'}
    declined = {"to": "declined", "reason": WORDS}
    return [
        (client.post(REPORTS, json=problem_at(), headers=key), ["Idempotency-Key"]),
        (client.post(path, json=declined, headers=here), ["/public_message"]),
        (client.post(path, json=declined, headers=staff), []),
        (client.post(path, json=declined, headers=stale), []),
        (client.post(path, json={"to": "reopened", "reason": WORDS}, headers=here), []),
    ]


def _of_parts(client: httpx.Client) -> Answers:
    view = client.post(REPORTS, json=problem_at(description=WORDS)).json()
    photo = (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
        b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
    )

    def put(data: bytes) -> httpx.Response:
        headers = {**bearer(view["tracking_token"]), "Content-Type": "image/png"}
        path = f"{REPORTS}/{view['reference']}/photos/{uuid4()}"
        return client.put(path, content=data, headers=headers)

    return [(put(WORDS.encode()), []), (put(photo), []), (client.get("/readyz"), [])]


def _lines(stack: Stack, at_least: int) -> dict[str, dict[str, Any]] | None:
    """Return the lines of the refusals by their request, once there are so many."""
    lines = [json.loads(line) for line in stack.log().splitlines() if line.startswith("{")]
    refused = {line["request_id"]: line for line in lines if line["event"] == "request refused"}
    return refused if len(refused) >= at_least else None
