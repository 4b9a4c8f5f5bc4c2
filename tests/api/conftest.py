"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.resident import DISPATCHER, log_in

LogIn = Callable[[str], dict[str, str]]


@pytest.fixture(scope="session")
def as_person(app: Flask) -> LogIn:
    """Return what logs a person in, once for all tests, and returns the header that says so."""
    known: dict[str, dict[str, str]] = {}

    def header(email: str) -> dict[str, str]:
        if email not in known:
            known[email] = log_in(app.test_client(), email)
        return known[email]

    return header


@pytest.fixture
def dispatcher(as_person: LogIn) -> dict[str, str]:
    """Return the header of the dispatcher's session."""
    return as_person(DISPATCHER)
