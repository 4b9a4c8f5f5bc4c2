"""The processes that the tests of the faults share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from infra.embedded.valkey import Valkey
from tests.conftest import copy_of, running
from tests.stack import Stack, environment


@pytest.fixture(scope="package")
def stack(
    cluster: Cluster,
    template: str,
    mailbox: Mailbox,
    mail_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """Return running processes that no test here may break: whatever is done to them, they serve.

    They have a queue of their own, since they run on while other tests look into theirs.
    """
    folder = tmp_path_factory.mktemp("faults")
    valkey = Valkey(folder / "valkey")
    valkey.start()
    environ = environment(folder, copy_of(cluster, template), valkey.url, mailbox.url)
    with running(Stack(folder, environ, mail_folder)) as one:
        yield one
    valkey.discard()
