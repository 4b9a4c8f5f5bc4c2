"""Running commands as people do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from tests.stack import ROOT


def alembic(environ: Mapping[str, str], *arguments: str) -> str:
    """Run Alembic and return what it printed."""
    return run_module(environ, "alembic", *arguments)


def run_module(environ: Mapping[str, str], *arguments: str) -> str:
    """Run `python -m ...` and return what it printed; its failure is the test's."""
    code, output, complaints = try_module(environ, *arguments)
    assert code == 0, output + complaints
    return output


def try_module(environ: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run `python -m ...` and return its exit status, what it printed and its complaints."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
