"""The launcher, for real, with a miniature of the application: it starts, ends, comes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from infra.embedded import places, reach
from infra.embedded.process import working_below

MINIATURE = Path(__file__).parent / "miniature"
RUN = (
    "import sys; from pathlib import Path; from infra.embedded.{module} import main;"
    " sys.exit(main(Path(sys.argv[1])))"
)
# What a part's command line holds, and what people are told its name is.
PARTS = {
    "postgres": "PostgreSQL",
    "valkey-server": "Valkey",
    "workers": "workers",
    "granian": "web",
}
OURS = ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY", "HOST")


class Town:
    """A copy of the miniature, and what runs in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.var = root / "var"
        self.output = root.with_suffix(".output")
        self.errors = root.with_suffix(".errors")
        self.process: subprocess.Popen[bytes] | None = None
        shutil.copytree(MINIATURE, root)

    def launch(self, module: str = "__main__", **variables: str) -> subprocess.Popen[bytes]:
        environ = {name: value for name, value in os.environ.items() if name not in OURS}
        environ = environ | {"PORT": str(free_port())} | variables
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN.format(module=module), str(self.root)],
                stdout=output,
                stderr=errors,
                env=environ,
            )
        return self.process

    def start(self) -> dict[str, Any]:
        """Launch it and return what it tells scripts, once it does."""
        (self.var / "demo.json").unlink(missing_ok=True)
        process = self.launch()
        await_(lambda: (self.var / "demo.json").exists() or process.poll() is not None)
        assert process.poll() is None, self.errors.read_text()
        demo: dict[str, Any] = json.loads((self.var / "demo.json").read_text())
        return demo

    def running(self) -> list[int]:
        """Return every process that the run has started and that still lives."""
        postgres = places.fallback(self.var / "postgres")
        valkey = places.fallback(self.var / "valkey")
        return [pid for folder in (self.root, postgres, valkey) for pid in working_below(folder)]

    def parts(self) -> dict[str, int]:
        """Return the process of each part that runs now, by a word of its command line."""
        assert self.process is not None
        found: dict[str, int] = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in map(int, (task / "children").read_text().split()):
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
                    names = PARTS.keys() & {Path(word).name for word in words}
                    # What a dead part left behind does not lead a session, or has another name.
                    found |= dict.fromkeys(names if os.getsid(pid) == pid else (), pid)
        return found

    def has_another(self, word: str, pid: int) -> bool:
        """Return whether another process than `pid` is this part now."""
        return self.parts().get(word, pid) != pid

    def told(self, line: str) -> bool:
        """Return whether the run has said exactly this."""
        return line in self.output.read_text().splitlines()


def await_(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("launcher") / "town")
    yield town
    places.discard(town.var / "postgres")
    places.discard(town.var / "valkey")


@pytest.fixture
def town(shared: Town) -> Iterator[Town]:
    yield shared
    process = shared.process
    if process is not None and process.poll() is None:
        process.terminate()
        process.wait(90)


def test_a_run_serves_and_leaves_its_data_and_no_process(town: Town) -> None:
    demo = town.start()
    with urlopen(demo["url"], timeout=10) as answer:
        assert answer.read().decode() == demo["url"]
    assert demo["mail"] == "var/mail"
    assert demo["people"][0]["teams"] == ["roads"]
    assert (town.var / "demo.json").stat().st_mode & 0o077 == 0
    assert demo["url"] in town.output.read_text()
    assert "d@example.org" in town.output.read_text()
    assert len(town.running()) > 4
    first = town.process
    assert first is not None

    second = town.launch()
    assert second.wait(30) == 1
    refusal = f"make run: another make run already runs here, as process {first.pid}\n"
    assert town.errors.read_text() == refusal
    assert (town.var / "demo.json").exists()

    first.send_signal(signal.SIGINT)
    assert first.wait(90) == 0
    assert town.running() == []

    again = town.start()
    assert starts(again) == starts(demo) + 1
    messages = [path.read_text() for path in (town.var / "mail").glob("*.eml")]
    assert len(messages) >= starts(again)
    assert all("Subject: Loaded" in message for message in messages)


@pytest.mark.parametrize("extent", ["launcher", "all"])
def test_a_run_that_was_killed_comes_up_again(town: Town, extent: str) -> None:
    before = town.start()
    process = town.process
    assert process is not None
    killed = [process.pid] if extent == "launcher" else [process.pid, *town.running()]
    for pid in killed:
        # The kernel has begun to end the children as soon as the launcher is gone.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()

    after = town.start()
    assert starts(after) == starts(before) + 1


def test_a_part_that_dies_is_started_again_until_it_does_nothing_but_die(town: Town) -> None:
    demo = town.start()
    process = town.process
    assert process is not None
    before = town.parts()
    assert before.keys() == PARTS.keys()
    visits = ask(f"{demo['url']}/parts")["visits"]
    for word, name in PARTS.items():
        os.kill(before[word], signal.SIGKILL)
        await_(partial(town.told, f"{name} was killed by SIGKILL; starting it again"))
        await_(partial(town.has_another, word, before[word]))
    await_(partial(answers, demo["url"]))
    after = ask(f"{demo['url']}/parts")
    assert after == {"starts": starts(demo), "visits": visits + 1}
    assert process.poll() is None

    broken = town.root / "workers" / "broken"
    broken.touch()
    try:
        os.kill(town.parts()["workers"], signal.SIGKILL)
        assert process.wait(90) == 1
    finally:
        broken.unlink()
    assert town.told("workers ended with status 1; starting it again in 2 s")
    assert town.errors.read_text().startswith("make run: workers ended with status 1\n")
    assert town.errors.read_text().endswith("    workers: broken\n")
    assert town.running() == []


def test_a_run_can_be_stopped_while_a_part_starts_again(town: Town) -> None:
    town.start()
    process = town.process
    assert process is not None
    os.kill(town.parts()["postgres"], signal.SIGKILL)
    await_(lambda: town.told("PostgreSQL was killed by SIGKILL; starting it again"))
    process.send_signal(signal.SIGINT)
    assert process.wait(90) == 0
    assert town.errors.read_text() == ""
    stops = [line for line in town.output.read_text().splitlines() if "stopping" in line]
    order = ("web", "workers", "mail", "Valkey", "PostgreSQL")
    assert stops == [f"  stopping {name}" for name in order]
    assert town.running() == []


def test_a_part_that_dies_during_the_start_ends_it(town: Town) -> None:
    port = free_port()
    process = town.launch(NEVER_READY="yes", PORT=str(port))
    await_(partial(answers, f"http://127.0.0.1:{port}"))
    os.kill(town.parts()["workers"], signal.SIGKILL)
    assert process.wait(90) == 1
    assert town.errors.read_text().startswith("make run: workers was killed by SIGKILL\n")
    assert "starting it again" not in town.output.read_text()
    assert town.running() == []


def test_a_step_that_fails_ends_the_start(town: Town) -> None:
    assert town.launch(LOAD_FAILS="yes").wait(90) == 1
    last = town.errors.read_text().splitlines()[-1]
    assert last == "make run: flask --app wsgi demo load failed with status 3; see above"
    assert not (town.var / "demo.json").exists()
    assert town.running() == []


def test_a_start_can_be_broken_off(town: Town) -> None:
    process = town.launch(LOAD_HANGS="yes")
    await_(lambda: "Demo" in town.output.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(90) == 0
    assert town.errors.read_text() == ""
    assert town.running() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("HOST", "localhost:80"),
        ("DATABASE_URL", "mysql://localhost/city"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/city"),
        ("REDIS_URL", "redis://127.0.0.1:9"),
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("STORAGE_URL", "file:///proc/nope"),
        ("SECRET_KEY", "short"),
        ("PHOTO_WORKERS", "many"),
    ],
)
def test_a_bad_variable_stops_the_start_with_one_line(town: Town, name: str, value: str) -> None:
    town.var.mkdir(exist_ok=True)
    (town.var / "demo.json").touch()
    assert town.launch(**{name: value}).wait(60) == 1
    (line,) = town.errors.read_text().splitlines()
    assert line.startswith(f"make run: {name} ")
    assert not (town.var / "demo.json").exists()
    assert town.running() == []


def test_a_bucket_that_is_silent_stops_the_start_before_anything_runs(town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bucket = {
            "STORAGE_URL": "s3://nobucket",
            "AWS_ENDPOINT": f"http://127.0.0.1:{server.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
        }
        assert town.launch(**bucket).wait(60) == 1
    (line,) = town.errors.read_text().splitlines()
    assert line.startswith("make run: STORAGE_URL does not answer")
    assert "PostgreSQL" not in town.output.read_text()
    assert town.running() == []


def test_a_folder_for_photos_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "un dossier" / "photos"
    reach.demand_storage(folder.as_uri(), os.environ)
    assert list(folder.iterdir()) == []


def test_a_busy_port_stops_the_start_before_anything_runs(town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert town.launch(PORT=port).wait(30) == 1
    (line,) = town.errors.read_text().splitlines()
    assert line.startswith(f"make run: PORT {port} of 127.0.0.1 cannot be used: ")
    assert town.output.read_text() == ""


def test_cleaning_stops_the_run_and_removes_its_data_wherever_they_are(town: Town) -> None:
    town.start()
    run = town.process
    assert run is not None
    assert town.launch("cleaning").wait(90) == 0, town.errors.read_text()
    assert run.wait(30) == 0
    assert town.running() == []
    assert not town.var.exists()
    assert not places.fallback(town.var / "postgres").exists()
    assert town.launch("cleaning").wait(30) == 0


def starts(demo: dict[str, Any]) -> int:
    return int(demo["jurisdiction"].removeprefix("start "))


def ask(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def answers(url: str) -> bool:
    with suppress(OSError), urlopen(url, timeout=10):
        return True
    return False
