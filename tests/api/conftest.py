"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.api import help as h
from tests.resident import DISPATCHER, log_in
from tests.stack import environment

LogIn = Callable[[str], dict[str, str]]
Build = Callable[..., FlaskClient]


def logging_in(app: Flask) -> LogIn:
    """Return what logs a person in, once for all, and returns the header that says so."""
    known: dict[str, dict[str, str]] = {}

    def header(email: str) -> dict[str, str]:
        if email not in known:
            known[email] = log_in(app.test_client(), email)
        return known[email]

    return header


@pytest.fixture(scope="session")
def as_person(app: Flask) -> LogIn:
    """Return what logs people of the demo city in."""
    return logging_in(app)


@pytest.fixture
def dispatcher(as_person: LogIn) -> dict[str, str]:
    """Return the header of the dispatcher's session."""
    return as_person(DISPATCHER)


@pytest.fixture
def build(database_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Build]:
    """Return what makes an application with some variables of its own, and a client of it."""
    apps = []

    def make(**environ: str) -> FlaskClient:
        parts = environment(tmp_path, database_url, valkey.url, "smtp://127.0.0.1:9")
        app = create_app(Settings.from_env({**parts, **environ}))
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        h.parts_of(app).engine.dispose()
