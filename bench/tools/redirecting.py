"""The application as it would be if it sent whoever asks for a photo on to the bucket."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import NoReturn
from urllib.parse import urlsplit

import obstore
from flask import abort, redirect
from obstore.store import S3Store

from api.app import create_app
from api.services import Services
from infra.settings import Settings
from infra.storage import Storage

VALID_FOR = timedelta(minutes=5)


class RedirectingStorage(Storage):
    """Answers the request with a signed address in place of the bytes."""

    def get(self, key: str) -> NoReturn:
        """Send the caller to the bucket."""
        abort(redirect(obstore.sign(_store(), "GET", key, VALID_FOR)))


@cache
def _store() -> S3Store:
    parts = urlsplit(os.environ["STORAGE_URL"])
    return S3Store(parts.netloc, prefix=parts.path.strip("/"), client_options={"allow_http": True})


app = create_app(Settings.from_env())
_parts: Services = app.extensions["vigie"]
app.extensions["vigie"] = replace(
    _parts, storage=RedirectingStorage.from_url(_parts.settings.storage_url)
)
