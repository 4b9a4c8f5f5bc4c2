"""How it is told that nobody asks any more whether something is solved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from api.services import public_url
from infra.words import mark
from reports.resident.feedback import Again, NothingToAnswer

_NOTHING = mark(
    "There is nothing to say about a closing: the work on it goes on, or is not one that is asked"
    " about. You can write a message instead."
)
TOO_LATE = mark(
    "It was closed too long ago to be opened again. If it is there again, please report it anew."
)

PLAIN: Mapping[type[Exception], tuple[int, str, str | None]] = {
    NothingToAnswer: (409, "nothing-to-answer", _NOTHING),
}


def way_to_report_again(again: Again) -> dict[str, Any]:
    """Return where and with what the same thing is reported anew."""
    place = {"latitude": again.location.latitude, "longitude": again.location.longitude}
    return {
        "href": public_url("/api/v1/reports"),
        "page": page_to_report_again(again),
        "kind": again.kind,
        "category": again.category,
        "location": place,
        "address": again.address,
    }


def page_to_report_again(again: Again) -> str:
    """Return the address of the page for people, which tells a client what and where."""
    place = {"latitude": again.location.latitude, "longitude": again.location.longitude}
    filed = {"kind": again.kind, **({"category": again.category} if again.category else {})}
    return public_url(f"/?{urlencode({**filed, **place})}")
