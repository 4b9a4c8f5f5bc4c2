"""What Schemathesis sends beyond the description; it loads this module in its own process."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import count
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis.generation.meta import CoverageScenario, coverage_scenario

from tests import web
from tests.contracts import desk, set_up
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, INSIDE, PASSWORD, bearer

# What Schemathesis calls a picture has hardly a pixel, and is none to us.
schemathesis.openapi.media_type(
    "image/*", strategies.sampled_from([photo_samples.jpeg(), photo_samples.png(40, 30)])
)

_calls = count(1)
# Of each operation by itself: one more of them takes no other's turn.
_turns: defaultdict[str, count[int]] = defaultdict(count)
# Asked of what is there and by who may, so that nothing else is wrong with these.
_PROBES = {CoverageScenario.UNSPECIFIED_HTTP_METHOD, CoverageScenario.UNSUPPORTED_CONTENT_TYPE}
_KINDS = {CoverageScenario.UNSUPPORTED_CONTENT_TYPE, CoverageScenario.MALFORMED_CONTENT_TYPE}
# Whose tokens are good, but for something else.
_OTHERS = ("AUDITOR_TOKEN", "OTHER_TRACKING_TOKEN")
_TOKENS = ("Bearer vgr_", "Bearer vgs_")
# What changes the test's own ticket, which stays one that everything can be done to.
_CHANGES = (
    *("/transitions", "/hand-back", "/merge", "/unmerge", "/split", "/tickets/{reference}"),
    *("/take", "/third-party", "/plan"),
)
_IMPLIED = {"HEAD", "OPTIONS"}
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Come from another address each time, so that failed logins hold nothing back.

    Of the good requests, every second is told what the description does not say, and some come
    with a token that is for something else.
    """
    number = next(_calls)
    headers = case.headers = {
        **(case.headers or {}),
        "X-Forwarded-For": f"10.{number >> 8}.{number % 256}.1",
    }
    scenario, path = coverage_scenario(case), case.operation.path
    if path.endswith("/sessions/current") and case.method.upper() == "DELETE":
        _log_out_another(headers)
    if scenario in _PROBES:
        _aim(case)
    if scenario is CoverageScenario.MISSING_PARAMETER and set_up.concerns(path):
        set_up.aim(case)
    if not case.meta.generation.mode.is_positive:
        return
    turn = next(_turns[case.operation.label])
    if turn % 2 == 0:
        _help(case, number)
    elif turn % 8 == 1 and headers.get("Authorization", "").startswith(_TOKENS):
        headers.update(bearer(os.environ[_OTHERS[turn // 8 % len(_OTHERS)]]))


def _help(case: Any, number: int) -> None:
    """Tell a good request what the description does not."""
    path, headers = case.operation.path, case.headers
    _aim(case)
    _spare(case)
    if set_up.concerns(path):
        set_up.fill(case, number)
    if desk.concerns(path):
        desk.fill(case)
    if path == "/metrics":
        headers.update(bearer(os.environ["METRICS_TOKEN"]))
    if path.endswith("/reports") and number % 4:
        headers["Accept"] = "application/geo+json"
    own = bearer(os.environ["TRACKING_TOKEN"])
    if path.endswith("/withdraw") and own.items() <= headers.items():
        # A withdrawn report takes no photos, so this one is not the others'.
        case.path_parameters["reference"] = os.environ["OTHER_REPORT"]
        headers.update(bearer(os.environ["OTHER_TRACKING_TOKEN"]))
    if path.endswith("/feedback") and own.items() <= headers.items():
        closed = desk.closed()
        case.path_parameters["reference"] = closed["reference"]
        headers.update(bearer(closed["tracking_token"]))


def _log_out_another(headers: dict[str, str]) -> None:
    """Have a session end that was opened for it, since all else is asked with the first."""
    if bearer(os.environ["SESSION_TOKEN"]).items() <= headers.items():
        login = {"email": DISPATCHER, "password": PASSWORD}
        opened = web.post(f"{os.environ['SERVER_URL']}{BASE}/sessions", json=login, timeout=30)
        headers.update(bearer(opened.json()["token"]))


def _spare(case: Any) -> None:
    """Have something else hidden than what is asked for everywhere."""
    if case.operation.path.endswith(("/hide", "/show")):
        for name, own, other in (
            ("reference", "REPORT", "MODERATED_REPORT"),
            ("public_id", "PHOTO", "MODERATED_PHOTO"),
        ):
            if case.path_parameters.get(name) == os.environ[own]:
                case.path_parameters[name] = os.environ[other]


@schemathesis.check
def what_is_not_described_is_refused(_context: Any, response: Any, case: Any) -> None:
    """Hold that another method is 405 and tells the right ones, and another kind of body 415."""
    scenario, method = coverage_scenario(case), response.request.method
    if scenario is CoverageScenario.UNSPECIFIED_HTTP_METHOD and method not in _IMPLIED:
        described = {one.upper() for one in case.operation.schema[case.operation.path]}
        allowed = set(response.headers.get("allow", [""])[0].split(", "))
        assert response.status_code == 405
        assert allowed - _IMPLIED == described & _METHODS
    if scenario is CoverageScenario.UNSUPPORTED_CONTENT_TYPE:
        assert response.status_code == 415
    # Schemathesis itself asks of these only that they break nothing.
    if scenario in _KINDS:
        assert str(response.status_code) in case.operation.definition.raw["responses"]


def _aim(case: Any) -> None:
    """Send the case to the test's own report, ticket or photo, as it is now."""
    path = case.operation.path
    if set_up.concerns(path):
        set_up.aim(case)
    if "{reference}" in path:
        name = "TICKET" if "/tickets/" in path else "REPORT"
        case.path_parameters["reference"] = os.environ[name]
    if "{public_id}" in path:
        case.path_parameters["public_id"] = os.environ["PHOTO"]
    if path.endswith("/similar"):
        case.query = dict(INSIDE)
    if path.endswith(_CHANGES):
        with web.Client(base_url=f"{os.environ['SERVER_URL']}{BASE}", timeout=30) as http:
            case.headers["If-Match"] = desk.version(http, os.environ["TICKET"])
    if "{filter_id}" in path:
        case.path_parameters["filter_id"] = _saved_filter()


def _saved_filter() -> str:
    """Return one of the caller's filters, made where there is none."""
    url, headers = f"{os.environ['SERVER_URL']}{BASE}/filters", bearer(os.environ["SESSION_TOKEN"])
    body = {"name": "Les retards", "query": {"late": True}}
    found = web.get(url, headers=headers, timeout=30).json()["items"]
    one = found[0] if found else web.post(url, json=body, headers=headers, timeout=30).json()
    return str(one["id"])
