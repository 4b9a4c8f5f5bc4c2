"""Which client is calling, by its key."""

from __future__ import annotations

from typing import cast

from flask import g

from api.services import db
from api.tokens import bearer
from city import keys
from city.keys import Client


def seems_to_be_one() -> bool:
    """Tell whether the caller's token is a key, known or not."""
    token = bearer()
    return token is not None and token.startswith(keys.TOKEN_PREFIX)


def current() -> Client | None:
    """Return the client whose key the caller holds, looked up once per request."""
    if "client" not in g:
        token = bearer()
        g.client = keys.find_client(db(), token) if token and seems_to_be_one() else None
    return cast(Client | None, g.client)
