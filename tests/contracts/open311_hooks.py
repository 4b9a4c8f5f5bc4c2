"""What Schemathesis sends to Open311's addresses, and how it reads their XML."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import count
from typing import Any

import schemathesis
from hypothesis import strategies

from tests.api.open311.peer import PLACE, POTHOLE
from tests.api.open311.reading_xml import read, schema_of
from tests.reports import photo_samples

# A file of some letters is no photo.
schemathesis.openapi.format("binary", strategies.just(photo_samples.jpeg()))

_numbers = count(1)
# Of each operation by itself: one more of them takes no other's turn.
_turns: defaultdict[str, count[int]] = defaultdict(count)
_PLACES = {"code": "nid-de-poule", "reference": os.environ["REPORT"], "token": os.environ["REPORT"]}


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Of the good requests, have every second ask for what is there in a city that is there."""
    if not case.meta.generation.mode.is_positive or next(_turns[case.operation.label]) % 2:
        return
    path = case.operation.path
    case.path_parameters.update(
        {name: place for name, place in _PLACES.items() if name in case.path_parameters}
    )
    case.query = {
        name: value
        for name, value in case.query.items()
        if name in ("api_key", "extensions", "locale", "status", "q", "page_size")
    }
    if case.method.upper() != "POST":
        return
    if "servicerequestupdates" in path:
        case.body = {
            "update_id": f"u{next(_numbers)}",
            "service_request_id": os.environ["REPORT"],
            "updated_datetime": "2026-11-27T10:00:00Z",
            "status": "IN_PROGRESS",
        }
    else:
        case.body = {**POTHOLE, **PLACE}


@schemathesis.deserializer("text/xml")
def read_xml(context: Any, response: Any) -> Any:
    """Return what JSON would have in the place of an answer in XML."""
    return read(response.content, schema_of(context.operation.definition.raw, response.status_code))
