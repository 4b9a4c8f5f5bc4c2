"""Fixtures of the tests of Open311."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.api.open311.peer import Peer, key_of


@pytest.fixture(scope="session")
def key(app: Flask) -> str:
    """Return the key of a client that works for the demo city."""
    return key_of(app, moves_tickets=True)


@pytest.fixture
def peer(app: Flask, key: str) -> Peer:
    """Return a client that works for the demo city."""
    return Peer(app.test_client(), key)
