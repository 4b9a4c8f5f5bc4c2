"""`bin/setup` in a folder of its own, with nothing to install, so that no network is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "bin" / "setup"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(SETUP, folder / "bin" / "setup")
    (folder / "requirements-dev.txt").touch()
    return folder


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    # With a database elsewhere, it has no reason to look for Debian's packages.
    environ = os.environ | {"DATABASE_URL": "postgresql://elsewhere", "PIP_NO_INDEX": "1"}
    return subprocess.run(
        [folder / "bin" / "setup"],
        env=environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_run_does_nothing_and_half_an_environment_is_made_again(folder: Path) -> None:
    first = run(folder)
    assert first.returncode == 0, first.stderr
    assert "setup: making .venv" in first.stdout
    second = run(folder)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    (folder / ".venv" / ".vigie-setup").unlink()
    third = run(folder)
    assert third.returncode == 0, third.stderr
    assert "setup: making .venv" in third.stdout
    moved = folder.rename(folder.with_name("moved"))
    fourth = run(moved)
    assert fourth.returncode == 0, fourth.stderr
    assert "setup: making .venv" in fourth.stdout


def test_what_cannot_be_installed_is_named_in_the_last_line(folder: Path) -> None:
    (folder / "requirements-dev.txt").write_text(f"nowhere==1 --hash=sha256:{'0' * 64}\n")
    failed = run(folder)
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert last == "setup: the requirements in requirements-dev.txt could not be installed"


def test_a_machine_without_python_is_told_so(folder: Path) -> None:
    tools = folder / "tools"
    tools.mkdir()
    for name in ("dirname", "id", "sed"):
        program = shutil.which(name)
        assert program is not None
        (tools / name).symlink_to(program)
    failed = run(folder, PATH=str(tools))
    assert failed.returncode == 1
    assert failed.stderr == (
        "setup: Python 3.11 or newer is missing and cannot be installed here\n"
    )
