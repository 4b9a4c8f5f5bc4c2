"""What tests do in a resident's or a staff member's place, over the test client."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

INSIDE = {"latitude": 48.808882, "longitude": 2.212277}
DISPATCHER = "regulateur@beaurive.example"
PASSWORD = "beaurive-demo"
BASE = "/api/v1"


def problem_at(place: dict[str, float] | None = None, **members: Any) -> dict[str, Any]:
    """Return the body of a report that nothing is wrong with."""
    return {
        "kind": "problem",
        "category": "nid-de-poule",
        "description": "Un trou devant le numéro 12.",
        "location": place or INSIDE,
        **members,
    }


class Resident:
    """Somebody with a phone."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def report(self, **members: Any) -> dict[str, Any]:
        """Send a report that is taken, and return the reporter's view."""
        answer = self.client.post(f"{BASE}/reports", json=problem_at(**members))
        assert answer.status_code == 201, answer.text
        return body_of(answer)

    def put_photo(
        self, view: dict[str, Any], data: bytes, uuid: object = None, **options: Any
    ) -> TestResponse:
        """Send a photo's bytes."""
        return self.client.put(
            f"{BASE}/reports/{view['reference']}/photos/{uuid or uuid4()}",
            data=data,
            headers=bearer(view["tracking_token"]),
            content_type=options.pop("content_type", "image/jpeg"),
        )


def body_of(answer: TestResponse) -> dict[str, Any]:
    """Return the JSON object that was answered."""
    assert isinstance(answer.json, dict), answer.text
    return answer.json


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def log_in(client: FlaskClient, email: str = DISPATCHER) -> dict[str, str]:
    """Log in as somebody of the demo city and return the header that says so."""
    answer = client.post(f"{BASE}/sessions", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return bearer(body_of(answer)["token"])


def read_ticket(
    client: FlaskClient, reference: str, staff: dict[str, str]
) -> tuple[dict[str, Any], str]:
    """Return a ticket and its entity tag."""
    answer = client.get(f"{BASE}/tickets/{reference}", headers=staff)
    assert answer.status_code == 200, answer.text
    return body_of(answer), answer.headers["ETag"]


def move(
    client: FlaskClient, reference: str, staff: dict[str, str], to: str, **members: Any
) -> TestResponse:
    """Move a ticket on from where it is now."""
    _, tag = read_ticket(client, reference, staff)
    return move_from(client, reference, tag, staff, to, **members)


def move_from(
    client: FlaskClient, reference: str, tag: str, staff: dict[str, str], to: str, **members: Any
) -> TestResponse:
    """Move a ticket on from where it was when its entity tag was read."""
    return client.post(
        f"{BASE}/tickets/{reference}/transitions",
        json={"to": to, "reason": "test", **members},
        headers={**staff, "If-Match": tag},
    )
