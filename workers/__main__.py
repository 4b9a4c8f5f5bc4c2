"""`python -m workers`: one process per queue, one for requests to outsiders, and a sweeper."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from multiprocessing import get_context
from multiprocessing.context import ForkProcess

import structlog

from infra import logs
from infra.queue import QueueName
from infra.settings import Settings, SettingsError
from workers import process, queues
from workers.process import OUTGOING, SWEEPER

log = structlog.get_logger()

WATCH_S = 0.2
# A worker that dies at once is not started again at once.
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
STEADY_AFTER_S = 30.0
# A worker may finish the photo in its hands.
DRAIN_S = 25.0

_STOPS = (signal.SIGTERM, signal.SIGINT)


def _load() -> None:
    """Import what every role needs, which is what a photo needs, so that their forks share it.

    No more than that, since what the fork for a photo weighs is taken off what the photo may take.
    """
    queues.load_jobs(QueueName.PHOTOS)
    # Whoever looks for cycles writes into each object, and so would have a copy of it.
    gc.collect()
    gc.freeze()


def _spawn(role: str) -> ForkProcess:
    # A daemon is ended when we end, for whatever reason; others would be waited for.
    member = get_context("fork").Process(target=_play, args=(role,), name=role, daemon=True)
    # What we do on a signal is not what a fork does, and one may come before it has unlearnt that.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        member.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    return member


def _play(role: str) -> None:
    for number in _STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    process.main(role)


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
        if self._process.exitcode is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            if now - self._started_at > STEADY_AFTER_S:
                self._wait_s = FIRST_WAIT_S
            self._restart_at = now + self._wait_s
            log.warning("worker died", role=self.role, code=self._process.exitcode)
        elif now >= self._restart_at:
            self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
            self._restart_at = None
            self._started_at = now
            self._process = _spawn(self.role)

    def ask_to_stop(self) -> None:
        """Ask for the end after the job in hand."""
        self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for the end until the deadline, then kill."""
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.exitcode is None:
            log.warning("worker killed: it did not drain", role=self.role)
            self._process.kill()
            self._process.join()


def main() -> int:
    """Supervise until SIGTERM or SIGINT, then drain."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        sys.stderr.write(f"workers: {error}\n")
        return 1
    logs.configure(settings.log_level)
    stopped = threading.Event()
    for number in _STOPS:
        signal.signal(number, lambda *_: stopped.set())
    photos = [QueueName.PHOTOS] * settings.photo_workers
    roles = [*photos, QueueName.NOTICES, QueueName.SIMULATIONS, OUTGOING, SWEEPER]
    _load()
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
