"""`python -m workers`: one process per queue, one for requests to outsiders, and a sweeper."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import structlog

from infra import logs
from infra.queue import QueueName
from infra.settings import Settings, SettingsError
from workers.process import OUTGOING, SWEEPER

log = structlog.get_logger()

WATCH_S = 0.2
# A worker that dies at once is not started again at once.
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
STEADY_AFTER_S = 30.0
# A worker may finish the photo in its hands.
DRAIN_S = 25.0


def _spawn(role: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "workers.process", role])


class Member:
    """One process that is kept alive."""

    def __init__(self, role: str) -> None:
        self.role = role
        self._wait_s = FIRST_WAIT_S
        self._restart_at: float | None = None
        self._started_at = time.monotonic()
        self._process = _spawn(role)

    def watch(self) -> None:
        """Start the process again if it has died, later each time it dies young."""
        if self._process.poll() is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            if now - self._started_at > STEADY_AFTER_S:
                self._wait_s = FIRST_WAIT_S
            self._restart_at = now + self._wait_s
            log.warning("worker died", role=self.role, code=self._process.returncode)
        elif now >= self._restart_at:
            self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
            self._restart_at = None
            self._started_at = now
            self._process = _spawn(self.role)

    def ask_to_stop(self) -> None:
        """Ask for the end after the job in hand."""
        if self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for the end until the deadline, then kill."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("worker killed: it did not drain", role=self.role)
            self._process.kill()
            self._process.wait()


def main() -> int:
    """Supervise until SIGTERM or SIGINT, then drain."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        sys.stderr.write(f"workers: {error}\n")
        return 1
    logs.configure(settings.log_level)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    queues = [
        *[QueueName.PHOTOS] * settings.photo_workers,
        QueueName.NOTICES,
        QueueName.SIMULATIONS,
    ]
    roles = [*queues, OUTGOING, SWEEPER]
    members = [Member(role) for role in roles]
    log.info("workers started", roles=[str(role) for role in roles])
    while not stopped.wait(WATCH_S):
        for member in members:
            member.watch()
    for member in members:
        member.ask_to_stop()
    deadline = time.monotonic() + DRAIN_S
    for member in members:
        member.end(deadline)
    log.info("workers stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
