"""Running Alembic as people do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from tests.stack import ROOT


def alembic(environ: Mapping[str, str], *arguments: str) -> str:
    """Run a command and return what it printed; its failure is the test's."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
