"""Which client is calling, by its key."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import cast

from flask import g, request

from api import forms
from api.bodies import (
    BadInput,
    BodyTooLarge,
    FormTooLarge,
    MalformedBody,
    UnsupportedBody,
)
from api.problems import Fault
from api.services import db, locale
from api.tokens import bearer
from city import keys
from city.keys import Client
from city.models import Channel
from infra.clock import now
from infra.words import mark, say
from reports.gallery import MAX_PHOTO_BYTES, MAX_PHOTOS
from reports.intake import NewReport, Recorder

OTHER_CHANNEL = mark("Reports of this key come by “{channel}”.")
PARAMETER = "api_key"
WITH_PARAMETER = "open311"
"""Whose routes take a key among their parameters too."""
_OF_FORMS = (BodyTooLarge, FormTooLarge, MalformedBody, UnsupportedBody)
MOST_BYTES = MAX_PHOTOS * MAX_PHOTO_BYTES
"""How long a form may be that a key comes in."""


def given() -> str | None:
    """Return the key that the caller sends, known or not: what looks like one, or is called one."""
    token = bearer()
    if token is not None and token.startswith(keys.TOKEN_PREFIX):
        return token
    return _parameter() if request.blueprint == WITH_PARAMETER else None


def seems_to_be_one() -> bool:
    """Tell whether the caller's token is a key, known or not."""
    return given() is not None


def current() -> Client | None:
    """Return the client whose key the caller holds, looked up once per request."""
    if "client" not in g:
        key = given()
        g.client = keys.find_client(db(), key) if key else None
    return cast(Client | None, g.client)


def form() -> forms.Form:
    """Return the form of a route that takes keys as parameters; raise as `forms.read` does."""
    if "form" not in g:
        try:
            g.form = forms.read(MOST_BYTES, forms.URLENCODED, forms.MULTIPART)
        except _OF_FORMS as error:
            # Its bytes have been read, and would seem to be none the next time.
            g.form = error
    if isinstance(g.form, Exception):
        raise g.form
    return cast(forms.Form, g.form)


def hand_in(new: NewReport, client: Client) -> NewReport:
    """Return the report as the key's client hands it in, whose use is written down with it."""
    if new.channel not in (Channel.APP, client.channel):
        fault = say(locale(), OTHER_CHANNEL, channel=client.channel.value)
        raise BadInput(Fault(fault, pointer="/channel"))
    keys.note_use(db(), client, now())
    recorder = Recorder(client.jurisdiction_id, api_key_id=client.key_id)
    return replace(new, channel=client.channel, recorder=recorder)


def _parameter() -> str | None:
    values = request.args.getlist(PARAMETER)
    if request.method == "POST":
        # What is wrong with a form is told once it is known who sends it.
        with suppress(*_OF_FORMS):
            values = [*values, *form().texts.getlist(PARAMETER)]
    return next((value.strip() for value in values if value.strip()), None)
