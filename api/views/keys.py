"""The keys that the city gives to clients, for its administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from api import offices
from api.blueprint import resource
from api.callers import staff
from api.declarations import raises
from api.schemas.keys import KeyChangeSchema, KeySchema, KeysSchema, NewKeySchema
from api.services import commit, db
from city import keys
from city.access import Act
from city.administration import Administration, UnfitPart
from city.models import ApiKey
from city.staff import Staff
from city.unfit import Unfit
from infra.clock import now
from infra.notation import in_utc
from reports.exchange import usage
from reports.exchange.usage import Usage

blueprint = resource("keys", "The keys that the city gives to clients, for its administrators.")

EXAMPLE = {"name": "Capteurs de crue", "channel": "sensor", "per_minute": 60}


@blueprint.route("/admin/keys")
@staff(Act.SET_UP)
@blueprint.response(200, KeysSchema)
def list_keys(staff: Staff) -> Response:
    """List the keys, retired ones too, and when each was last used."""
    office = offices.of(staff)
    found = keys.every(office)
    used = usage.of_keys(db(), [key.id for key in found], office.now)
    return offices.listed(_told(key, used.get(key.id, Usage())) for key in found)


@blueprint.route("/admin/keys", methods=["POST"])
@staff(Act.SET_UP)
@raises(UnfitPart)
@blueprint.arguments(KeySchema, example=EXAMPLE)
@blueprint.response(201, NewKeySchema)
def add_key(body: dict[str, Any], staff: Staff) -> Response:
    """Add a key; its secret is told by this answer and by no other."""
    body.pop("retired")
    key, secret = keys.create(offices.of(staff), body)
    commit()
    return offices.answer({**_told(key, Usage()), "secret": secret}, key, 201)


@blueprint.route("/admin/keys/<int:key>")
@staff(Act.SET_UP)
@offices.found(keys.find)
@blueprint.response(200, KeySchema)
def get_key(row: ApiKey, **_office: Any) -> Response:
    """Read about a key."""
    return offices.answer(_told(row, _usage(row)), row)


@blueprint.route("/admin/keys/<int:key>", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(keys.find)
@offices.unchanged
@raises(UnfitPart)
@blueprint.arguments(KeyChangeSchema, example=EXAMPLE)
@blueprint.response(200, KeySchema)
def change_key(body: dict[str, Any], row: ApiKey, office: Administration) -> Response:
    """Change a key; one that is `retired` is refused from then on.

    Its channel and its secret stay: whoever needs others is given another key.
    """
    if body.pop("channel", row.channel) != row.channel:
        raise UnfitPart((("channel",), Unfit(keys.FIXED)))
    retired = body.pop("retired")
    key = keys.change(office, row, body, retired=retired)
    commit()
    return offices.answer(_told(key, _usage(key)), key)


def _usage(key: ApiKey) -> Usage:
    return usage.of_keys(db(), [key.id], now()).get(key.id, Usage())


def _told(key: ApiKey, used: Usage) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "channel": key.channel,
        "per_minute": key.per_minute,
        "moves_tickets": key.moves_tickets,
        "created_at": in_utc(key.created_at),
        "last_used_at": in_utc(key.last_used_at),
        "reports": used.reports,
        "reports_lately": used.lately,
        "retired": key.retired_at is not None,
        "etag": offices.etag(key),
    }
