"""What Schemathesis sends beyond the description; it loads this module in its own process."""

from __future__ import annotations

import os
from itertools import count
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies

from tests.reports import photo_samples
from tests.resident import BASE, bearer

# What Schemathesis calls a picture has hardly a pixel, and is none to us.
schemathesis.openapi.media_type(
    "image/*", strategies.sampled_from([photo_samples.jpeg(), photo_samples.png(40, 30)])
)

_calls = count(1)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Come from another address each time, so that failed logins hold nothing back.

    Every second good request that needs to know more than the description says is told it.
    """
    number = next(_calls)
    headers = case.headers = {
        **(case.headers or {}),
        "X-Forwarded-For": f"10.{number >> 8}.{number % 256}.1",
    }
    if number % 2 or not case.meta.generation.mode.is_positive:
        return
    if case.operation.path == "/metrics":
        headers.update(bearer(os.environ["METRICS_TOKEN"]))
    if case.operation.path.endswith("/transitions"):
        headers["If-Match"] = _version(case.path_parameters["reference"])
    own = bearer(os.environ["TRACKING_TOKEN"])
    if case.operation.path.endswith("/withdraw") and own.items() <= headers.items():
        # A withdrawn report takes no photos, so this one is not the others'.
        case.path_parameters["reference"] = os.environ["OTHER_REPORT"]
        headers.update(bearer(os.environ["OTHER_TRACKING_TOKEN"]))


def _version(reference: str) -> str:
    """Return the ticket's entity tag, or that of none."""
    url = f"{os.environ['SERVER_URL']}{BASE}/tickets/{reference}"
    answer = httpx.get(url, headers=bearer(os.environ["SESSION_TOKEN"]), timeout=30)
    return str(answer.headers.get("ETag", '"none"'))
