"""The application as real processes: a web server and workers over given parts."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import TypeVar

import httpx

from infra.embedded.process import Child
from tests import web

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


def environment(folder: Path, database_url: str, redis_url: str, smtp_url: str) -> dict[str, str]:
    """Return variables for quick retries and no limits; the parts are the caller's."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SMTP_URL": smtp_url,
        "STORAGE_URL": (folder / "storage").as_uri(),
        "PUBLIC_URL": "http://city.example",
        "SECRET_KEY": "a secret of the tests, long enough",
        # The limits are for strangers; all tests come from one address.
        "READS_PER_MINUTE": "100000",
        "WRITES_PER_MINUTE": "100000",
        "SWEEP_INTERVAL_SECONDS": "1",
        "NOTICE_RETRY_SECONDS": "1",
        "PHOTO_RETRY_SECONDS": "1",
        "PHOTO_LEASE_SECONDS": "10",
        "NOTICE_LEASE_SECONDS": "10",
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(question: Callable[[], T | None], patience_s: float = 30.0) -> T:
    """Return the first answer that is neither None nor empty, or fail."""
    deadline = time.monotonic() + patience_s
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@cache
def _mail(path: Path) -> tuple[str, EmailMessage]:
    """Return whom a mail is to, and the mail.

    It lies there whole and for good, so it is read once however often others are waited for.
    """
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    return str(mail["To"]), mail


class Stack:
    """A web server and workers, each started and stopped by the test."""

    def __init__(self, folder: Path, environ: Mapping[str, str], mail_folder: Path) -> None:
        self.folder = folder
        self._mail_folder = mail_folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environ = {**environ, "PUBLIC_URL": self.url}
        self._web = self._child(
            "web",
            f"granian --interface asginl --host 127.0.0.1 --port {port} --http 1 --no-ws"
            " --workers 1 --backpressure 5000 asgi:app",
        )
        self._workers = self._child("workers", "workers")

    def start(self) -> None:
        """Start both and return once the web server answers."""
        self._web.start()
        self._workers.start()
        eventually(self._is_alive)

    def stop(self) -> None:
        """Stop both."""
        self._workers.stop(30)
        self._web.stop(15)

    def kill(self) -> None:
        """Kill both, with all their processes."""
        self.kill_supervisor()
        self.kill_web()

    def start_workers(self) -> None:
        """Start the workers alone."""
        self._workers.start()

    def start_web(self) -> None:
        """Start the web server alone and return once it answers."""
        self._web.start()
        eventually(self._is_alive)

    def kill_web(self) -> None:
        """Kill the web server with all its processes."""
        self._web.kill()

    def kill_supervisor(self) -> None:
        """Kill the workers with what keeps them alive."""
        self._workers.kill()

    def stop_workers(self) -> None:
        """Stop the workers in an orderly way."""
        self._workers.stop(30)

    def worker_pids(self, role: str) -> list[int]:
        """Return the processes that serve one role, work horses included."""
        return [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and self._is_worker(entry, role)
        ]

    def kill_workers(self, role: str) -> list[int]:
        """Kill all processes of a role at once, and say which."""
        pids = self.worker_pids(role)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    def mails(self, to: str) -> list[EmailMessage]:
        """Return what was sent to an address, oldest first."""
        read = map(_mail, sorted(self._mail_folder.glob("*.eml")))
        return [mail for recipient, mail in read if recipient == to]

    def log(self) -> str:
        """Return what web server and workers logged."""
        return "".join(
            path.read_text() for path in (self._web.log, self._workers.log) if path.exists()
        )

    def _is_worker(self, entry: Path, role: str) -> bool:
        try:
            name = (entry / "comm").read_text().strip()
            variables = (entry / "environ").read_bytes()
        except OSError:
            return False
        ours = f"PUBLIC_URL={self.url}".encode() in variables.split(b"\0")
        return ours and name == role

    def _is_alive(self) -> bool:
        try:
            return web.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def _child(self, name: str, module: str) -> Child:
        return Child(
            name,
            [sys.executable, "-m", *module.split()],
            self.folder / f"{name}.log",
            cwd=ROOT,
            environ=self.environ,
        )
