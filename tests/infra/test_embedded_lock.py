"""The lock of one folder: one launcher at a time, and none of a killed one's children beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded import lock
from infra.embedded.process import StartError, having_open

HOLD = """
import pathlib, subprocess, sys
from infra.embedded import lock
from infra.embedded.process import StartError
try:
    held = lock.acquire(pathlib.Path(sys.argv[1]))
except StartError:
    print("refused", flush=True)
else:
    if "child" in sys.argv:
        subprocess.Popen(["sleep", "600"], pass_fds=[held.parts])
    print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """A process that tries to take the lock, and keeps it until it is told to end."""

    def __init__(self, folder: Path, *words: str) -> None:
        command = [sys.executable, "-c", HOLD, str(folder), *words]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def holders() -> Iterator[list[Holder]]:
    holders: list[Holder] = []
    yield holders
    for holder in holders:
        holder.kill()


def test_the_refusal_names_the_one_that_runs(tmp_path: Path, holders: list[Holder]) -> None:
    holders.append(Holder(tmp_path))
    assert holders[0].says() == "held"
    with pytest.raises(StartError, match=f"already runs here, as process {holders[0].process.pid}"):
        lock.acquire(tmp_path)


def test_of_many_at_once_one_runs(tmp_path: Path, holders: list[Holder]) -> None:
    holders.extend(Holder(tmp_path) for _ in range(6))
    assert sorted(holder.says() for holder in holders) == ["held", *["refused"] * 5]


def test_children_of_a_killed_launcher_are_ended(tmp_path: Path, holders: list[Holder]) -> None:
    holders.append(Holder(tmp_path, "child"))
    assert holders[0].says() == "held"
    (child,) = set(having_open(tmp_path / "parts.lock")) - {holders[0].process.pid}
    holders[0].process.kill()
    holders[0].process.wait()
    assert having_open(tmp_path / "parts.lock") == [child]

    lock.acquire(tmp_path).release()
    assert having_open(tmp_path / "parts.lock") == []


def test_a_run_can_be_ended_from_outside(tmp_path: Path, holders: list[Holder]) -> None:
    holders.append(Holder(tmp_path, "child"))
    assert holders[0].says() == "held"
    lock.end_run(tmp_path)
    assert holders[0].process.wait(30) != 0
    assert having_open(tmp_path / "parts.lock") == []
    lock.acquire(tmp_path).release()


def test_what_was_released_can_be_taken_again(tmp_path: Path) -> None:
    lock.acquire(tmp_path).release()
    lock.acquire(tmp_path).release()
    lock.end_run(tmp_path / "never used")
