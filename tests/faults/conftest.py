"""The processes that the tests of the faults share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.cluster import Cluster
from infra.embedded.mailbox import Mailbox
from tests.conftest import copy_of, stack_over
from tests.stack import Stack


@pytest.fixture(scope="package")
def stack(
    cluster: Cluster,
    template: str,
    mailbox: Mailbox,
    mail_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """Return running processes that no test here may break."""
    folder = tmp_path_factory.mktemp("faults")
    with stack_over(folder, copy_of(cluster, template), mailbox, mail_folder) as one:
        yield one
