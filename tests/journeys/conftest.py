"""What journeys start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from tests.stack import Stack, environment


@pytest.fixture
def workers(
    tmp_path: Path, own_database_url: str, valkey: Valkey, mailbox: Mailbox
) -> Iterator[Stack]:
    """Return workers that have not been started yet, over the test's own database."""
    environ = environment(tmp_path, own_database_url, valkey.url, mailbox.url)
    stack = Stack(tmp_path, environ, tmp_path / "mail")
    yield stack
    stack.stop()
