"""What there is: the one document that a client needs to be told the address of."""

from __future__ import annotations

from flask import Response

from api.open311 import formats
from api.open311.blueprint import BASE, V2, route
from api.services import public_url, services

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
# When these addresses last changed in what they mean.
CHANGESET = "2026-11-27T00:00:00Z"
_HOW_TO = "An administrator of the city gives keys to clients; write to {contact}."


@route("/discovery", of_city=False)
@route(f"{V2}/discovery", of_city=False)
def discovery() -> Response:
    """Tell where the endpoint is, and which formats it speaks."""
    contact = services().settings.mail_from
    url = public_url(f"{BASE}{V2}")
    endpoints = [
        {
            "specification": SPECIFICATION,
            "url": url,
            "changeset": CHANGESET,
            "type": "production",
            "formats": [formats.TYPES[name].partition(";")[0] for name in formats.FORMATS],
        }
        # Known clients read a list that holds one thing as the thing itself.
        for _ in range(2)
    ]
    told = {
        "changeset": CHANGESET,
        "contact": contact,
        "key_service": _HOW_TO.format(contact=contact),
        "endpoints": endpoints,
    }
    return formats.answer("discovery", told)
