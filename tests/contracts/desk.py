"""What it takes to work on tickets: each act wants tickets of its own, in the right state."""

from __future__ import annotations

import os
from typing import Any

import httpx

from tests import web
from tests.resident import BASE, bearer, problem_at

_WORK: dict[str, Any] = {
    "/take": None,
    "/third-party": {"code": "departement", "reason": "Route départementale."},
    "/plan": {"on": "2031-12-01"},
}
_ACTS = ("/merge", "/unmerge", "/split", "/tickets/bulk", *_WORK)


def concerns(path: str) -> bool:
    """Tell whether an operation joins tickets, changes several, or is a team's work on one."""
    return path.endswith(_ACTS)


def fill(case: Any) -> None:
    """Aim a good request at tickets that it can be done to."""
    path = case.operation.path
    with web.Client(base_url=f"{os.environ['SERVER_URL']}{BASE}", timeout=30) as http:
        one = _send(http)
        if path.endswith("/bulk"):
            item = {"reference": one["ticket"], "etag": version(http, one["ticket"])}
            case.body = {"items": [item], "change": {"priority": "high"}}
            return
        act = f"/{path.rpartition('/')[2]}"
        if act in _WORK:
            case.body = _WORK[act] or case.body
        elif path.endswith("/split"):
            other = _send(http, same_as=one["ticket"])
            case.body = {"reports": [other["reference"]]}
        elif path.endswith("/merge"):
            case.body = {"into": _send(http)["ticket"]}
        else:
            headers = _staff() | {"If-Match": version(http, one["ticket"])}
            into = {"into": _send(http)["ticket"]}
            http.post(f"/tickets/{one['ticket']}/merge", json=into, headers=headers)
        case.path_parameters["reference"] = one["ticket"]
        case.headers["If-Match"] = version(http, one["ticket"])


def closed() -> dict[str, Any]:
    """Return a report that was just closed, as its reporter got it."""
    with web.Client(base_url=f"{os.environ['SERVER_URL']}{BASE}", timeout=30) as http:
        sent = _send(http)
        ticket = f"/tickets/{sent['ticket']}"
        headers = _staff() | {"If-Match": version(http, sent["ticket"])}
        step = {"to": "resolved", "reason": "Fait"}
        http.post(f"{ticket}/transitions", json=step, headers=headers).raise_for_status()
        return sent


def version(http: httpx.Client, reference: str) -> str:
    """Return a ticket's entity tag."""
    return str(http.get(f"/tickets/{reference}", headers=_staff()).headers["ETag"])


def _send(http: httpx.Client, **members: Any) -> dict[str, Any]:
    sent: dict[str, Any] = http.post("/reports", json=problem_at(**members)).json()
    return sent


def _staff() -> dict[str, str]:
    return bearer(os.environ["SESSION_TOKEN"])
